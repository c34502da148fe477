package child

import (
	"os"
	"syscall"
)

// ending: Ctrl-C and Ctrl-Break come as Interrupt, closing the window as SIGTERM.
var ending = []os.Signal{os.Interrupt, syscall.SIGTERM}

// pass does nothing: a console sends these events to every process attached to it, the
// child included, and Windows has no way to send one to a single process.
func pass(*os.Process, os.Signal) {}

// killedBy returns 0: Windows has no signals, only exit codes.
func killedBy(*os.ProcessState) (name string, code int) { return "", 0 }

// SignalCode is the exit status that stands for sig; 130 is what shells use for Ctrl-C.
func SignalCode(os.Signal) int { return 130 }

// InForeground reports true: a console has no background.
func InForeground() bool { return true }

// Ends reports whether sig asks a program to end.
func Ends(os.Signal) bool { return true }
