package tui

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A write is one of a stream.
type write struct{ stream, text string }

var linesTests = []struct {
	name   string
	writes []write
	want   []string
}{
	{"lines of one stream", []write{{"stdout", "a\nb\n"}}, []string{"a", "b"}},
	{"an empty line is a line", []write{{"stdout", "a\n\n\nb"}}, []string{"a", "", "", "b"}},
	{"a line in pieces", []write{{"stdout", "he"}, {"stdout", "llo"}, {"stdout", "\n"}}, []string{"hello"}},
	{"half a line of one stream does not end in the other's", []write{{"stdout", "one "}, {"stderr", "two\n"}, {"stdout", "more\n"}}, []string{"one more", "two"}},
	{"CRLF ends a line", []write{{"stderr", "a\r\nb\r"}, {"stderr", "\nc"}}, []string{"a", "b", "c"}},
	{"a carriage return overwrites", []write{{"stderr", "10%\r20%"}, {"stderr", "\r"}, {"stderr", "100%\ndone\n"}}, []string{"100%", "done"}},
	{"what was overwritten by nothing stays", []write{{"stderr", "50%\r"}}, []string{"50%"}},
	{"only newlines", []write{{"stdout", "\n\n"}}, []string{"", ""}},
}

func TestLines(t *testing.T) {
	for _, test := range linesTests {
		t.Run(test.name, func(t *testing.T) {
			o := NewOutput()
			writers := map[string]interface{ Write([]byte) (int, error) }{"stdout": o.Writer("stdout"), "stderr": o.Writer("stderr")}
			for _, w := range test.writes {
				fmt.Fprint(writers[w.stream], w.text)
			}
			var got []string
			for _, l := range o.from(0, 100) {
				got = append(got, l.text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("lines, want (-), got (+):\n%s", diff)
			}
		})
	}
}

func TestOutputIsBounded(t *testing.T) {
	o := NewOutput()
	w, other := o.Writer("stdout"), o.Writer("stderr")
	fmt.Fprint(other, "half a ")
	for i := range outputLines + 500 {
		fmt.Fprintf(w, "line %d\n", i)
	}
	if all, gone := o.Lines(); all != outputLines+501 || gone != 501 {
		t.Errorf("%d lines, %d gone", all, gone)
	}
	if l := o.tail(1); len(l) != 1 || l[0].text != fmt.Sprint("line ", outputLines+499) {
		t.Errorf("the last line is %v", l)
	}
	if l := o.from(0, 1); len(l) != 1 || l[0].seq != 501 {
		t.Errorf("the first line is %v", l)
	}
	fmt.Fprint(other, "line\n") // its beginning is gone from the ring
	if l := o.tail(1); l[0].text != "line" {
		t.Errorf("a line whose beginning was dropped is %v", l)
	}
	long := strings.Repeat("x", maxLine)
	fmt.Fprint(w, long+"y")
	if l := o.tail(1); l[0].text != long+" …" {
		t.Errorf("a long line has %d bytes", len(l[0].text))
	}
	for range 2 * maxText / maxLine {
		fmt.Fprint(w, "\n"+long)
	}
	if o.text > maxText {
		t.Errorf("%d bytes of lines are kept, at most %d may be", o.text, maxText)
	}
	sum := 0
	for _, l := range o.lines {
		if l != nil {
			sum += len(l.text)
		}
	}
	if sum != o.text {
		t.Errorf("%d bytes are kept, and %d are counted", sum, o.text)
	}
}

func TestChangedWakesOnce(t *testing.T) {
	o := NewOutput()
	w := o.Writer("stdout")
	fmt.Fprint(w, "a")
	fmt.Fprint(w, "b")
	<-o.Changed()
	select {
	case <-o.Changed():
		t.Error("two writes woke twice")
	default:
	}
	fmt.Fprint(w, "c")
	<-o.Changed()
}

// TestDumpIsWhole writes more than memory takes, from two streams: every byte comes out, and
// what comes later passes through.
func TestDumpIsWhole(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := NewOutput()
	var wantOut, wantErr bytes.Buffer
	var wg sync.WaitGroup
	for name, want := range map[string]*bytes.Buffer{"stdout": &wantOut, "stderr": &wantErr} {
		w := o.Writer(name)
		wg.Go(func() {
			for i := range 40_000 {
				text := fmt.Sprintf("%s \x1b[31m%d\x1b[0m\x00\xff\r\n%s", name, i, strings.Repeat("z", i%97))
				want.WriteString(text)
				fmt.Fprint(w, text)
			}
			big := strings.Repeat(name, spoolMemory/3)
			want.WriteString(big)
			fmt.Fprint(w, big)
		})
	}
	wg.Wait()
	if o.kept.file == nil {
		t.Fatal("nothing went to the file: the test writes too little")
	}
	var out, errs bytes.Buffer
	if err := o.Dump(&out, &errs); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), wantOut.Bytes()) || !bytes.Equal(errs.Bytes(), wantErr.Bytes()) {
		t.Errorf("stdout has %d of %d bytes, stderr %d of %d", out.Len(), wantOut.Len(), errs.Len(), wantErr.Len())
	}
	fmt.Fprint(o.Writer("stdout"), "later")
	if !bytes.HasSuffix(out.Bytes(), []byte("later")) {
		t.Error("what came after Dump did not pass through")
	}
	if err := o.Dump(&out, &errs); err != nil || out.Len() != wantOut.Len()+len("later") {
		t.Errorf("a second Dump: %v", err)
	}
}

