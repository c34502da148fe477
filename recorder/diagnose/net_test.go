package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// A netCase is a world, and the finding in it.
type netCase struct {
	name  string
	id    string
	world *world
	want  *found // nil: that id is not found
}

// A found is what is expected of a finding.
type found struct {
	severity string
	title    string
	cost     float64 // ms, give or take a tenth
	evidence []uint64
	conns    []uint64
	commands []string
}

func checkCases(t *testing.T, cases []netCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.id+"/"+c.name, func(t *testing.T) {
			f := c.world.network(c.id)
			if c.want == nil {
				if f != nil {
					t.Fatalf("%s: %s", f.Severity, f.Title)
				}
				return
			}
			if f == nil {
				t.Fatalf("not found; there is\n%s", allFindings(c.world))
			}
			got := found{f.Severity, f.Title, c.want.cost, f.Evidence, f.Conns, f.Commands}
			if diff := cmp.Diff(*c.want, got, cmp.AllowUnexported(found{})); diff != "" {
				t.Error(diff)
			}
			if cost := f.Cost.Milliseconds(); cost < 0.9*c.want.cost || cost > 1.1*c.want.cost {
				t.Errorf("costs %.0f ms, want %.0f", cost, c.want.cost)
			}
			checkTitle(t, f)
			if f.Remedy == "" || len(f.Numbers) == 0 {
				t.Errorf("remedy %q, numbers %v", f.Remedy, f.Numbers)
			}
		})
	}
}

// checkTitle: a title is one line of a report, and has the number if one was measured.
func checkTitle(t *testing.T, f *recorder.Finding) {
	t.Helper()
	if n := utf8.RuneCountInString(f.Title); n > 80 {
		t.Errorf("title of %d columns: %s", n, f.Title)
	}
	measured := slices.ContainsFunc(f.Numbers, func(n recorder.Number) bool { return n.Unit != "" })
	if measured && !strings.ContainsAny(f.Title, "0123456789") {
		t.Errorf("no number in the title %q", f.Title)
	}
}

// asked is what the network's rules alone find.
func (w *world) asked() []recorder.Finding {
	found, _ := analyse(&w.Input).ask(networkRules)
	return found
}

// network is what they find of that id; nil: nothing.
func (w *world) network(id string) *recorder.Finding {
	for _, f := range w.asked() {
		if f.ID == id {
			return &f
		}
	}
	return nil
}

func allFindings(w *world) string {
	var b strings.Builder
	for _, f := range w.asked() {
		fmt.Fprintf(&b, "%s %s: %s %v\n", f.Severity, f.ID, f.Title, f.Cost)
	}
	return b.String()
}

// mods adds n requests for .mod files, one after another, that wait so long each, on an
// open connection. It returns when the last one ends.
func (w *world) mods(conn uint64, at float64, n int, wait float64) float64 {
	for i := range n {
		w.get(conn, at, proxyURL(fmt.Sprintf("example.com/m%d-%d@v1.0.0", int(at), i), "mod"), 200, 300, phases{send: 0.1, wait: wait, receive: 0.1})
		at += wait + 1
	}
	return at
}

// opens adds a request that opens its connection.
func (w *world) opens(conn uint64, at float64, host string, p phases) *recorder.Exchange {
	if p.wait == 0 {
		p.wait = 10
	}
	return w.get(conn, at, fmt.Sprintf("https://%s/example.com/c%d/@v/v1.0.0.mod", host, conn), 200, 300, p)
}

// cannot adds a CONNECT that failed, with its connection.
func (w *world) cannot(conn uint64, at float64, host, op, msg string, p phases) *recorder.Conn {
	x := w.fails(conn, at, "https://"+host+"/", op, msg, p)
	x.Method, x.Go.Kind, x.Status = "CONNECT", "connect", 502
	x.Server.WroteHeaders, x.Server.WroteRequest, x.Server.Reused = 0, 0, false
	c := w.conn(conn)
	c.TLS, c.Err, c.Exchanges, c.Closed = nil, x.Err, 0, ""
	if p.tls == 0 {
		c.Remote, x.Remote = "", ""
	}
	if p.connect > 0 && p.tls == 0 {
		c.Dials[0].Err = msg
	}
	return c
}

// wellConnected is a world in which one connection was opened well.
func wellConnected() *world {
	w := newWorld()
	w.opens(1, 20, "proxy.golang.org", phases{dns: 1, connect: 10, tls: 20})
	return w
}

