//go:build linux || darwin

package child

import (
	"time"

	"golang.org/x/sys/unix"
)

// stopwatch returns a func that says what processor time this thread has used since.
func stopwatch(time.Time) func() time.Duration {
	before, _ := clock(unix.CLOCK_THREAD_CPUTIME_ID)
	return func() time.Duration {
		now, _ := clock(unix.CLOCK_THREAD_CPUTIME_ID)
		return now - before
	}
}

func clock(id int32) (time.Duration, bool) {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}
