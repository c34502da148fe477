// Package query is the filter language of the viewers, of report and of rules:
// "kind:zip module:k8s.io time:>1s -status:200". What it means is decided without I/O.
//
// viewer/web/static/query.js is its twin for the browser; testdata/vectors.json keeps the
// two in step. What must never happen here: a filter that is not understood and matches in
// silence. It is an *Error that points at the word.
package query

import (
	"time"

	"modtap/recorder"
)

// A Query is a filter that was understood; nil and the zero value match everything. It is
// not changed by matching: any number of goroutines may use it.
type Query struct {
	text    string
	terms   []term
	asked   map[string]bool // "key:value" of what it asks, in lower case
	parents func(id uint64) *recorder.Exchange
}

// A term is one word of a filter: one of its values must match, or, negated, none.
type term struct {
	not   bool
	any   []test
	asked []string
}

// A test looks at one exchange.
type test func(*candidate) bool

// A candidate is an exchange that may match, and what is known around it.
type candidate struct {
	*recorder.Exchange
	now     time.Time // how long what is in flight has taken is counted up to then; zero: time.Now
	parents func(id uint64) *recorder.Exchange
}

// An Error points at the word of a filter that was not understood.
type Error struct {
	At, Len int    // the word, in bytes of the text
	Msg     string // what is wrong
	Hint    string // what would be right; "": nothing is known
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + " (" + e.Hint + ")"
}

// Parse reads a filter. Its error is an *Error about the first thing that it did not
// understand; the Query is then what the filter means without that, so that a table does
// not run empty while one types.
func Parse(text string) (*Query, error) {
	q := &Query{text: text}
	var first *Error
	for _, w := range split(text) {
		t, err := parseWord(text, w)
		if err != nil && first == nil {
			first = err
		}
		if len(t.any) > 0 {
			q.terms = append(q.terms, t)
		}
		for _, a := range t.asked {
			if q.asked == nil {
				q.asked = map[string]bool{}
			}
			q.asked[a] = true
		}
	}
	if first != nil {
		return q, first
	}
	return q, nil
}

// String is the text that was parsed.
func (q *Query) String() string {
	if q == nil {
		return ""
	}
	return q.text
}

// Empty reports whether q matches everything because it asks for nothing.
func (q *Query) Empty() bool { return q == nil || len(q.terms) == 0 }

// Asks reports whether key:value is a part of q, negated or not. A caller that does not have
// what is asked for can say so.
func (q *Query) Asks(key, value string) bool { return q != nil && q.asked[key+":"+value] }

// WithParents returns q that finds the exchange another one follows by find, which returns
// nil for what it does not have. Only is:doubled asks: without it, a 4xx at the end of a
// redirect is taken for the repeat of one.
func (q *Query) WithParents(find func(id uint64) *recorder.Exchange) *Query {
	if q == nil {
		return nil
	}
	with := *q
	with.parents = find
	return &with
}

// Match reports whether x passes the filter. How long a request in flight has taken is
// counted up to now by the machine's clock.
func (q *Query) Match(x *recorder.Exchange) bool { return q.MatchAt(x, time.Time{}) }

// MatchAt is Match at the instant now: in a recording, its end.
func (q *Query) MatchAt(x *recorder.Exchange, now time.Time) bool {
	if q.Empty() {
		return true
	}
	c := candidate{x, now, q.parents}
	for i := range q.terms {
		if q.terms[i].matches(&c) == q.terms[i].not {
			return false
		}
	}
	return true
}

// matches reports whether one of the values does.
func (t *term) matches(c *candidate) bool {
	for _, is := range t.any {
		if is(c) {
			return true
		}
	}
	return false
}
