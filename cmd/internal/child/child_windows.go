package child

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// ending: Ctrl-C and Ctrl-Break come as Interrupt, closing the window as SIGTERM.
var ending = []os.Signal{os.Interrupt, syscall.SIGTERM}

// pass does nothing: a console sends these events to every process attached to it, the
// child included, and Windows has no way to send one to a single process.
func pass(*os.Process, os.Signal) {}

// apart changes nothing: what reads the console's keys there is not decided by groups, and a
// child in a group of its own would not get Ctrl-C at all.
func apart() *syscall.SysProcAttr { return nil }

// passApart does nothing, as pass.
func passApart(*os.Process, os.Signal) {}

// interrupt makes the event that the console does not make of Ctrl-C while a viewer reads its
// keys. Every process of the console gets it; modtap catches its own.
func interrupt(*os.Process) {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0) // without a console there is no Ctrl-C either
}

// killedBy returns 0: Windows has no signals, only exit codes.
func killedBy(*os.ProcessState) (name string, code int) { return "", 0 }

// SignalCode is the exit status that stands for sig; 130 is what shells use for Ctrl-C.
func SignalCode(os.Signal) int { return 130 }

// InForeground reports true: a console has no background.
func InForeground() bool { return true }

// Ends reports whether sig asks a program to end.
func Ends(os.Signal) bool { return true }
