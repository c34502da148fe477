package intercept

import (
	"errors"

	"golang.org/x/sys/windows"
)

// isResetOS knows Windows' own number for a reset.
func isResetOS(err error) bool { return errors.Is(err, windows.WSAECONNRESET) }
