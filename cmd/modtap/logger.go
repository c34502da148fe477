package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// maxDeferred bounds what is kept of the log until the child has ended.
const maxDeferred = 64 << 10

// newLogger makes modtap's own log. to gets it unless --log-file names a file, which
// close gives up. failed hears that the file cannot be written.
func (a *app) newLogger(o *options, to io.Writer, level string, failed func(error)) (logger zerolog.Logger, closeLog func(), err error) {
	closeLog = func() {}
	console := isTerminal(a.stderr)
	if o.logFile != "" {
		f, err := os.OpenFile(o.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return logger, nil, fmt.Errorf("log to %s: %w", o.logFile, cause(err))
		}
		to, closeLog, console = forgiving{f, failed}, func() { f.Close() }, false
	}
	color := o.logFile == "" && a.terminal().color
	switch o.logFormat.value {
	case "console":
		console = true
	case "json":
		console = false
	}
	if console {
		to = zerolog.ConsoleWriter{Out: to, NoColor: !color, TimeFormat: time.TimeOnly}
	}
	parsed, err := zerolog.ParseLevel(cmp.Or(o.logLevel.value, level))
	if err != nil {
		return logger, nil, err
	}
	return zerolog.New(to).Level(parsed).With().Timestamp().Logger(), closeLog, nil
}

// A deferred keeps what is written to it until it is opened; then it passes on.
type deferred struct {
	mu      sync.Mutex
	to      io.Writer // nil: not open
	kept    bytes.Buffer
	dropped int
}

func (d *deferred) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.to != nil:
		return d.to.Write(p)
	case d.kept.Len()+len(p) > maxDeferred:
		d.dropped++
	default:
		d.kept.Write(p)
	}
	return len(p), nil
}

// open writes what was kept to w, and what comes later.
func (d *deferred) open(w io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.to = w
	_, _ = d.kept.WriteTo(w) // stderr: there is nowhere to tell
	if d.dropped > 0 {
		fmt.Fprintf(w, "modtap: %d more messages; --log-file keeps them all\n", d.dropped)
		d.dropped = 0
	}
}
