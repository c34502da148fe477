//go:build !linux && !darwin

package child

import "time"

// stopwatch returns a func that says how long ago start was, which is no less than the
// processor time since: the clock of a thread has steps of 16 ms on Windows.
func stopwatch(start time.Time) func() time.Duration {
	return func() time.Duration { return time.Since(start) }
}
