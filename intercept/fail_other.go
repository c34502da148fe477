//go:build !windows

package intercept

// isResetOS has nothing to add to ECONNRESET here.
func isResetOS(error) bool { return false }
