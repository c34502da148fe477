package tui

// An outputPane shows the child's output below the table, over the whole width. The model
// calls it from one goroutine.
type outputPane interface {
	// Lines returns what h lines of w cells show; the model adds nothing to them but a
	// title above. They may hold SGR sequences, closed in the same line, and nothing else
	// that a terminal obeys.
	Lines(w, h int, color bool) []string
	// Title says in a few words where in the output the pane is.
	Title() string
	// Key takes a key (bubbletea's name of it) while the pane has the focus; false: it is
	// none of the pane's.
	Key(key string) bool
	// Scroll moves by rows, up when it is negative.
	Scroll(rows int)
	// Changed gets a value after the child wrote something, not more than one at a time.
	Changed() <-chan struct{}
}
