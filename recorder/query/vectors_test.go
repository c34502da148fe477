package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

var update = flag.Bool("update", false, "write what the filters do into testdata/vectors.json")

const vectorsFile = "testdata/vectors.json"

// Vectors drive both this package and its twin in JavaScript. Bytes count in positions.
type vectors struct {
	Now         time.Time           `json:"now"`
	Known       json.RawMessage     `json:"known"`
	Exchanges   []recorder.Exchange `json:"exchanges"`
	Cases       []vector            `json:"cases"`
	Completions []completionVector  `json:"completions"`
}

type vector struct {
	Filter string       `json:"filter"`
	Match  []uint64     `json:"match"` // ids, with the exchanges at hand that others follow
	Error  *errorVector `json:"error,omitempty"`
}

type errorVector struct {
	At   int    `json:"at"`
	Len  int    `json:"len"`
	Msg  string `json:"msg"`
	Hint string `json:"hint"`
}

type completionVector struct {
	Text   string  `json:"text"`
	Cursor int     `json:"cursor"`
	Want   [][]any `json:"want"` // text, from, to, about
}

func readVectors(t *testing.T) *vectors {
	t.Helper()
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	v := &vectors{}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// find is the exchange of an id, nil when there is none.
func (v *vectors) find(id uint64) *recorder.Exchange {
	for i := range v.Exchanges {
		if v.Exchanges[i].ID == id {
			return &v.Exchanges[i]
		}
	}
	return nil
}

func (v *vectors) run(filter string) vector {
	q, err := Parse(filter)
	got := vector{Filter: filter, Match: []uint64{}}
	if e := (*Error)(nil); errors.As(err, &e) {
		got.Error = &errorVector{e.At, e.Len, e.Msg, e.Hint}
	}
	q = q.WithParents(v.find)
	for i := range v.Exchanges {
		if q.MatchAt(&v.Exchanges[i], v.Now) {
			got.Match = append(got.Match, v.Exchanges[i].ID)
		}
	}
	return got
}

func (v *vectors) complete(t *testing.T, c completionVector) completionVector {
	t.Helper()
	var known Known
	if err := json.Unmarshal(v.Known, &known); err != nil {
		t.Fatal(err)
	}
	c.Want = [][]any{}
	for _, got := range Complete(c.Text, c.Cursor, known) {
		c.Want = append(c.Want, []any{got.Text, float64(got.From), float64(got.To), got.About})
	}
	return c
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	if *update {
		v.write(t)
	}
	if len(v.Cases) < 150 || len(v.Completions) < 30 {
		t.Fatalf("%d filters and %d completions: the twin is hardly compared", len(v.Cases), len(v.Completions))
	}
	for _, want := range v.Cases {
		if diff := cmp.Diff(want, v.run(want.Filter)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", want.Filter, diff)
		}
	}
	for _, want := range v.Completions {
		if diff := cmp.Diff(want, v.complete(t, want)); diff != "" {
			t.Errorf("%q at %d (-want +got):\n%s", want.Text, want.Cursor, diff)
		}
	}
}

// write fills in what the filters do now: one line each, so that a change can be read.
func (v *vectors) write(t *testing.T) {
	t.Helper()
	var b bytes.Buffer
	line := func(value any) []byte {
		var one bytes.Buffer
		e := json.NewEncoder(&one)
		e.SetEscapeHTML(false)
		if err := e.Encode(value); err != nil {
			t.Fatal(err)
		}
		return bytes.TrimSpace(one.Bytes())
	}
	list := func(name string, n int, value func(int) any) {
		fmt.Fprintf(&b, ",\n\"%s\": [", name)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "\n%s", line(value(i)))
		}
		b.WriteString("\n]")
	}
	fmt.Fprintf(&b, "{\"now\": %s,\n\"known\": %s", line(v.Now), line(v.Known))
	list("exchanges", len(v.Exchanges), func(i int) any { return &v.Exchanges[i] })
	for i := range v.Cases {
		v.Cases[i] = v.run(v.Cases[i].Filter)
	}
	list("cases", len(v.Cases), func(i int) any { return v.Cases[i] })
	for i := range v.Completions {
		v.Completions[i] = v.complete(t, v.Completions[i])
	}
	list("completions", len(v.Completions), func(i int) any { return v.Completions[i] })
	b.WriteString("\n}\n")
	if err := os.WriteFile(vectorsFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
