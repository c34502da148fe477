package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"modtap/cmd/internal/child"
)

// copies are the folders in which copies of recordings lie that cannot be read again: those
// of pipes, and those that were dropped on a page. A folder that a kill -9 leaves behind is
// removed by the next modtap that makes one, or runs a command. The zero value is ready.
type copies struct {
	mu   sync.Mutex
	open map[string]func() // by folder: gives up its lease
	over bool
}

var errEnding = errors.New("modtap is ending")

// folder makes one, for us alone. Give it to remove.
func (c *copies) folder() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return "", errEnding
	}
	if c.open == nil {
		c.open = map[string]func(){}
		removeStale(os.TempDir(), tempName)
	}
	dir, release, err := leasedDir("", "modtap-*")
	if err != nil {
		return "", fmt.Errorf("make a folder for a copy: %w", cause(err))
	}
	c.open[dir] = release
	return dir, nil
}

// remove removes dir with what is in it, once.
func (c *copies) remove(dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if release, ok := c.open[dir]; ok {
		delete(c.open, dir)
		release() // Windows removes nothing that is open
		_ = os.RemoveAll(dir)
	}
}

// end removes what is left, also what somebody still copies to or reads from.
func (c *copies) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for dir, release := range c.open {
		release()
		_ = os.RemoveAll(dir)
	}
	clear(c.open)
}

// A signaled error says which signal ended a context.
type signaled struct{ os.Signal }

func (s signaled) Error() string { return s.String() }

// untilSignal is parent until a signal comes that ends programs, which is its cause then.
func untilSignal(parent context.Context, signals *child.Signals) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	go func() {
		for {
			select {
			case sig := <-signals.Caught():
				if child.Ends(sig) {
					cancel(signaled{sig})
					return
				}
			case <-ctx.Done():
				return // and leave the signals to others
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// interruptible returns what f does, or, when ctx ends before, what a program exits with that
// its signal ended. It does not wait for f then, which may hang on a pipe that nobody fills
// or empties; drop gets what comes of f all the same.
func interruptible[T any](ctx context.Context, f func() (T, error), drop func(T)) (T, error) {
	type result struct {
		v   T
		err error
	}
	got := make(chan result, 1)
	go func() {
		v, err := f()
		got <- result{v, err}
	}()
	select {
	case r := <-got:
		return r.v, r.err
	case <-ctx.Done():
	}
	go func() {
		if r := <-got; r.err == nil {
			drop(r.v)
		}
	}()
	var none T
	if by := (signaled{}); errors.As(context.Cause(ctx), &by) {
		return none, exitWith(child.SignalCode(by.Signal))
	}
	return none, exitWith(child.SignalCode(os.Interrupt)) // the end of Main's context is one
}
