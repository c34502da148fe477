package main

import (
	"errors"

	"golang.org/x/sys/windows"
)

// inUse reports whether err says that a port is taken.
func inUse(err error) bool { return errors.Is(err, windows.WSAEADDRINUSE) }
