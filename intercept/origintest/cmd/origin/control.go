package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"modtap/intercept/origintest"
)

// control is a plain HTTP service of its own, so that steering the origin leaves no trace in
// what the origin counts.
type control struct {
	ln  net.Listener
	srv *http.Server
	wg  sync.WaitGroup
}

func newControl(addr string, o *origintest.Origin, stop func()) (*control, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start the control service: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, r *http.Request) {
		// Clients have their answer before the record is complete; one that hangs must not hang this.
		ctx, cancel := context.WithTimeout(r.Context(), 200*time.Millisecond)
		defer cancel()
		_ = o.Wait(ctx)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(o.Stats())
	})
	mux.HandleFunc("POST /knobs", func(w http.ResponseWriter, r *http.Request) {
		answer(w, each(r.Body, origintest.ParseKnob, o.SetKnobs))
	})
	mux.HandleFunc("POST /handshakes", func(w http.ResponseWriter, r *http.Request) {
		answer(w, each(r.Body, origintest.ParseHandshake, o.SetHandshakes))
	})
	mux.HandleFunc("POST /forget", func(w http.ResponseWriter, r *http.Request) {
		o.Forget()
		answer(w, nil)
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, r *http.Request) {
		answer(w, nil)
		stop()
	})
	c := &control{ln: ln, srv: &http.Server{Handler: mux}}
	c.wg.Go(func() { _ = c.srv.Serve(ln) })
	return c, nil
}

func (c *control) url() string { return "http://" + c.ln.Addr().String() }

// close lets the answer to POST /stop go out.
func (c *control) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := c.srv.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = c.srv.Close()
	}
	c.wg.Wait()
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// each parses the lines of body and sets all of them, or none.
func each[T any](body io.Reader, parse func(string) (T, error), set func(...T)) error {
	text, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		return err
	}
	var all []T
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		v, err := parse(line)
		if err != nil {
			return err
		}
		all = append(all, v)
	}
	set(all...)
	return nil
}
