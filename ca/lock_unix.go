//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ca

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock at path, or says that somebody else has it.
func tryLock(path string) (unlock func(), busy bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return func() { f.Close() }, false, nil
	case err == syscall.EWOULDBLOCK || err == syscall.EINTR:
		f.Close()
		return nil, true, nil
	case errors.Is(err, errors.ErrUnsupported) || err == syscall.ENOLCK:
		// A file system without locks must not keep a user from having a CA. Each file
		// is still replaced atomically, and two that do not match are noticed.
		return func() { f.Close() }, false, nil
	}
	f.Close()
	return nil, false, err
}
