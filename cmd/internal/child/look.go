package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// What Look and Start say when there is nothing to run. Callers map them to the exit
// codes 127 and 126 of env, timeout and the shells.
var (
	ErrNotFound      = errors.New("command not found")
	ErrNotExecutable = errors.New("cannot be run")
)

// Look returns the file that running name would start. Its errors wrap ErrNotFound or
// ErrNotExecutable.
func Look(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrDot):
		return "", fmt.Errorf("%s: %w: it is only in the current folder; write .%c%s to run it", name, ErrNotFound, filepath.Separator, name)
	case errors.Is(err, exec.ErrNotFound):
		if file := notExecutable(name); file != "" {
			return "", fmt.Errorf("%s: %w: %s is not executable", name, ErrNotExecutable, file)
		}
		return "", fmt.Errorf("%s: %w", name, ErrNotFound)
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	return "", fmt.Errorf("%s: %w: %w", name, ErrNotExecutable, reason(err))
}

// notExecutable finds the file that a shell would answer "permission denied" about.
func notExecutable(name string) string {
	if runtime.GOOS == "windows" || name == "" || strings.ContainsRune(name, '/') {
		return ""
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// reason is the cause at the bottom of err, without the operations and paths above it.
func reason(err error) error {
	for {
		below := errors.Unwrap(err)
		if below == nil {
			return err
		}
		err = below
	}
}
