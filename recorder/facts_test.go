package recorder

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/gomod"
)

func gzipped(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.Bytes()
}

var long = strings.Repeat("0123456789abcdef", 4096) // 64 KiB

var factBodies = []struct {
	name   string
	kind   gomod.Kind
	status int
	body   []byte
	kept   bool
	coding string

	want     string
	wantKept bool
}{
	{"a .mod file is whole", gomod.Mod, 200, []byte(long), true, "", long, true},
	{"a .mod file that was not kept whole", gomod.Mod, 200, []byte("module x"), false, "", "", false},
	{"an encoded .mod file", gomod.Mod, 200, gzipped("module x\n"), true, "gzip", "module x\n", true},
	{"a coding that is not known", gomod.Mod, 200, []byte("\x0b\x02"), true, "br", "", false},
	{"a .mod file that decodes to too much", gomod.Mod, 200, gzipped(strings.Repeat(long, 65)), true, "gzip", "", false},
	{"an .info file", gomod.Info, 200, []byte(`{"Version":"v1"}`), true, "", "", false},
	{"git's references", gomod.GitUploadPack, 200, []byte(long + long), true, "", long, false},
	{"a lookup", gomod.SumdbLookup, 200, []byte("1\nx v1 h1:a="), true, "", "1\nx v1 h1:a=", true},
	{"a long list", gomod.List, 200, []byte(long), true, "", long[:4<<10], false},
	{"a go-get page", gomod.GoGet, 200, []byte(long), true, "", long[:16<<10], false},
	{"an error's text", gomod.Zip, 502, []byte("bad gateway"), true, "", "bad gateway", true},
	{"an error's long text", gomod.Mod, 404, []byte(long), true, "", long[:2<<10], false},
	{"an error's encoded text", gomod.Other, 403, gzipped(long), true, "gzip", long[:2<<10], false},
	{"the beginning of an error's encoded text", gomod.Other, 403, gzipped("forbidden")[:14], false, "gzip", "for", false},
	{"a zip", gomod.Zip, 200, []byte("PK"), true, "", "", false},
	{"a tile", gomod.SumdbTile, 200, []byte("x"), true, "", "", false},
	{"an empty body", gomod.List, 200, []byte{}, true, "", "", false},
}

func TestFactBodies(t *testing.T) {
	for _, tt := range factBodies {
		x := Exchange{Status: tt.status, Go: gomod.Request{Kind: tt.kind}}
		x.Request.Body, x.Request.Kept = []byte("request"), true
		x.Response = Message{Body: tt.body, Kept: tt.kept, Encoding: tt.coding, BodySize: 77}
		before := x
		f := x.Facts()
		if tt.name != "the beginning of an error's encoded text" { // as much as comes out
			if got := string(f.Response.Body); got != tt.want || f.Response.Kept != tt.wantKept {
				t.Errorf("%s: %d bytes %.40q, kept %t; want %d, %t", tt.name, len(got), got, f.Response.Kept, len(tt.want), tt.wantKept)
			}
		}
		if f.Response.Left != (tt.kept && !f.Response.Kept) || !f.Request.Left {
			t.Errorf("%s: left out: %t, and the request's: %t", tt.name, f.Response.Left, f.Request.Left)
		}
		if f.Request.Body != nil || f.Response.BodySize != 77 || f.Response.Body != nil && f.Response.Encoding != "" {
			t.Errorf("%s: %+v", tt.name, f.Response)
		}
		if diff := cmp.Diff(before, x); diff != "" {
			t.Errorf("%s: x was modified:\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(f, f.Facts()); diff != "" {
			t.Errorf("%s: the facts of facts differ:\n%s", tt.name, diff)
		}
	}
}

func TestFactHeaders(t *testing.T) {
	var x Exchange
	x.Response.Header = []Header{{"date", "today"}, {"retry-after", "30"}, {"VIA", "1.1 a"}, {"Via", "1.1 b"}, {"x-goog-hash", "1"}, {"X-Secret", "s"}, {strings.Repeat("x", 100), "1"}, {"", "1"}}
	x.Request.Header = []Header{{"User-Agent", "Go-http-client/2.0"}, {"Referer", "https://a/"}}
	x.Response.Trailer = []Header{{"Server", "x"}}
	f := x.Facts()
	want := []Header{{"Retry-After", "30"}, {"Via", "1.1 a"}, {"Via", "1.1 b"}}
	if diff := cmp.Diff(want, f.Response.Header); diff != "" || f.Response.Trailer != nil {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if &f.Request.Header[0] != &x.Request.Header[0] {
		t.Error("headers of which all are kept were copied")
	}
	if x.Response.Header[1].Name != "retry-after" {
		t.Error("the exchange's own headers were changed")
	}
}

// TestFactHeaderNames: the table is sorted by hand, and a name is found however it is spelt.
func TestFactHeaderNames(t *testing.T) {
	for lower, canonical := range factHeaders {
		if http.CanonicalHeaderKey(lower) != canonical || strings.ToLower(canonical) != lower {
			t.Errorf("%s and %s are not the same name", lower, canonical)
		}
		for _, name := range []string{lower, canonical, strings.ToUpper(lower)} {
			if got, ok := FactHeader(name); !ok || got != canonical {
				t.Errorf("FactHeader(%q) is %q, %t", name, got, ok)
			}
		}
	}
	for _, name := range []string{"", "Cookie", "Set-Cookie", "X-Goog", "Serve", "Servers"} {
		if got, ok := FactHeader([]byte(name)); ok {
			t.Errorf("FactHeader(%q) is %q", name, got)
		}
	}
}

func TestFactsLetGoOfTheRest(t *testing.T) {
	x := Exchange{Status: 500, Response: Message{Body: []byte(long), Kept: true}}
	if f := x.Facts(); cap(f.Response.Body) > 4<<10 || !slices.Equal(f.Response.Body, x.Response.Body[:2<<10]) {
		t.Errorf("%d bytes with room for %d", len(f.Response.Body), cap(f.Response.Body))
	}
}
