//go:build unix

package child

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// burn uses processor time of its own, however long that takes on a busy machine.
func burn(arg string) {
	d, err := time.ParseDuration(arg)
	must(err)
	for {
		var r unix.Rusage
		must(unix.Getrusage(unix.RUSAGE_SELF, &r))
		if time.Duration(r.Utime.Nano()+r.Stime.Nano()) >= d {
			return
		}
	}
}

// lockFile waits for the lock of a file, as the go command does.
func lockFile(name string) {
	f, err := os.Open(name)
	must(err)
	must(syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
}
