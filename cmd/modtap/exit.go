package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"modtap/recorder"
	"modtap/viewer/report"
)

// Exit codes (DESIGN §1). `run` gives the child's own where there was a child, so its own
// failures must not look like one; 125 to 127 are those of env, timeout and docker run.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitFinding     = 3
	exitRunFailed   = 125
	exitCannotRun   = 126
	exitCmdNotFound = 127
)

// An exitError says which code to exit with. Without an error there is nothing to print.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// withCode makes err exit with code; a code that err has already stays,
// and no error stays none.
func withCode(err error, code int) error {
	if has := (*exitError)(nil); err == nil || errors.As(err, &has) {
		return err
	}
	return &exitError{code, err}
}

// exitWith exits with code and prints nothing.
func exitWith(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// usageError is for command lines that are wrong.
func usageError(c *cobra.Command, err error) error {
	err = withCode(err, exitUsage)
	if c.Name() == "run" {
		err = asRun(err)
	}
	return err
}

// asRun makes the failures of modtap itself different from those of a child. The codes
// of a child come without an error.
func asRun(err error) error {
	if exit := (*exitError)(nil); errors.As(err, &exit) && exit.err != nil && exit.code == exitUsage {
		return &exitError{exitRunFailed, err}
	}
	return withCode(err, exitRunFailed)
}

// A hintError adds what the user can do about it.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() + "; " + e.hint }
func (e *hintError) Unwrap() error { return e.err }

// withHint adds to err what the user can type or change. It stays on the same line.
func withHint(err error, hint string) error { return &hintError{err, hint} }

// cause is the error at the bottom of err, without the operations above it.
func cause(err error) error {
	for {
		below := errors.Unwrap(err)
		if below == nil {
			return err
		}
		err = below
	}
}

// exitCode prints err in one line and returns what to exit with.
func (a *app) exitCode(err error) int {
	if err == nil {
		return 0
	}
	exit := &exitError{code: exitFailed, err: err}
	errors.As(err, &exit)
	if exit.err != nil {
		// Many errors name a flag's value, which may be a URL with a password.
		a.talk("%s", report.Printable(recorder.NewRedactor().Text(err.Error())))
		if at := (*pointedError)(nil); errors.As(err, &at) {
			fmt.Fprint(a.stderr, at.lines)
		}
	}
	return exit.code
}

// talk says something to the user, on stderr: stdout is the child's.
func (a *app) talk(format string, args ...any) {
	fmt.Fprintf(a.stderr, "modtap: "+format+"\n", args...)
}

// warn says something that the user should know although modtap goes on.
func (a *app) warn(format string, args ...any) { a.talk("warning: "+format, args...) }
