package diagnose

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/gomod"
)

var entryTests = []struct {
	name, list string
	want       []string // name, where it leads, separator
}{
	{"the default", "", []string{"https://proxy.golang.org https://proxy.golang.org ,", "direct  "}},
	{"separators", "https://a.test|https://b.test/go,direct", []string{"https://a.test https://a.test |", "https://b.test/go https://b.test/go ,", "direct  "}},
	{"no scheme", "goproxy.cn,off", []string{"goproxy.cn https://goproxy.cn ,", "off  "}},
	{"nothing after direct", "direct,https://a.test", []string{"direct  "}},
	{"redacted credentials", "https://REDACTED@a.test/x , https://b.test", []string{"https://REDACTED@a.test/x https://REDACTED@a.test/x ,", "https://b.test https://b.test "}},
	{"empty elements", ",, https://a.test||", []string{"https://a.test https://a.test "}},
	{"a folder", "file:///srv/mod", []string{"file:///srv/mod file:///srv/mod "}},
	{"what go refuses", "https://%zz,https://a.test", []string{"https://%zz https://%zz ,", "https://a.test https://a.test "}},
}

func TestParseEntries(t *testing.T) {
	for _, tt := range entryTests {
		var got []string
		for _, e := range parseEntries(tt.list) {
			to := ""
			if e.URL != nil {
				to = e.URL.String()
			}
			if e.URL != nil && e.URL.Opaque != "" {
				to = e.URL.Opaque
			}
			got = append(got, e.Name+" "+to+" "+e.Sep)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
}

var entryOfTests = []struct {
	url  string
	kind gomod.Kind
	want int
}{
	{"https://a.test/rsc.io/quote/@v/list", gomod.List, 0},
	{"https://A.test:443/rsc.io/quote/@v/list", gomod.List, 0},
	{"https://a.test/go/rsc.io/quote/@v/list", gomod.List, 1},
	{"https://a.test/gopher.test/x/@v/list", gomod.List, 0},
	{"http://a.test/rsc.io/quote/@v/list", gomod.List, -1},
	{"https://a.test:8443/rsc.io/quote/@v/list", gomod.List, -1},
	{"https://a.test/go/sumdb/sum.golang.org/supported", gomod.SumdbSupported, 1},
	{"https://sum.golang.org/lookup/rsc.io/quote@v1.5.2", gomod.SumdbLookup, -1},
	{"https://rsc.io/quote?go-get=1", gomod.GoGet, 2},
	{"https://github.com/rsc/quote/info/refs?service=git-upload-pack", gomod.GitInfoRefs, 2},
	{"https://example.com/", gomod.Other, -1},
	{"https://a.test/", gomod.Connect, 0},
	{"https://b.test:8443/", gomod.Connect, 3},
	{"https://b.test/", gomod.Connect, -1},
}

func TestEntryOf(t *testing.T) {
	a := &Analysis{Entries: parseEntries("https://a.test|https://REDACTED@a.test/go/,direct")}
	a.Entries = append(a.Entries, parseEntries("https://b.test:8443/go")...)
	for _, tt := range entryOfTests {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.entryOf(u, tt.kind); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.url, got, tt.want)
		}
	}
}

func FuzzParseEntries(f *testing.F) {
	for _, tt := range entryTests {
		f.Add(tt.list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		entries := parseEntries(list)
		for i, e := range entries {
			if e.Name == "" || (e.Sep == "") != (i == len(entries)-1) {
				t.Errorf("%q: entry %d is %+v of %d", list, i, e, len(entries))
			}
		}
	})
}
