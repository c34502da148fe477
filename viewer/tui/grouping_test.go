package tui

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// groupsFile has what the page groups requests into; its tests read the same file.
var groupsFile = filepath.Join("..", "web", "testdata", "groups.json")

// A groupsVector is exchanges, as they are written by hand, and their groups.
type groupsVector struct {
	Name      string                    `json:"name"`
	Exchanges []json.RawMessage         `json:"exchanges"`
	Groups    map[string][]groupsResult `json:"groups"` // by groupings
}

type groupsResult struct {
	Title  string   `json:"title,omitempty"` // not of connections, which the page says more of
	IDs    []uint64 `json:"ids"`
	Failed int      `json:"failed"`
	Bytes  int64    `json:"bytes"`
	Busy   float64  `json:"busy_ms"`
}

// grouped is what the lister makes of the exchanges, in the order of their first requests.
func (v *groupsVector) grouped(t *testing.T) map[string][]groupsResult {
	t.Helper()
	s := newStore(func() time.Time { return time.Date(2026, 11, 22, 1, 0, 2, 0, time.UTC) })
	s.begin(&recorder.Session{ID: "s", Start: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)})
	for _, text := range v.Exchanges {
		x := &recorder.Exchange{}
		if err := json.Unmarshal(text, x); err != nil {
			t.Fatal(err)
		}
		s.exchange(x)
	}
	l := newLister(s)
	l.filter(nil)
	l.step(time.Second)
	out := map[string][]groupsResult{}
	for _, by := range groupings[1:] {
		l.groupBy(by)
		for i := range l.len() {
			g := l.at(i).group
			r := groupsResult{Title: g.label, Failed: g.failed, Bytes: g.bytes, Busy: g.busy.Duration().Seconds() * 1000}
			if by == "connection" {
				r.Title = ""
			}
			for _, row := range g.rows {
				r.IDs = append(r.IDs, row.id)
			}
			out[by] = append(out[by], r)
		}
	}
	return out
}

// The page makes the same groups, with the same numbers.
func TestGroupVectors(t *testing.T) {
	text, err := os.ReadFile(groupsFile)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []groupsVector
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 8 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	if *update {
		writeGroups(t, vectors)
	}
	for _, v := range vectors {
		if d := gocmp.Diff(v.Groups, v.grouped(t)); d != "" {
			t.Errorf("%s (-want +got, go test -update writes it anew):\n%s", v.Name, d)
		}
	}
}

// writeGroups fills in the groups as they are now: one line each, so that a change can be read.
func writeGroups(t *testing.T, vectors []groupsVector) {
	t.Helper()
	var b bytes.Buffer
	line := func(value any) []byte {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for i, v := range vectors {
		fmt.Fprintf(&b, "%s\n{\"name\": %s,\n\"exchanges\": [", []string{"[", ","}[min(i, 1)], line(v.Name))
		for j, x := range v.Exchanges {
			fmt.Fprintf(&b, "%s\n%s", []string{"", ","}[min(j, 1)], x)
		}
		vectors[i].Groups = v.grouped(t)
		b.WriteString("\n],\n\"groups\": {")
		for j, by := range groupings[1:] {
			fmt.Fprintf(&b, "%s\n\"%s\": [", []string{"", ","}[min(j, 1)], by)
			for k, g := range vectors[i].Groups[by] {
				fmt.Fprintf(&b, "%s\n%s", []string{"", ","}[min(k, 1)], line(g))
			}
			b.WriteString("\n]")
		}
		b.WriteString("\n}}")
	}
	b.WriteString("\n]\n")
	if err := os.WriteFile(groupsFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Whatever the order in which requests become known, a tile and what a redirect led to are
// in the groups that they would be in had all been known from the beginning.
func TestGroupsOfNews(t *testing.T) {
	lookup := request(2, 5*ms, gomod.SumdbLookup, "a.test/m", "v1.0.0", 1, 10*ms, ms)
	open := *lookup
	open.Done = false
	tile := request(3, 30*ms, gomod.SumdbTile, "", "", 1, ms, ms)
	zip := request(4, 40*ms, gomod.Zip, "b.test/m", "v1.0.0", 1, ms, ms)
	stored := request(5, 50*ms, gomod.StorageZip, "", "", 1, ms, ms)
	stored.Parent = zip.ID
	s := newStore(func() time.Time { return began.Add(time.Second) })
	s.begin(&recorder.Session{ID: "s", Start: began})
	l := newLister(s)
	l.filter(nil)
	l.step(time.Second)
	l.groupBy("module")
	groups := func() string {
		l.update()
		l.regroupNow()
		text := ""
		for i := range l.len() {
			text += l.at(i).group.label + ": " + idsOf(l.at(i).group.rows)
		}
		return text
	}
	for _, x := range []*recorder.Exchange{&open, tile, stored} {
		s.exchange(x)
	}
	if got, want := groups(), "a.test/m: 2 checksum database: 3 other requests to proxy.golang.org: 5 "; got != want {
		t.Errorf("at first %q, want %q", got, want)
	}
	s.exchange(lookup)
	if got, want := groups(), "a.test/m: 2 3 other requests to proxy.golang.org: 5 "; got != want {
		t.Errorf("once the lookup is answered %q, want %q", got, want)
	}
	s.older([]*recorder.Exchange{request(1, 0, gomod.SumdbLookup, "c.test/m", "v1.0.0", 1, 2*ms, ms), zip})
	if got, want := groups(), "c.test/m: 1 a.test/m: 2 checksum database: 3 b.test/m: 4 5 "; got != want {
		t.Errorf("with what is older %q, want %q", got, want)
	}
}

// What is on its way is looked at again although nothing is heard of it: its time is sorted
// and filtered by, and its group's grows.
func TestAge(t *testing.T) {
	x := request(2, 5*1000*ms, gomod.Zip, "a.test/a", "v1.0.0", 1, ms, 0)
	x.Done, x.Server, x.Client = false, recorder.Marks{}, recorder.Marks{}
	done := request(1, 0, gomod.Mod, "b.test/b", "v1.0.0", 1, 2000*ms, 0)
	s := open(t, 100, 30, Config{}, append(opening(), recorder.Event{Exchange: done}, recorder.Event{Exchange: x})...)
	later := func() {
		s.clock += time.Second
		s.m.list.aged = time.Time{} // a while ago
		s.send(tickMsg{})
	}
	s.keys("s")
	if got := idsOf(s.m.list.rows); got != "1 2 " {
		t.Errorf("by time %q, want the longest first", got)
	}
	later()
	if got := idsOf(s.m.list.rows); got != "2 1 " {
		t.Errorf("a second later by time %q, want 2 first", got)
	}
	s.keys("s", "s", "s", "s", "/", "type:time:>3s", "enter")
	s.has("0 of 2")
	later()
	s.has("1 of 2")
	s.keys("g")
	s.has("3.20 s")
	later()
	s.has("4.20 s")
}

func TestUnion(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 500 {
		var u union
		var covered [200]bool
		for range r.IntN(20) {
			from := r.IntN(150)
			to := from + r.IntN(50) - 5
			u.add(recorder.Span(from), recorder.Span(to))
			for i := from; i < to; i++ {
				covered[i] = true
			}
		}
		want := recorder.Span(0)
		for _, c := range covered {
			if c {
				want++
			}
		}
		if got := u.sum(); got != want || !slices.IsSortedFunc(u.list, func(a, b stretch) int { return cmp.Compare(a.from, b.from) }) {
			t.Fatalf("%d in %v, want %d", got, u.list, want)
		}
	}
}
