// Package gotrace makes the go command write down the steps of its own work, and reads
// what it wrote.
//
// The flag is -debug-trace, which the go command does not document. It is known to the
// commands that have build flags (get, build, list, install, test, vet, run); others, as
// go mod download, pass over it when it is in GOFLAGS. The file is in the trace format of
// Chrome: an array with an event for the beginning and one for the end of each step. It
// is written event by event, so that of a command that was killed all but the last is
// there. Times are microseconds of the wall clock.
package gotrace

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

// A Span is one step.
type Span struct {
	Name  string    // as in "modfetch.unzip golang.org/x/text@v0.43.0"
	Start time.Time // of the wall clock
	Took  time.Duration
}

const (
	// maxSpans is how many are kept, the longest.
	maxSpans = 5000
	// maxBytes bounds what is read of a file; a build of 10,000 packages writes 20 MB.
	maxBytes = 256 << 20
	// maxOpen bounds how many steps may have begun and not ended.
	maxOpen = 100_000
	// maxName bounds a name.
	maxName = 300
)

// errQuote is the error of a file name that GOFLAGS cannot hold.
var errQuote = errors.New("GOFLAGS cannot hold a file name with both kinds of quotes")

// Flags adds the flag that writes to file to GOFLAGS, which it returns.
func Flags(goflags, file string) (string, error) {
	flag := "-debug-trace=" + file
	if strings.ContainsAny(flag, " \t\r\n'\"") {
		// The go command takes quotes around a whole flag, and nothing within them.
		quote := "'"
		if strings.Contains(flag, quote) {
			quote = `"`
		}
		if strings.Contains(flag, quote) {
			return "", errQuote
		}
		flag = quote + flag + quote
	}
	return strings.TrimLeft(goflags+" "+flag, " "), nil
}

// An event is one of the file.
type event struct {
	Name  string  `json:"name"`
	Phase string  `json:"ph"` // B, E: begin, end; others link steps
	Time  float64 `json:"ts"`
	TID   uint64  `json:"tid"`
}

// A thread is where a step of that name ran. Steps of one name may overlap on one thread:
// then the one that began first is taken for the one that ends first.
type thread struct {
	tid  uint64
	name string
}

// Read reads a trace as far as it goes. Steps that did not end lasted until end, the end
// of the command. Spans are in the order of their starts; of very many, the longest. The
// error is that of reading.
func Read(r io.Reader, end time.Time) ([]Span, error) {
	in := &failing{r: io.LimitReader(r, maxBytes)}
	d := json.NewDecoder(in)
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, in.err
	}
	var spans []Span
	open := map[thread][]time.Time{}
	pending := 0
	for d.More() {
		var e event
		if d.Decode(&e) != nil {
			break // it was cut off, or two go commands wrote to it
		}
		key := thread{e.TID, e.Name[:min(len(e.Name), maxName)]}
		at, ok := instant(e.Time)
		switch {
		case !ok:
		case e.Phase == "B" && pending < maxOpen:
			open[key] = append(open[key], at)
			pending++
		case e.Phase == "E" && len(open[key]) > 0:
			spans = append(spans, span(key.name, open[key][0], at))
			pending--
			if open[key] = open[key][1:]; len(open[key]) == 0 {
				delete(open, key)
			}
		}
		if len(spans) == 2*maxSpans {
			spans = longest(spans)
		}
	}
	for key, starts := range open {
		for _, start := range starts {
			spans = append(spans, span(key.name, start, end))
		}
	}
	spans = longest(spans)
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name)) })
	return spans, in.err
}

func span(name string, start, end time.Time) Span {
	return Span{Name: strings.ToValidUTF8(name, "\uFFFD"), Start: start, Took: max(0, end.Sub(start))}
}

// instant is the time of ts, in microseconds since 1970.
func instant(ts float64) (time.Time, bool) {
	if !(ts > 0 && ts < 9e15) { // the year 2255; beyond, nanoseconds overflow
		return time.Time{}, false
	}
	return time.Unix(0, int64(ts*1000)), true
}

// longest keeps maxSpans of them.
func longest(spans []Span) []Span {
	if len(spans) <= maxSpans {
		return spans
	}
	slices.SortFunc(spans, func(a, b Span) int {
		return cmp.Or(cmp.Compare(b.Took, a.Took), a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name))
	})
	return spans[:maxSpans:maxSpans]
}

// failing remembers the error of a reader, which a decoder does not tell from bad input.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}
