package tui

import (
	"io"
	"sync"
)

const (
	// outputLines and maxText bound what the pane can show; the spool keeps the rest for Dump.
	outputLines = 10_000
	maxText     = 16 << 20
	// maxLine bounds one line: a program may write megabytes without a newline.
	maxLine = 64 << 10
)

// An Output takes what a child writes while the viewer has the terminal. The pane shows its
// last 10,000 lines; Dump writes every byte once the screen is left, and from then on what is
// written passes straight through. Safe for many goroutines.
type Output struct {
	changed chan struct{} // has one element when there is something new

	mu     sync.Mutex
	lines  []*outLine // the last ones, a ring once it is full
	first  uint64     // number of the oldest line; the first of all is 0
	next   uint64     // number of the line to come
	text   int        // bytes of all lines
	kept   spool
	passed bool // Dump has been called: stdout and stderr are set
	stdout io.Writer
	stderr io.Writer
}

// An outLine is what is between two newlines, without what a carriage return has overwritten.
type outLine struct {
	seq  uint64
	text []byte
	cut  bool // it went on
}

// NewOutput returns an empty Output.
func NewOutput() *Output {
	return &Output{changed: make(chan struct{}, 1), lines: make([]*outLine, 0, 64)}
}

// Changed yields an element after something was written, one for any number of writes.
func (o *Output) Changed() <-chan struct{} { return o.changed }

// Lines are how many lines there were, and how many of them the pane has no longer.
func (o *Output) Lines() (all, gone uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.next, o.first
}

// Writer is for one stream of the child. What is written to "stdout" goes there in the end,
// anything else to stderr. Each Writer has a line of its own, so that half a line of one does
// not end in the middle of another's.
func (o *Output) Writer(name string) io.Writer {
	return &outStream{o: o, out: name == "stdout"}
}

// An outStream is one Writer of an Output.
type outStream struct {
	o    *Output
	out  bool     // stdout
	cur  *outLine // the one that is not finished; nil: none
	back bool     // a carriage return was the last byte: what comes overwrites the line
}

// Write keeps p. Before Dump it does not fail.
func (s *outStream) Write(p []byte) (int, error) {
	o := s.o
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.passed {
		if s.out {
			return o.stdout.Write(p)
		}
		return o.stderr.Write(p)
	}
	o.kept.write(s.out, p)
	s.split(p)
	select {
	case o.changed <- struct{}{}:
	default: // whoever waits has been told
	}
	return len(p), nil
}

// split makes lines of p. A carriage return before a newline belongs to it; before anything
// else it makes the line begin anew, as the progress of a download does.
func (s *outStream) split(p []byte) {
	for len(p) > 0 {
		end := 0
		for end < len(p) && p[end] != '\n' && p[end] != '\r' {
			end++
		}
		if end > 0 {
			s.add(p[:end])
		}
		if end == len(p) {
			return
		}
		if p[end] == '\r' {
			s.back = true
		} else {
			s.open() // an empty line is a line
			s.cur, s.back = nil, false
		}
		p = p[end+1:]
	}
}

// open returns the line that is being written, a new one where there is none. One that the
// ring has dropped meanwhile is of no use: nobody would see it.
func (s *outStream) open() *outLine {
	if s.cur == nil || s.cur.seq < s.o.first {
		s.cur = s.o.push()
	}
	return s.cur
}

// add appends p, which has no newline, to the line.
func (s *outStream) add(p []byte) {
	l := s.open()
	if s.back {
		s.o.text -= len(l.text)
		l.text, l.cut, s.back = l.text[:0], false, false
	}
	room := maxLine - len(l.text)
	if len(p) > room {
		p, l.cut = p[:room], true
	}
	l.text = append(l.text, p...)
	s.o.text += len(p)
	for s.o.text > maxText && s.o.next-s.o.first > 1 {
		s.o.drop()
	}
}

// push makes a line at the end.
func (o *Output) push() *outLine {
	l := &outLine{seq: o.next}
	if o.next-o.first == outputLines {
		o.drop()
	}
	if at := int(o.next % outputLines); at < len(o.lines) {
		o.lines[at] = l
	} else {
		o.lines = append(o.lines, l)
	}
	o.next++
	return l
}

// drop forgets the oldest line.
func (o *Output) drop() {
	at := o.first % outputLines
	o.text -= len(o.lines[at].text)
	o.lines[at] = nil
	o.first++
}

// An outShown is a copy of a line.
type outShown struct {
	seq  uint64
	text string
}

// from copies up to n lines, the first of them number seq or the oldest after it.
func (o *Output) from(seq uint64, n int) []outShown {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.copyLines(max(seq, o.first), n)
}

// tail copies the last n lines.
func (o *Output) tail(n int) []outShown {
	o.mu.Lock()
	defer o.mu.Unlock()
	seq := o.first
	if have := o.next - o.first; have > uint64(n) {
		seq = o.next - uint64(n)
	}
	return o.copyLines(seq, n)
}

func (o *Output) copyLines(seq uint64, n int) []outShown {
	var out []outShown
	for ; seq < o.next && len(out) < n; seq++ {
		l := o.lines[seq%outputLines]
		s := outShown{seq, string(l.text)}
		if l.cut {
			s.text += " …"
		}
		out = append(out, s)
	}
	return out
}

// Dump writes all that was kept, unchanged and in order, and makes what is written from now
// on go straight to stdout and stderr. Call it when the screen was left; a second call does
// nothing. The error is the first of a write, or says how much could not be kept.
func (o *Output) Dump(stdout, stderr io.Writer) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.passed {
		return nil
	}
	o.passed, o.stdout, o.stderr = true, stdout, stderr
	return o.kept.drain(stdout, stderr)
}
