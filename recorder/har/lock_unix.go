//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package har

import (
	"errors"
	"os"
	"syscall"
)

// openLocked opens path and holds an advisory lock on it until it is closed. The error is
// errInUse when somebody else holds one. A file system without locks (some NFS) is used
// without.
func openLocked(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	conn, err := f.SyscallConn()
	if err == nil {
		cerr := conn.Control(func(fd uintptr) { err = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) })
		err = errors.Join(err, cerr)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return nil, errInUse
	}
	return f, nil
}

// remove removes path unless somebody writes it.
func remove(path string) error {
	f, err := openLocked(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	return os.Remove(path)
}
