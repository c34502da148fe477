package ca

import (
	"fmt"
	"path/filepath"
	"time"
)

const (
	lockFile = "ca.lock"
	// lockWait is far more than the milliseconds for which the lock is ever held.
	lockWait = 10 * time.Second
	lockPoll = 5 * time.Millisecond
)

// lockDir keeps other processes (and goroutines) from replacing the CA in dir until
// unlock is called. The lock belongs to an open file, so it dies with its process; the
// empty file stays.
func lockDir(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, lockFile)
	for deadline := time.Now().Add(lockWait); ; {
		unlock, busy, err := tryLock(path)
		if err != nil {
			return nil, fmt.Errorf("lock CA in %s: %w", dir, err)
		}
		if !busy {
			return unlock, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("lock CA in %s: another process has held %s for %v: end it and try again",
				dir, path, lockWait)
		}
		time.Sleep(lockPoll)
	}
}
