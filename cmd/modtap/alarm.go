package main

import (
	"fmt"
	"io"
	"sync"

	"modtap/viewer/report"
)

// A trouble is a kind of problem that the user must hear of while traffic goes on.
type trouble string

const (
	troubleRecording   trouble = "recording"   // entries cannot be written
	troubleKeyLog      trouble = "keylog"      // TLS keys cannot be written
	troubleLogFile     trouble = "log file"    // modtap's own log cannot be written
	troubleDescriptors trouble = "descriptors" // no more connections can be opened
	troubleGoTrace     trouble = "go trace"    // the go command's own steps cannot be told
)

// alarms remembers which troubles the user was told of.
type alarms struct {
	mu     sync.Mutex
	raised map[trouble]bool
}

// first reports whether t is raised for the first time.
func (a *alarms) first(t trouble) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.raised[t] {
		return false
	}
	if a.raised == nil {
		a.raised = map[trouble]bool{}
	}
	a.raised[t] = true
	return true
}

// alarm tells the user of t at once, in one line on stderr, the first time that it happens.
// It may be called from any goroutine. With -q it speaks too: nothing is wrong with a
// command that says nothing else.
func (s *session) alarm(t trouble, format string, args ...any) {
	if !s.alarms.first(t) {
		return
	}
	line := "modtap: warning: " + report.Printable(fmt.Sprintf(format, args...))
	if s.term.color {
		line = "\x1b[1;33m" + line + "\x1b[0m"
	}
	to := s.stderr
	if s.status != nil {
		to = s.status // takes its line away first
	}
	fmt.Fprintln(to, line)
}

// A forgiving writer passes on to w. What w refuses is lost without an error, for the
// writer's user would fail something larger over it: crypto/tls ends a handshake whose
// keys cannot be logged.
type forgiving struct {
	w      io.Writer
	failed func(error)
}

func (f forgiving) Write(p []byte) (int, error) {
	if _, err := f.w.Write(p); err != nil {
		f.failed(cause(err))
	}
	return len(p), nil
}
