package har

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errInUse is for a recording that somebody is writing.
var errInUse = errors.New("it is being written by another program")

// Dir is the folder of the recordings that were not named: MODTAP_HOME/recordings, or
// modtap/recordings in os.UserCacheDir. It need not exist.
func Dir() (string, error) {
	if home := os.Getenv("MODTAP_HOME"); home != "" {
		return filepath.Join(home, "recordings"), nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the recordings folder: %w", err)
	}
	return filepath.Join(cache, "modtap", "recordings"), nil
}

// NewFile makes a new empty file for a recording in dir, and dir itself where needed, and
// returns its path: modtap-20261122-143000.har, or …-2.har when that is taken.
func NewFile(dir string, now time.Time) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the recordings folder: %w", err)
	}
	stem := "modtap-" + now.Format("20060102-150405")
	for n := 1; n <= 1000; n++ {
		name := stem + ".har"
		if n > 1 {
			name = stem + "-" + strconv.Itoa(n) + ".har"
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("make a recording: %w", err)
		}
		return f.Name(), f.Close()
	}
	return "", fmt.Errorf("make a recording in %s: %s and 999 more names are taken", dir, stem)
}

// recordingName is a name that NewFile makes: its time, and its number.
var recordingName = regexp.MustCompile(`^modtap-(\d{8}-\d{6})(?:-(\d{1,4}))?\.har$`)

// List returns the recordings that NewFile made in dir, the newest first. A dir that does
// not exist has none. Later parts are not listed.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	type recording struct {
		path, time string
		n          int
	}
	var found []recording
	for _, e := range entries {
		m := recordingName.FindStringSubmatch(e.Name())
		if m == nil || !e.Type().IsRegular() {
			continue
		}
		n, _ := strconv.Atoi(m[2]) // "" is the first
		found = append(found, recording{filepath.Join(dir, e.Name()), m[1], n})
	}
	slices.SortFunc(found, func(a, b recording) int {
		return cmp.Or(strings.Compare(b.time, a.time), cmp.Compare(b.n, a.n))
	})
	paths := make([]string, len(found))
	for i, r := range found {
		paths[i] = r.path
	}
	return paths, nil
}

// Prune removes the recordings of dir but for the newest keep, with their later parts and
// kept bodies. One that is being written stays, as does every file that NewFile did not
// make.
func Prune(dir string, keep int) error {
	paths, err := List(dir)
	if err != nil {
		return err
	}
	var failed []error
	for _, path := range paths[min(max(keep, 0), len(paths)):] {
		err := remove(path)
		if errors.Is(err, errInUse) || errors.Is(err, fs.ErrNotExist) {
			continue // somebody writes it, or another modtap was faster
		}
		for part := 2; err == nil; part++ {
			if err = os.Remove(PartPath(path, part)); errors.Is(err, fs.ErrNotExist) {
				err = os.RemoveAll(strings.TrimSuffix(path, ".har") + ".bodies")
				break
			}
		}
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("remove old recordings: %w", err)
	}
	return nil
}

// openForWriting opens path empty, for us alone and locked, unless it holds something
// that looks like nobody meant to have it overwritten.
func openForWriting(path string) (*os.File, error) {
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		return nil, errors.New("it is a directory")
	} else if err == nil && !fi.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file") // a pipe cannot be written over
	}
	f, err := openLocked(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err = overwritable(f); err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	_ = f.Chmod(0o600) // it may have been there, readable by others; some file systems have no modes
	return f, nil
}

// overwritable returns an error for a file that is neither empty, nor named .har, nor
// like a HAR: -o go.mod is a slip.
func overwritable(f *os.File) error {
	var head [1024]byte
	n, _ := f.ReadAt(head[:], 0) // what cannot be read is not like a HAR
	text := bytes.TrimLeft(bytes.TrimPrefix(head[:n], bom), " \t\r\n")
	fi, err := f.Stat()
	switch {
	case err != nil:
		return err
	case fi.Size() == 0, strings.EqualFold(filepath.Ext(f.Name()), ".har"):
		return nil
	case bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text, []byte(`"log"`)):
		return nil
	}
	return errors.New("it exists and is not a HAR: remove it first, or choose a name ending in .har")
}
