package diagnose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const lookupBody = "52989863\ngithub.com/spf13/cobra v1.10.2 h1:DMTTonx5m65Ic0GOoRY2c16WCbHxOOw6xxezuLaBpcU=\n" +
	"github.com/spf13/cobra v1.10.2/go.mod h1:7C1pvHqHw5A4vrJfjNwvOdzYu0Gml16OCs2GRiTUUS4=\n\n" +
	"go.sum database tree\n53000001\nhR4IOUVnWS6aZUEKcI3E54y2oqxaOJTQGiKhvZ9ZgE4=\n\n— sum.golang.org Az3grg\n"

var recordTests = []struct {
	name, body string
	want       record
	ok         bool
}{
	{"a lookup", lookupBody, record{52989863, 53000001}, true},
	{"without a tree", "7\nrsc.io/quote v1.5.2 h1:x\n", record{id: 7}, true},
	{"a page", "<html>", record{}, false},
	{"nothing", "", record{}, false},
	{"negative", "-7\n", record{}, false},
	{"a number that does not fit", "99999999999999999999\n", record{}, false},
	{"a tree of nothing", "7\n\n\ngo.sum database tree\nx\n", record{id: 7}, true},
}

func TestReadRecord(t *testing.T) {
	for _, tt := range recordTests {
		if got, ok := readRecord([]byte(tt.body)); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
	}
}

// TestPlaces: record 52989863 is in the tiles 206991 of level 0, 808 of level 1, 3 of
// level 2; the tree's last one may be another.
func TestPlaces(t *testing.T) {
	want := []tilePlace{{0, 206991}, {0, 207031}, {0, 207031}, {1, 808}, {1, 808}, {1, 808}, {2, 3}, {2, 3}, {2, 3}, {3, 0}, {3, 0}, {3, 0}}
	if diff := cmp.Diff(want, record{52989863, 53000001}.places(), cmp.AllowUnexported(tilePlace{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

var placeTests = []struct {
	extra string
	want  tilePlace
	ok    bool
}{
	{"sum.golang.org tile/8/0/x202/169", tilePlace{0, 202169}, true},
	{"sum.golang.org tile/8/0/x001/234.p/5", tilePlace{0, 1234}, true},
	{"sum.golang.org tile/8/3/000.p/4", tilePlace{3, 0}, true},
	{"sum.golang.org tile/8/data/x001/234", tilePlace{}, false},
	{"sum.golang.org tile/9/0/000", tilePlace{}, false},
	{"sum.golang.org", tilePlace{}, false},
	{"x tile/8/0/", tilePlace{}, false},
	{"x tile/8/99/000", tilePlace{}, false},
}

func TestPlaceOf(t *testing.T) {
	for _, tt := range placeTests {
		got, ok := placeOf(tt.extra)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: %+v, %v", tt.extra, got, ok)
		}
	}
}

// FuzzBodies: what servers send may be anything.
func FuzzBodies(f *testing.F) {
	f.Add([]byte(lookupBody), "sum.golang.org tile/8/0/x202/169")
	f.Add([]byte("0\n"), "x tile/8/data/0")
	f.Fuzz(func(t *testing.T, body []byte, extra string) {
		if r, ok := readRecord(body); ok {
			for _, p := range r.places() {
				if p.n < 0 {
					t.Errorf("%+v: tile %+v", r, p)
				}
			}
		}
		if p, ok := placeOf(extra); ok && (p.level < 0 || p.n < 0) {
			t.Errorf("%q: %+v", extra, p)
		}
	})
}
