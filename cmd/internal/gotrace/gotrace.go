// Package gotrace makes the go command write down the steps of its own work, and reads
// what it wrote.
//
// The flag is -debug-trace, which the go command does not document. It is known to the
// commands that have build flags (get, build, list, install, test, vet, run); others, as
// go mod download, pass over it when it is in GOFLAGS. The file is in the trace format of
// Chrome: an array with an event for the beginning and one for the end of each step. It
// is written event by event, so that of a command that was killed all but the last is
// there. Times are microseconds of the wall clock.
//
// A go command under the first one (of go generate, of a test) inherits the flag and writes
// to the same file, from its start; the first one goes on where it was. So a trace may be
// torn anywhere.
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

// The errors of a trace that tells less than there was.
var (
	errTorn = errors.New("the trace is torn, as when a go command runs another")
	errLong = errors.New("the trace is too long")
)

// Read reads a trace as far as it goes. Where it is whole, or was cut off with its command,
// steps that did not end lasted until end, the end of the command; otherwise they are left
// out, and the error says why. Spans are in the order of their starts; of very many, the
// longest.
func Read(r io.Reader, end time.Time) ([]Span, error) { return read(r, end, maxBytes) }

func read(r io.Reader, end time.Time, limit int64) ([]Span, error) {
	rest := &io.LimitedReader{R: r, N: limit + 1}
	in := &failing{r: rest}
	s := steps{open: map[thread][]time.Time{}}
	err := s.read(json.NewDecoder(in))
	switch {
	case in.err != nil:
		err = in.err
	case rest.N <= 0:
		err = errLong
	}
	if err == nil {
		s.endAll(end)
	}
	spans := longest(s.spans)
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name)) })
	return spans, err
}

// steps are those that have ended, and when those began that have not.
type steps struct {
	spans   []Span
	open    map[thread][]time.Time
	pending int
}

// read takes the events of d. The end of the bytes is no error, wherever it is.
func (s *steps) read(d *json.Decoder) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return torn(err)
	}
	for d.More() {
		var e event
		if err := d.Decode(&e); err != nil {
			return torn(err)
		}
		s.take(e)
	}
	if t, err := d.Token(); err != nil || t != json.Delim(']') {
		return torn(err)
	}
	_, err := d.Token() // there is nothing behind it
	return torn(err)
}

// torn is the error of a trace that ends with err, nil where that is the end of its bytes.
func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return errTorn
}

func (s *steps) take(e event) {
	key := thread{e.TID, e.Name[:min(len(e.Name), maxName)]}
	at, ok := instant(e.Time)
	switch {
	case !ok:
	case e.Phase == "B" && s.pending < maxOpen:
		s.open[key] = append(s.open[key], at)
		s.pending++
	case e.Phase == "E" && len(s.open[key]) > 0:
		s.spans = append(s.spans, span(key.name, s.open[key][0], at))
		s.pending--
		if s.open[key] = s.open[key][1:]; len(s.open[key]) == 0 {
			delete(s.open, key)
		}
	}
	if len(s.spans) == 2*maxSpans {
		s.spans = longest(s.spans)
	}
}

// endAll ends the steps that are still open.
func (s *steps) endAll(end time.Time) {
	for key, starts := range s.open {
		for _, start := range starts {
			s.spans = append(s.spans, span(key.name, start, end))
		}
	}
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
