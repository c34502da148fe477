//go:build unix

package child

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ending are the signals that end a Go program. SIGPIPE is among them because modtap's
// own stderr may be a pipe whose reader left (`modtap run … 2>&1 | head`).
var ending = []os.Signal{
	syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE,
}

// pass gives sig to the child, unless the child has it already.
//
// Ctrl-C and Ctrl-\ on a terminal go to every process of its foreground group, the child
// included, and many programs take a second one as "at once, without cleaning up". So
// while modtap is in that group they are not sent again; `kill -INT` from elsewhere then
// has to name the child or the group. Without a terminal (CI, a script, a supervisor)
// modtap is the only one that got it, and passes it on.
func pass(p *os.Process, sig os.Signal) {
	switch sig {
	case syscall.SIGPIPE:
		return
	case syscall.SIGINT, syscall.SIGQUIT:
		if InForeground() {
			return
		}
	}
	_ = p.Signal(sig) // it may have ended meanwhile
}

// apart makes a session of its own.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// passApart gives sig to a child with a session of its own. What a terminal sends goes to its
// whole group, as the terminal would: the go command's own children wait for it, too.
func passApart(p *os.Process, sig os.Signal) {
	switch sig {
	case syscall.SIGPIPE:
	case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP:
		if p.Signal(syscall.Signal(0)) == nil { // it may have ended, and its number be another's
			_ = syscall.Kill(-p.Pid, sig.(syscall.Signal))
		}
	default:
		_ = p.Signal(sig)
	}
}

// interrupt is Ctrl-C for a child with a session of its own.
func interrupt(p *os.Process) { passApart(p, syscall.SIGINT) }

// InForeground reports whether this process belongs to the foreground group of its terminal.
func InForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false // no controlling terminal
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}

// killedBy returns the signal that ended a process and 128+n; 0 if none did.
func killedBy(state *os.ProcessState) (name string, code int) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return "", 0
	}
	return unix.SignalName(status.Signal()), 128 + int(status.Signal())
}

// SignalCode is the exit status that stands for sig: 128+n.
func SignalCode(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 1
}

// Ends reports whether sig asks a program to end.
func Ends(sig os.Signal) bool {
	return sig != syscall.SIGPIPE && sig != syscall.SIGUSR1 && sig != syscall.SIGUSR2
}
