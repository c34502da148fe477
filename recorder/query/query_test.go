package query

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const ms = recorder.Span(time.Millisecond)

var start = time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)

// What one exchange is to some filters, written by hand: testdata/vectors.json only says
// what they do now.
var zip = recorder.Exchange{
	ID: 7, Conn: 3, Start: start, Method: "GET", URL: "https://proxy.golang.org/k8s.io/!api/@v/v0.31.0.zip", Proto: "HTTP/2.0",
	Go:     gomod.Request{Kind: gomod.Zip, Module: "k8s.io/Api", Version: "v0.31.0"},
	Server: recorder.Marks{WroteHeaders: 1 * ms, WroteRequest: 2 * ms, FirstByte: 102 * ms, LastByte: 1602 * ms, End: 1602 * ms, Reused: true},
	Status: 200, Response: recorder.Message{BodySize: 1_500_000}, Rules: []string{"slow zips"}, ClientBlocked: 500 * ms, Done: true,
}

var zipTests = []struct {
	filter string
	want   bool
}{
	{"kind:zip,mod -status:4xx time:>1s", true},
	{"kind:zip time:<1s", false},
	{"module:K8S.io/... version:v0.31", true},
	{"module:k8s.io/ap", true},
	{"module:=k8s.io/ap", false},
	{"module:k8s.io/ap/...", false},
	{"host:=proxy.golang.org", true},
	{"host:k8s.io", false},
	{"size:1.5MB..1.5MB", true},
	{"size:>1.5MB", false},
	{"wait:=100ms", true},
	{"receive:=1.5s is:slow-client", true},
	{"dns:<1h", false},
	{"-dns:<1h", true},
	{"is:reused -is:first", true},
	{"is:failed", false},
	{"conn:3 id:5..9", true},
	{`rule:"slow zips"`, true},
	{"!api", true},
	{"api@v0.31", true},
	{"error:*", false},
}

func TestMatch(t *testing.T) {
	for _, tt := range zipTests {
		q, err := Parse(tt.filter)
		if err != nil {
			t.Errorf("%q: %v", tt.filter, err)
		}
		if got := q.Match(&zip); got != tt.want {
			t.Errorf("%q matches: %v, want %v", tt.filter, got, tt.want)
		}
	}
}

func TestNothingMatchesAll(t *testing.T) {
	blank, err := Parse(" ")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []*Query{nil, {}, blank} {
		if !q.Match(&zip) || !q.WithParents(nil).MatchAt(&zip, start) || !q.Empty() {
			t.Errorf("%#v leaves something out", q)
		}
	}
	if got := (*Query)(nil).String(); got != "" {
		t.Errorf("the text of no filter is %q", got)
	}
}

// What is in flight has taken time up to now, whichever now that is.
func TestInFlight(t *testing.T) {
	x := recorder.Exchange{ID: 1, Start: start, Method: "GET", URL: "https://a.test/"}
	q, err := Parse("time:>2s")
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[time.Time]bool{start: false, start.Add(2 * time.Second): false, start.Add(2*time.Second + 1): true, {}: true} {
		if got := q.MatchAt(&x, now); got != want {
			t.Errorf("at %v: %v, want %v", now, got, want)
		}
	}
	x.Start = time.Now().Add(-time.Second)
	if q.Match(&x) {
		t.Error("a request of a second ago has taken more than 2 s")
	}
	for filter, want := range map[string]bool{"blocked:>0": false, "wait:>0": false, "is:pending": true, "status:error": false, "is:failed": false} {
		if q, err := Parse(filter); err != nil || q.MatchAt(&x, start) != want {
			t.Errorf("%q: %v (%v), want %v", filter, !want, err, want)
		}
	}
}

// Only with its parent at hand is the repeat of a 4xx told from a redirect that ends in one.
func TestDoubled(t *testing.T) {
	refused := recorder.Exchange{ID: 1, Method: "GET", URL: "https://a.test/x", Status: 404, Done: true}
	moved := recorder.Exchange{ID: 2, Method: "GET", URL: "https://a.test/y", Status: 302, Done: true}
	x := recorder.Exchange{ID: 3, Parent: 1, Method: "GET", URL: "https://a.test/x", Status: 200, Done: true}
	q, err := Parse("is:doubled")
	if err != nil {
		t.Fatal(err)
	}
	with := q.WithParents(func(id uint64) *recorder.Exchange {
		return map[uint64]*recorder.Exchange{1: &refused, 2: &moved}[id]
	})
	if q.Match(&x) || !with.Match(&x) {
		t.Error("a repeat that is answered is one only with its parent at hand")
	}
	x.Parent, x.Status = 2, 404
	if !q.Match(&x) || with.Match(&x) {
		t.Error("a redirect's 404 is taken for a repeat only without its parent")
	}
	x.Parent = 9
	if !with.Match(&x) {
		t.Error("a parent that is not there decides")
	}
}

