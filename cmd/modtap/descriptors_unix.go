//go:build unix

package main

import "golang.org/x/sys/unix"

// fileLimit is how many files this process may have open. Go has raised the soft limit to
// the hard one when modtap started (and gives children the old one).
func fileLimit() (limit uint64, known bool) {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil {
		return 0, false
	}
	return uint64(r.Cur), true
}
