package child

import (
	"os"
	"os/signal"
)

// Signals catches the signals that would end modtap, so that the recording is complete
// whatever happens. Make it before anything that must be cleaned up, and Stop it last.
//
// They are caught by signal.Notify, never ignored: a child inherits what is ignored, but
// not what is caught. For the same reason a signal that was ignored when modtap started
// (nohup, a background job of a script) is left ignored until Started.
type Signals struct {
	caught chan os.Signal
	late   []os.Signal
}

// Catch starts catching.
func Catch() *Signals {
	s := &Signals{caught: make(chan os.Signal, 16)}
	for _, sig := range ending {
		if signal.Ignored(sig) {
			s.late = append(s.late, sig)
			continue
		}
		signal.Notify(s.caught, sig)
	}
	return s
}

// Started says that the child has inherited what was ignored: from now on those signals
// are caught and passed on as well. What the child does with them is its own business.
func (s *Signals) Started() {
	if len(s.late) > 0 {
		signal.Notify(s.caught, s.late...)
	}
}

// Caught yields the signals. While a Wait runs, it takes them.
func (s *Signals) Caught() <-chan os.Signal { return s.caught }

// Stop lets signals end modtap again.
func (s *Signals) Stop() { signal.Stop(s.caught) }
