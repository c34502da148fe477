// Package tui is the terminal viewer: the waterfall in cells, with the same groups, filter,
// details, findings and keys as the page. It follows a stream as any other client does.
//
// What must never happen here: a recorded byte that the terminal would obey, a frame that
// costs more the longer the recording is, and a figure that cannot be told from a guess.
package tui

import (
	"context"
	"io"
)

// Config is what Run needs.
type Config struct {
	URL       string    // of the stream, token included
	In        io.Reader // the terminal's keys; nil: os.Stdin
	Out       io.Writer // the terminal; nil: os.Stdout
	Color     bool
	ASCII     bool    // draw with ASCII alone; without it the environment decides
	Filter    string  // to begin with
	Output    *Output // of the child; nil: there is none, and no pane for it
	Interrupt func()  // Ctrl-C while the child runs; nil: it ends the viewer
	// Running reports whether the child runs: then Ctrl-C is for it, and q asks once before it
	// leaves. nil: there is no child.
	Running func() bool
	// ShowOutput begins with the pane open.
	ShowOutput bool

	size [2]int // of a terminal that cannot tell; for tests
}

// Run shows the stream until the user leaves (nil) or ctx ends (its error).
func Run(ctx context.Context, c Config) error { return run(ctx, c) }
