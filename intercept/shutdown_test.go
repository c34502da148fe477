package intercept_test

import (
	"context"
	"net"
	"testing"
	"time"

	"modtap/ca"
	"modtap/intercept"
	"modtap/intercept/upstream"
	"modtap/recorder"
)

// TestShutdownBeforeServe: a command that ends at once shuts the proxy down while the
// goroutine that serves is about to begin. Neither may be left behind, and the race
// detector has nothing to say.
func TestShutdownBeforeServe(t *testing.T) {
	authority, err := ca.New()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 400 {
		p, err := intercept.New(intercept.Config{
			Log: recorder.NewLog(), Leaf: authority.Leaf, Redactor: recorder.NewRedactor(), Upstream: upstream.New(upstream.Config{}),
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- p.Serve(l) }()
		time.Sleep(time.Duration(i%20) * 2 * time.Microsecond) // on both sides of the beginning
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := p.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		select {
		case err := <-served:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("Serve goes on after Shutdown")
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Fatal("the listener is open after Shutdown")
		}
	}
}
