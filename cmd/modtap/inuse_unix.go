//go:build unix

package main

import (
	"errors"
	"syscall"
)

// inUse reports whether err says that a port is taken.
func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
