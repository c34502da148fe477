package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// A terminal says what may be done with stderr.
type terminal struct {
	is    bool // it is a terminal
	color bool
	live  bool // lines may be redrawn
	fd    int
}

// terminal looks at stderr. NO_COLOR, CI and TERM=dumb have their usual meaning.
func (a *app) terminal() terminal {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return terminal{}
	}
	t := terminal{is: true, fd: int(f.Fd())}
	t.live = a.getenv("CI") == "" && a.getenv("TERM") != "dumb" && enableANSI(f)
	t.color = t.live && a.getenv("NO_COLOR") == ""
	return t
}

// width is the number of columns, 80 where it cannot be told.
func (t terminal) width() int {
	if t.is {
		if w, _, err := term.GetSize(t.fd); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// isTerminal reports whether w is one.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