// healthy worlds, in which nothing is above info.
func healthy() map[string]*world {
	lan := wellConnected()
	lan.mods(1, 100, 30, 0.3)
	lan.get(1, 200, proxyURL("golang.org/x/text@v0.43.0", "zip"), 200, 7e6, phases{wait: 1, receive: 70})

	far := newWorld()
	far.opens(1, 20, "proxy.golang.org", phases{dns: 15, connect: 80, tls: 85, wait: 85})
	end := far.mods(1, 300, 60, 82)
	far.get(1, end, proxyURL("golang.org/x/text@v0.43.0", "zip"), 200, 7e6, phases{wait: 85, receive: 900})
	far.conn(1).TCP = &recorder.TCP{Samples: 60, RTT: ms(81), RTTVar: ms(2), MinRTT: ms(79), MaxRTT: ms(90), SegsOut: 900}
	far.ends(end+1200, 0)

	line := newWorld() // 10 Mbit/s, full while zips come
	line.opens(1, 20, "proxy.golang.org", phases{dns: 10, connect: 20, tls: 25, wait: 22})
	end = line.mods(1, 100, 40, 21)
	for i := range 16 { // 16 at once, 1.2 MB/s together
		x := line.get(1, end+float64(i), proxyURL(fmt.Sprintf("example.com/z%d@v1.0.0", i), "zip"), 200, 1.2e6, phases{wait: 400 + 50*float64(i), receive: 15000 - 50*float64(i)})
		x.TCP = &recorder.TCP{Samples: 12, RTT: ms(320), RTTVar: ms(90), MinRTT: ms(20), MaxRTT: ms(410), Retrans: 1, SegsOut: 900, Reordered: 40}
	}
	line.conn(1).TCP = &recorder.TCP{Samples: 30, RTT: ms(300), RTTVar: ms(100), MinRTT: ms(20), MaxRTT: ms(410), Retrans: 2, SegsOut: 9000, Reordered: 600}
	line.ends(end+16000, 0)

	git := wellConnected()
	for i := range uint64(8) {
		at := 500 + 300*float64(i)
		git.get(10+i, at, "https://github.com/rsc/quote.git/info/refs?service=git-upload-pack", 200, 2000, phases{connect: 20, tls: 30, wait: 90, receive: 1})
		git.get(10+i, at+150, "https://github.com/rsc/quote.git/git-upload-pack", 200, 20000, phases{wait: 60, receive: 10})
	}
	return map[string]*world{
		"LAN": lan.ends(400, 0), "80 ms": far, "10 Mbit/s": line, "private git": git.ends(3500, 0), "warm cache": newWorld().ends(900, 0), "one request": wellConnected().ends(80, 0),
	}
}

func TestNetworkHealthy(t *testing.T) {
	for name, w := range healthy() {
		for _, f := range Run(w.Input).Findings {
			if f.Severity != recorder.Info {
				t.Errorf("%s: %s: %s (%v)", name, f.ID, f.Title, f.Cost)
			}
		}
	}
}

// TestProse: every rule is explained, and nothing else.
func TestProse(t *testing.T) {
	var rules []string
	for _, r := range Rules() {
		if slices.Contains(rules, r.ID) {
			t.Errorf("two rules for %s", r.ID)
		}
		rules = append(rules, r.ID)
	}
	for _, r := range Rules() {
		text, ok := Explain(r.ID)
		if !ok {
			t.Errorf("no findings/%s.md", r.ID)
			continue
		}
		if !strings.HasPrefix(text, "# "+r.ID+"\n\n") {
			t.Errorf("%s.md does not begin with its id", r.ID)
		}
		for _, e := range r.Explains {
			if !slices.Contains(rules, e) {
				t.Errorf("%s explains %s, which no rule finds", r.ID, e)
			}
		}
	}
	for _, id := range IDs() {
		if !slices.Contains(rules, id) {
			t.Errorf("findings/%s.md has no rule", id)
		}
	}
}

// TestNetworkProse: what a network finding's prose must have.
func TestNetworkProse(t *testing.T) {
	for _, r := range networkRules {
		text, _ := Explain(r.ID)
		for _, head := range []string{"\n## How it is recognised\n", "\n## What it costs\n", "\n## What to do\n", "\n## When it is wrong\n", "\nSources: "} {
			if !strings.Contains(text, head) {
				t.Errorf("%s.md: no %q", r.ID, strings.TrimSpace(head))
			}
		}
		for i, line := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(line); n > 100 {
				t.Errorf("%s.md:%d: %d columns", r.ID, i+1, n)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{secs(ms(0.21)), "0.2 ms"}, {secs(ms(30)), "30 ms"}, {secs(ms(999.4)), "999 ms"}, {secs(ms(999.6)), "1.0 s"}, {secs(ms(800)), "800 ms"}, {secs(ms(1030)), "1.03 s"},
		{secs(ms(1900)), "1.9 s"}, {secs(ms(9999)), "10.0 s"}, {secs(ms(12340)), "12.3 s"}, {secs(ms(150100)), "150 s"},
		{size(300), "300 B"}, {size(7000), "7.0 kB"}, {size(102400), "102 kB"}, {size(999_600), "1.0 MB"}, {size(7e6), "7.0 MB"}, {size(5e8), "500 MB"},
		{netHost("https://Proxy.golang.org:443/x"), "proxy.golang.org"}, {netHost("https://corp.example:8443/go?x=/"), "corp.example:8443"},
		{netHost("http://a.example:80/"), "a.example"}, {netHost("https://u:p@a.example/"), "a.example"}, {netHost("nothing"), ""},
		{hostName("[2001:db8::1]:8443"), "2001:db8::1"}, {hostName("a.example:1"), "a.example"}, {hostName("a.example"), "a.example"},
		{commonName("CN=Zscaler Intermediate Root CA,OU=Zscaler Inc.,O=Zscaler Inc.,C=US"), "Zscaler Intermediate Root CA"}, {commonName("O=Corp,C=DE"), "Corp"},
		{proxyAddress("b:81"), "http://b:81"}, {proxyAddress("http://b:81"), "http://b:81"}, {proxyAddress("pac+http://wpad.corp.example/wpad.dat"), ""},
		{proxyAddress("proxy.pacific.example:8080"), "http://proxy.pacific.example:8080"}, {proxyAddress("autoproxy.example:80"), "http://autoproxy.example:80"},
		{noProxyWithout("a.example,.corp.example,localhost", "git.corp.example"), "a.example,localhost"}, {noProxyWithout("a.example", "b.example"), "a.example"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
