package intercept_test

import (
	"net"
	"strings"
	"testing"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/reverse"
	"modtap/intercept/rules"
)

const (
	supported = "/sumdb/sum.golang.test/supported"
	lookup    = "/sumdb/sum.golang.test/lookup/example.golang.test/m0@v1.0.0"
)

// What is answered to supported, and where a lookup then goes.
var sumdbTests = []struct {
	name, goproxy string
	knob          origintest.Knob
	entry         int
	status        int
	lookup        string // the URL's host and path
	rule          bool
}{
	{name: "a proxy that has it", goproxy: "$URL", status: 200, lookup: "proxy.golang.test" + lookup},
	{name: "404 at the end", goproxy: "$URL", knob: origintest.Knob{Status: 404}, status: 200, lookup: "sum.golang.test/lookup/example.golang.test/m0@v1.0.0", rule: true},
	{name: "410, then direct", goproxy: "$URL,direct", knob: origintest.Knob{Status: 410}, status: 200, lookup: "sum.golang.test/lookup/example.golang.test/m0@v1.0.0", rule: true},
	{name: "403 ends it", goproxy: "$URL,direct", knob: origintest.Knob{Status: 403}, status: 403, lookup: "proxy.golang.test" + lookup},
	{name: "any error, then direct", goproxy: "$URL|direct", knob: origintest.Knob{Status: 500}, status: 200, lookup: "sum.golang.test/lookup/example.golang.test/m0@v1.0.0", rule: true},
	{name: "a reset, then direct", goproxy: "$URL|direct", knob: origintest.Knob{Fail: origintest.Abort}, status: 200, lookup: "sum.golang.test/lookup/example.golang.test/m0@v1.0.0", rule: true},
	{name: "a reset ends it", goproxy: "$URL,direct", knob: origintest.Knob{Fail: origintest.Abort}, status: 502, lookup: "proxy.golang.test" + lookup},
	{name: "another entry is asked next", goproxy: "$URL,https://other.golang.test:$PORT,direct", knob: origintest.Knob{Status: 404}, status: 404, lookup: "proxy.golang.test" + lookup},
	{name: "the last entry", goproxy: "$URL,https://other.golang.test:$PORT,direct", knob: origintest.Knob{Status: 404}, entry: 1, status: 200, lookup: "sum.golang.test/lookup/example.golang.test/m0@v1.0.0", rule: true},
}

func TestReverseSumdb(t *testing.T) {
	for _, tt := range sumdbTests {
		t.Run(tt.name, func(t *testing.T) {
			tt.knob.Kind = "supported"
			o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{tt.knob}})
			_, port, _ := net.SplitHostPort(o.Addr())
			// The database's name has no port; a rule leads to the origin's.
			set, err := rules.Parse([]string{"sum.golang.test=https://sum.golang.test:" + port}, nil)
			if err != nil {
				t.Fatal(err)
			}
			r := newReverse(t, o, reverse.Settings{GOPROXY: tt.goproxy, GOSUMDB: o.GOSUMDB()}, func(c *intercept.Config) { c.Rules = set })
			resp, body := r.get(tt.entry, supported)
			if resp.StatusCode != tt.status || tt.rule && body != "" {
				t.Errorf("supported was answered %s %q, want %d", resp.Status, body, tt.status)
			}
			r.get(tt.entry, lookup)
			xs := r.exchanges(2)
			if tt.knob.Status != 0 && xs[0].Status != tt.knob.Status || tt.knob.Fail != "" && xs[0].Err == nil {
				t.Errorf("supported was recorded as %d, %v", xs[0].Status, xs[0].Err)
			}
			if got := len(xs[0].Rules) > 0 && strings.HasPrefix(xs[0].Rules[0], "reverse: answered 200"); got != tt.rule {
				t.Errorf("recorded rules %q, want one: %v", xs[0].Rules, tt.rule)
			}
			if got := strings.Replace(strings.TrimPrefix(xs[1].URL, "https://"), ":"+port, "", 1); got != tt.lookup || xs[1].Go.Kind != "sumdb-lookup" {
				t.Errorf("the lookup went to %s as %s, want %s", got, xs[1].Go.Kind, tt.lookup)
			}
		})
	}
}

// TestReverseSumdbChangesItsMind follows what a proxy says last.
func TestReverseSumdbChangesItsMind(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{{Match: origintest.Match{Kind: "supported", Times: 1}, Status: 404}}})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL,direct", GOSUMDB: o.GOSUMDB()}, nil)
	r.get(0, supported)
	r.get(0, supported)
	if resp, _ := r.get(0, lookup); resp.StatusCode != 200 {
		t.Errorf("the lookup was answered %s", resp.Status)
	}
	if x := r.exchanges(3)[2]; x.URL != o.URL()+lookup {
		t.Errorf("the lookup went to %s", x.URL)
	}
}
