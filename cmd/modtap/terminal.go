package main

import (
	"io"
	"strings"

	"golang.org/x/term"

	"modtap/viewer/report"
)

// A terminal says what may be done with stderr.
type terminal struct {
	is    bool // it is a terminal
	color bool
	live  bool // lines may be redrawn
	fd    int
}

// terminal looks at stderr.
func (a *app) terminal() terminal { return a.terminalOf(a.stderr) }

// terminalOf looks at w. NO_COLOR, CI and TERM=dumb have their usual meaning.
func (a *app) terminalOf(w io.Writer) terminal {
	f, ok := fileOf(w)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return terminal{}
	}
	t := terminal{is: true, fd: int(f.Fd())}
	t.live = a.getenv("CI") == "" && a.getenv("TERM") != "dumb" && enableANSI(f)
	t.color = t.live && a.getenv("NO_COLOR") == ""
	return t
}

// layout is how text on w is to look.
func (a *app) layout(w io.Writer, t terminal) report.Layout {
	return report.Layout{Width: t.width(), Color: t.color, ASCII: a.onlyASCII(w, t.is)}
}

// onlyASCII reports whether w is read by something that does not take UTF-8: the locale
// says so, or on Windows the console's code page, which is what programs there take a pipe
// to be in. A console itself is written to in UTF-16.
func (a *app) onlyASCII(w io.Writer, console bool) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := a.getenv(name); locale != "" {
			locale = strings.ToLower(locale)
			return !strings.Contains(locale, "utf-8") && !strings.Contains(locale, "utf8")
		}
	}
	if _, file := fileOf(w); !file {
		return false
	}
	return !console && !codePageIsUTF8()
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

// isTerminal reports whether stream, a reader or a writer, is one.
func isTerminal(stream any) bool {
	f, ok := fileOf(stream)
	return ok && term.IsTerminal(int(f.Fd()))
}
