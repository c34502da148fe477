package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	bundleFile = "bundle.pem"
	certDir    = "certs" // stays empty: what SSL_CERT_DIR names beside the bundle
	stateFile  = "serve.json"
)

// configDir is where the CA and serve's files are. It need not exist.
func (a *app) configDir() (string, error) {
	if home := a.getenv("MODTAP_HOME"); home != "" {
		return filepath.Abs(home)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", withHint(fmt.Errorf("find the configuration folder: %w", err), "set MODTAP_HOME to a folder")
	}
	return filepath.Join(dir, "modtap"), nil
}

// cacheDir is where what may be lost is. It need not exist.
func (a *app) cacheDir() (string, error) {
	if home := a.getenv("MODTAP_HOME"); home != "" {
		return filepath.Abs(home)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	return filepath.Join(dir, "modtap"), nil
}

// A serveState tells other commands about a running serve.
type serveState struct {
	PID     int       `json:"pid"`
	Proxy   string    `json:"proxy"` // host:port
	Bundle  string    `json:"bundle"`
	CertDir string    `json:"cert_dir"`
	Reverse bool      `json:"reverse,omitempty"`
	GOPROXY string    `json:"goproxy,omitempty"` // for the shell; "": its own
	GOSUMDB string    `json:"gosumdb,omitempty"`
	Relays  string    `json:"relays,omitempty"` // the GOPROXY behind it, redacted
	Started time.Time `json:"started"`
}

// write leaves s in dir.
func (s serveState) write(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, stateFile), append(b, '\n'), 0o600)
}

// remove takes the file away, unless another serve has replaced it.
func (s serveState) remove(dir string) {
	if now, err := readState(dir); err == nil && now.PID == s.PID {
		_ = os.Remove(filepath.Join(dir, stateFile)) // a file that stays is found to be stale
	}
}

// errNotRunning is for commands that need a running serve.
var errNotRunning = withHint(errors.New("no modtap serve is running"), "start one in another shell: modtap serve")

// readState returns what the last serve left in dir.
func readState(dir string) (serveState, error) {
	var s serveState
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, errNotRunning
	}
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read the state of serve: %w", err)
	}
	return s, nil
}

// replaceFile writes a file so that a reader sees the old content or the new, never a part.
func replaceFile(path string, content []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, cause(err))
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, cause(err))
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