// kinds must have every kind that gomod has, and no other.
func TestKindsAreThoseOfGomod(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../gomod/request.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || fmt.Sprint(spec.Type) != "Kind" {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, word)
		return true
	})
	got := texts(kinds)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 20 {
		t.Errorf("kinds (-gomod +query):\n%s", diff)
	}
	for _, k := range got {
		if step := stepOf(gomod.Kind(k)); !slices.Contains(texts(steps), step) {
			t.Errorf("%s has the step %q", k, step)
		}
	}
}

// What the help and the completion name must be understood.
func TestKeysAreUnderstood(t *testing.T) {
	for _, k := range Keys() {
		filters := []string{k.Example, "-" + k.Example}
		for _, v := range k.Values {
			filters = append(filters, k.Name+":"+v.Text)
		}
		for _, f := range filters {
			if _, err := Parse(f); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
		if k.About == "" {
			t.Errorf("%s: means nothing", k.Name)
		}
	}
}

func TestKnownIsBounded(t *testing.T) {
	var known Known
	for i := range 5000 {
		known.Add(&recorder.Exchange{Method: "GET", URL: fmt.Sprintf("https://h%d.test/", i), Go: gomod.Request{Kind: gomod.Zip, Module: fmt.Sprint("m.test/", i)}, Rules: []string{fmt.Sprint(i)}})
	}
	if m, h, r := len(known.Modules), len(known.Hosts), len(known.Rules); m != mostModules || h != mostHosts || r != mostOthers {
		t.Errorf("%d modules, %d hosts, %d rules", m, h, r)
	}
	if diff := cmp.Diff([]string{"zip"}, known.Kinds); diff != "" {
		t.Error(diff)
	}
	x := &recorder.Exchange{Method: "GET", URL: "https://h1.test/", Go: gomod.Request{Kind: gomod.Zip, Module: "m.test/1"}}
	if n := testing.AllocsPerRun(100, func() { known.Add(x) }); n > 6 {
		t.Errorf("%v allocations for what is known", n)
	}
}

func TestErrorPointsAtTheWord(t *testing.T) {
	text := "é kind:zip,nope status:400"
	_, err := Parse(text)
	e := (*Error)(nil)
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	if got := text[e.At : e.At+e.Len]; got != "nope" {
		t.Errorf("it points at %q", got)
	}
	if want := "kind:nope is not known (it is one of module"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%q, want %q", err, want)
	}
}

// FuzzParse: whatever is typed, positions lie inside the text, a filter that is understood
// completes nothing outside of it, and a negated one matches the rest.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "-", `a "b c`, "kind:zip,mod -status:4xx", "time:1s..2s size:>1MB", "é:x", "statu:404", "module:*a*@", "\xff:\x00", "-\"", "kind:\"zip", "id:..", "host:=a,b"} {
		f.Add(text, len(text))
	}
	f.Fuzz(func(t *testing.T, text string, cursor int) {
		q, err := Parse(text)
		if q == nil || q.String() != text {
			t.Fatalf("%q became %v", text, q)
		}
		if e := (*Error)(nil); errors.As(err, &e) {
			if e.At < 0 || e.Len <= 0 || e.At+e.Len > len(text) || e.Msg == "" {
				t.Errorf("%q: %+v", text, e)
			}
			if utf8.ValidString(text) && !utf8.ValidString(text[e.At:e.At+e.Len]) {
				t.Errorf("%q: %+v splits a letter", text, e)
			}
		} else if err != nil {
			t.Errorf("%q: %T", text, err)
		}
		got := q.MatchAt(&zip, start)
		if words := split(text); err == nil && len(words) == 1 && len(q.terms) == 1 && text[words[0].at] != '-' {
			w := words[0]
			if not, err := Parse("-" + text[w.at:w.end]); err != nil || not.MatchAt(&zip, start) == got {
				t.Errorf("%q and its negation both match: %v (%v)", text, got, err)
			}
		}
		known := Known{Modules: []string{"a,b", "k8s.io/api"}, Hosts: []string{"a.test"}}
		for _, c := range Complete(text, cursor, known) {
			if c.From < 0 || c.From > c.To || c.To > len(text) || c.Text == "" {
				t.Errorf("%q at %d: %+v", text, cursor, c)
			}
		}
	})
}