// TestDumpKeepsTheOrder has both streams in one place, as on a terminal.
func TestDumpKeepsTheOrder(t *testing.T) {
	o := NewOutput()
	out, errs := o.Writer("stdout"), o.Writer("stderr")
	want := ""
	for i := range 100 {
		w := out
		if i%3 == 0 {
			w = errs
		}
		fmt.Fprintf(w, "%d ", i)
		want += fmt.Sprintf("%d ", i)
	}
	var both bytes.Buffer
	if err := o.Dump(&both, &both); err != nil || both.String() != want {
		t.Errorf("got %q, %v; want %q", both.String(), err, want)
	}
}

// TestDumpOfTooMuch has no folder for the file, or a file that may not grow: memory keeps
// what it may, and what it did not keep is said.
func TestDumpOfTooMuch(t *testing.T) {
	chunk := bytes.Repeat([]byte("0123456789abcdef"), spoolMemory/16)
	for name, c := range map[string]struct {
		folder string
		limit  int64
		chunks int // 70 of them are too many for memory alone
	}{
		"no folder":          {t.TempDir() + "/none", 0, 70},
		"no end of it, ever": {t.TempDir(), 10 * spoolMemory, 80},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", c.folder)
			t.Setenv("TMP", c.folder)
			o := NewOutput()
			o.kept.limit = c.limit
			w := o.Writer("stdout")
			for range c.chunks {
				w.Write(chunk)
			}
			if o.kept.size > c.limit {
				t.Errorf("the file has %d bytes, %d are allowed", o.kept.size, c.limit)
			}
			var out bytes.Buffer
			err := o.Dump(&out, &out)
			lost := c.chunks*len(chunk) - out.Len()
			if err == nil || lost <= 0 || lost > 8*spoolMemory || !strings.HasPrefix(err.Error(), fmt.Sprint(lost, " bytes ")) {
				t.Errorf("%d bytes are missing, and the error is %v", lost, err)
			}
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

func TestDumpWithAStreamThatFails(t *testing.T) {
	o := NewOutput()
	fmt.Fprint(o.Writer("stdout"), "lost")
	fmt.Fprint(o.Writer("stderr"), "seen")
	var errs bytes.Buffer
	if err := o.Dump(brokenWriter{}, &errs); err == nil || errs.String() != "seen" {
		t.Errorf("stderr got %q, %v", errs.String(), err)
	}
}
