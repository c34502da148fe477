package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// run is Run.
func run(ctx context.Context, c Config) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(ctx, c, pickGlyphs(os.Getenv, runtime.GOOS, c.ASCII))
	// The caller has its own way with signals: in raw mode Ctrl-C is a key.
	options := []tea.ProgramOption{tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler()}
	if c.In != nil {
		options = append(options, tea.WithInput(c.In))
	}
	if c.size != [2]int{} {
		options = append(options, tea.WithWindowSize(c.size[0], c.size[1]))
	}
	if c.Out != nil {
		options = append(options, tea.WithOutput(c.Out))
	}
	p := tea.NewProgram(m, options...)
	f := feed{url: c.URL, dial: dialStream, send: p.Send}
	var side sync.WaitGroup
	side.Go(func() { f.run(ctx) })
	if m.pane != nil {
		side.Go(func() { wake(ctx, m.pane.Changed(), p.Send) })
	}
	// A program that is killed leaves the terminal as it is; one that quits restores it.
	side.Go(func() { <-ctx.Done(); p.Quit() })
	_, err := p.Run()
	cause := ctx.Err()
	cancel()
	side.Wait()
	switch {
	case errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("terminal viewer: %w", err)
	case cause != nil:
		return cause
	case err != nil:
		return fmt.Errorf("terminal viewer: %w", err)
	}
	return nil
}

// outputMsg says that the child wrote something.
type outputMsg struct{}

// wake tells the model that the child wrote something.
func wake(ctx context.Context, changed <-chan struct{}, send func(tea.Msg)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			send(outputMsg{})
		}
	}
}
