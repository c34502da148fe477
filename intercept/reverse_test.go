package intercept_test

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/reverse"
	"modtap/intercept/rules"
	"modtap/recorder"
	"modtap/recorder/gomod"
)

const reverseToken = "TOKEN"

// A reverseRig is a proxy in reverse mode for one GOPROXY list.
type reverseRig struct {
	*rig
	c *http.Client
}

// newReverse starts it. In goproxy and gosumdb, $URL stands for the origin's and $PORT for
// its port.
func newReverse(t *testing.T, o *origintest.Origin, s reverse.Settings, change func(*intercept.Config)) *reverseRig {
	t.Helper()
	_, port, _ := net.SplitHostPort(o.Addr())
	fill := strings.NewReplacer("$URL", o.URL(), "$PORT", port)
	s.GOPROXY, s.GOSUMDB = fill.Replace(s.GOPROXY), fill.Replace(s.GOSUMDB)
	s.All, s.Token = true, reverseToken
	r := newRig(t, o, func(c *intercept.Config) {
		c.Redactor = recorder.NewRedactor()
		c.Reverse = reverse.New(s)
		c.Classifier = gomod.NewClassifier(s.GOPROXY, s.GOSUMDB)
		if change != nil {
			change(c)
		}
	})
	return &reverseRig{r, r.client(nil, o.CertPool(), []string{"http/1.1"})}
}

// get asks for a path of a GOPROXY entry as the go command would.
func (r *reverseRig) get(entry int, path string) (*http.Response, string) {
	r.t.Helper()
	resp, err := r.c.Get(fmt.Sprintf("http://%s/%s/%d/host%s", r.addr, reverseToken, entry, path))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		b = append(b, " cut: "+err.Error()...)
	}
	return resp, string(b)
}

func TestReverse(t *testing.T) {
	for _, proto := range []string{"h2", "http/1.1"} {
		t.Run(proto, func(t *testing.T) {
			o := origintest.Start(t, origintest.Config{Protos: []string{proto}, Prefix: "/artifactory/api/go/x"})
			r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
			resp, body := r.get(0, list)
			if resp.StatusCode != 200 || body != "v1.0.0\nv1.1.0\n" || resp.Header.Get("Date") == "" {
				t.Fatalf("%s %v %q", resp.Status, resp.Header, body)
			}
			r.get(0, "/example.golang.test/%21upper/@v/list")
			xs := r.exchanges(2)
			if x := xs[0]; x.URL != o.URL()+list || x.Go.Module != "example.golang.test/m0" || x.Tunnel != 0 || x.Server.Reused || x.Err != nil {
				t.Errorf("recorded %+v", x)
			}
			if tm := xs[0].Server.Timings(); tm.SSL <= 0 || tm.Connect <= 0 {
				t.Errorf("the first request has the phases %+v", tm)
			}
			if !xs[1].Server.Reused || xs[1].Conn != xs[0].Conn || !strings.HasSuffix(xs[1].URL, "%21upper/@v/list") || xs[1].Go.Module != "example.golang.test/Upper" {
				t.Errorf("the second request was recorded as %+v", xs[1])
			}
			for _, q := range o.Requests() {
				if q.URL != xs[q.ID-1].URL {
					t.Errorf("the origin was asked for %s, recorded is %s", q.URL, xs[q.ID-1].URL)
				}
				if q.Header.Get("Authorization") != "" || q.Header.Get("Referer") != "" {
					t.Errorf("headers %v", q.Header)
				}
			}
		})
	}
}

// A page in a browser on this machine must not get anywhere.
var guardTests = []struct {
	name, method, path, host string
	status                   int
}{
	{"as the go command does", "GET", "/TOKEN/0/host" + list, "", 200},
	{"HEAD", "HEAD", "/TOKEN/0/host" + list, "", 200},
	{"localhost", "GET", "/TOKEN/0/host" + list, "localhost:1", 200},
	{"IPv6", "GET", "/TOKEN/0/host" + list, "[::1]", 200},
	{"a name that resolves to this machine", "GET", "/TOKEN/0/host" + list, "evil.test", 400},
	{"a name like localhost", "GET", "/TOKEN/0/host" + list, "localhost.evil.test:80", 400},
	{"another token", "GET", "/TOKEN2/0/host" + list, "", 400},
	{"no token", "GET", "/0/host" + list, "", 400},
	{"no such entry", "GET", "/TOKEN/1/host" + list, "", 400},
	{"the proxy's own page", "GET", "/", "", 400},
	{"POST", "POST", "/TOKEN/0/host" + list, "", 405},
}

func TestReverseGuard(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
	want := 0
	for _, tt := range guardTests {
		t.Run(tt.name, func(t *testing.T) {
			req, _ := http.NewRequest(tt.method, "http://"+r.addr+tt.path, nil)
			req.Host = tt.host
			resp, err := r.c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
			if tt.status == 200 {
				want++
			}
		})
	}
	if got := len(o.Requests()); got != want {
		t.Errorf("the origin was asked %d times, want %d", got, want)
	}
	r.exchanges(want)
}

// TestReverseWithoutAPlan serves no such path.
func TestReverseWithoutAPlan(t *testing.T) {
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	resp, err := r.client(nil, nil, nil).Get("http://" + r.addr + "//0/host" + list)
	if err != nil || resp.StatusCode != 400 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}

func TestReverseCredentials(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{{Match: origintest.Match{Kind: "zip"}, Redirect: "storage.golang.test"}}})
	_, port, _ := net.SplitHostPort(o.Addr())
	c, _ := reverse.NewCredentials("", "machine second.golang.test:"+port+" login you password netrc\n")
	r := newReverse(t, o, reverse.Settings{
		GOPROXY:     "https://me:secret@first.golang.test:$PORT,https://second.golang.test:$PORT",
		Credentials: c,
	}, nil)
	r.get(0, "/example.golang.test/m0/@v/v1.0.0.zip")
	r.get(1, list)
	r.get(0, list)
	xs := r.exchanges(4)
	want := []string{"first Basic bWU6c2VjcmV0", "storage ", "second Basic eW91Om5ldHJj", "first Basic bWU6c2VjcmV0"}
	for i, q := range o.Requests() {
		host, _, _ := strings.Cut(strings.TrimPrefix(q.URL, "https://"), ".")
		if got := host + " " + q.Header.Get("Authorization"); got != want[i] {
			t.Errorf("request %d: %q, want %q", i, got, want[i])
		}
	}
	for _, x := range xs {
		if s := fmt.Sprintf("%+v", *x); strings.Contains(s, "secret") || strings.Contains(s, "bWU6") || strings.Contains(s, "eW91") {
			t.Errorf("recorded with credentials: %s", s)
		}
	}
}

// The user and password of a URL are that URL's: net/http takes them along to a relative
// Location, and to no other. Those of netrc go to the host and what is below it.
var redirectedCredentialsTests = []struct {
	name, goproxy, netrc, to string
	want                     string // user that the second hop has
}{
	{"of the URL, to a path", "https://me:secret@first.golang.test:$PORT", "", "/other", "me"},
	{"of the URL, to a URL of the same host", "https://me:secret@first.golang.test:$PORT", "", "https://first.golang.test:$PORT/other", ""},
	{"of the URL, to the path of another host", "https://me:secret@first.golang.test:$PORT", "", "//second.golang.test:$PORT/other", ""},
	{"of the Location", "https://me:secret@first.golang.test:$PORT", "", "https://you:x@first.golang.test:$PORT/other", "you"},
	{"of netrc, to a path", "https://first.golang.test:$PORT", "first.golang.test:$PORT", "/other", "net"},
	{"of netrc, to a URL of the same host", "https://first.golang.test:$PORT", "first.golang.test:$PORT", "https://first.golang.test:$PORT/other", "net"},
	{"of netrc, to another host", "https://first.golang.test:$PORT", "first.golang.test:$PORT", "https://second.golang.test:$PORT/other", ""},
	{"of netrc, to another host that has some", "https://first.golang.test:$PORT", "second.golang.test:$PORT", "https://second.golang.test:$PORT/other", ""},
}

func TestReverseRedirectedCredentials(t *testing.T) {
	for _, tt := range redirectedCredentialsTests {
		t.Run(tt.name, func(t *testing.T) {
			o := origintest.Start(t, origintest.Config{})
			_, port, _ := net.SplitHostPort(o.Addr())
			fill := func(s string) string { return strings.ReplaceAll(s, "$PORT", port) }
			knob := origintest.Knob{Match: origintest.Match{Times: 1}, Status: 302, Header: http.Header{"Location": {fill(tt.to)}}}
			o.SetKnobs(knob)
			c, _ := reverse.NewCredentials("", "machine "+fill(tt.netrc)+" login net password x\n")
			r := newReverse(t, o, reverse.Settings{GOPROXY: tt.goproxy, Credentials: c}, nil)
			r.get(0, list)
			xs := r.exchanges(2)
			second := http.Request{Header: o.Requests()[1].Header}
			if got, _, _ := second.BasicAuth(); got != tt.want {
				t.Errorf("the second hop has the credentials of %q, want %q", got, tt.want)
			}
			for _, x := range xs {
				if strings.Contains(x.URL, "secret") || strings.Contains(x.URL, "me:") {
					t.Errorf("recorded %s", x.URL)
				}
			}
			if tt.netrc != "" {
				return
			}
			o.SetKnobs(knob)
			o.Forget()
			direct := r.direct("h2")
			direct.CheckRedirect = nil
			resp, err := direct.Get(fill(tt.goproxy) + list)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			second.Header = o.Requests()[1].Header
			if got, _, _ := second.BasicAuth(); got != tt.want {
				t.Errorf("net/http sends those of %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReverseFollowsRedirects(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{{Match: origintest.Match{Kind: "zip"}, Redirect: "storage.golang.test"}}})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
	resp, body := r.get(0, "/example.golang.test/m0/@v/v1.0.0.zip")
	if want := string(origintest.DefaultTree().Zip("example.golang.test/m0", "v1.0.0")); resp.StatusCode != 200 || body != want {
		t.Fatalf("%s, %d bytes, want %d", resp.Status, len(body), len(want))
	}
	xs := r.exchanges(2)
	if xs[0].Status != 302 || xs[0].Go.Kind != "zip" || xs[0].Parent != 0 || xs[0].Err != nil {
		t.Errorf("the first hop was recorded as %+v", xs[0])
	}
	if xs[1].Status != 200 || xs[1].Parent != xs[0].ID || xs[1].Go.Kind != "storage-zip" || xs[1].Go.Module != "example.golang.test/m0" {
		t.Errorf("the second hop was recorded as %+v", xs[1])
	}
	if xs[1].Start.Before(xs[0].Start.Add(xs[0].Client.End.Duration())) {
		t.Error("the second hop began before the first was over")
	}
	// A redirect that was followed already leads to nothing else.
	resp, err := r.tapped().Get(o.Requests()[1].URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if x := r.exchanges(3)[2]; x.Parent != 0 || x.Go.Module != "" {
		t.Errorf("a request of somebody else's for the same URL was recorded as %+v", x)
	}
	if got := o.Requests()[1].Header.Get("Referer"); got != xs[0].URL {
		t.Errorf("Referer %q, want %q", got, xs[0].URL)
	}
}

var redirectTests = []struct {
	name, to string
	hops     int    // requests that the origin sees
	body     string // in the 502
}{
	{"to plain http", "http://proxy.golang.test", 1, `Get "http://proxy.golang.test` + list + `": redirected from secure URL https://`},
	{"to itself", "proxy.golang.test", 10, `": stopped after 10 redirects`},
	{"to another scheme", "ftp://proxy.golang.test", 1, `Get "ftp://proxy.golang.test` + list + `": redirected from secure URL https://`},
	{"to a dead server", "https://127.0.0.1:1", 1, `Get "https://127.0.0.1:1` + list + `": dial tcp 127.0.0.1:1: connect: connection refused`},
}

func TestReverseRefusesRedirects(t *testing.T) {
	for _, tt := range redirectTests {
		t.Run(tt.name, func(t *testing.T) {
			o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{{Redirect: tt.to}}})
			r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
			resp, body := r.get(0, list)
			if resp.StatusCode != 502 || !strings.Contains(body, tt.body) {
				t.Errorf("%s %q, want %q", resp.Status, body, tt.body)
			}
			if got := len(o.Requests()); got != tt.hops {
				t.Errorf("%d requests, want %d", got, tt.hops)
			}
			r.exchanges(tt.hops)
			if xs := r.exchanges(tt.hops); xs[len(xs)-1].Err == nil {
				t.Errorf("the last hop was recorded without an error: %+v", xs[len(xs)-1])
			}
		})
	}
}

// Without a status from the server the client gets a page that names the true URL, which
// the go command prints.
var reverseFailureTests = []struct {
	name    string
	goproxy string
	origin  origintest.Config
	status  int // recorded
	op      string
	body    string
}{
	{name: "a dead server", goproxy: "https://me:secret@127.0.0.1:1", op: "dial", body: `Get "https://127.0.0.1:1` + list + `": dial tcp 127.0.0.1:1: connect: connection refused`},
	{name: "an unknown name", goproxy: "https://nosuch.example.test", op: "dns", body: `Get "https://nosuch.example.test` + list + `": dial tcp: lookup nosuch.example.test`},
	{name: "a certificate of nobody", origin: origintest.Config{Cert: origintest.UnknownCA}, op: "tls", body: "x509: certificate signed by unknown authority"},
	{name: "a certificate of another", origin: origintest.Config{Cert: origintest.WrongName}, op: "tls", body: "x509: certificate is valid for "},
	{name: "an alert", origin: origintest.Config{Handshakes: []origintest.Handshake{{Fail: origintest.HandshakeAlert}}}, op: "tls", body: "remote error: tls: "},
	{name: "a reset handshake", origin: origintest.Config{Handshakes: []origintest.Handshake{{Fail: origintest.HandshakeReset}}}, op: "read", body: "connection reset by peer"},
	{name: "a reset", origin: origintest.Config{Protos: []string{"http/1.1"}, Knobs: []origintest.Knob{{Fail: origintest.Reset}}}, op: "read", body: "connection reset by peer"},
	{name: "a reset stream", origin: origintest.Config{Protos: []string{"h2"}, Knobs: []origintest.Knob{{Fail: origintest.Abort}}}, op: "read", body: "stream error: stream ID "},
	{name: "cut in the body", origin: origintest.Config{Knobs: []origintest.Knob{{Fail: origintest.AbortBody}}}, status: 200, op: "read", body: " cut: unexpected EOF"},
}

func TestReverseFailures(t *testing.T) {
	for _, tt := range reverseFailureTests {
		t.Run(tt.name, func(t *testing.T) {
			o := origintest.Start(t, tt.origin)
			r := newReverse(t, o, reverse.Settings{GOPROXY: cmp.Or(tt.goproxy, "$URL")}, nil)
			resp, body := r.get(0, list)
			if !strings.Contains(body, tt.body) || strings.Contains(body, "secret") {
				t.Errorf("%s %q, want %q", resp.Status, body, tt.body)
			}
			if tt.status == 0 && (resp.StatusCode != 502 || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8") {
				t.Errorf("%s %v", resp.Status, resp.Header)
			}
			if xs := r.exchanges(1); len(xs) != 1 || xs[0].Status != tt.status || opOf(xs[0]) != tt.op {
				t.Errorf("%d requests, the first with status %d, %v; want 1, %d, %s", len(xs), xs[0].Status, xs[0].Err, tt.status, tt.op)
			}
		})
	}
}

// TestReverseGivesUpHandshakes as net/http does, after 10 s; nobody else would.
func TestReverseGivesUpHandshakes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	o := origintest.Start(t, origintest.Config{Handshakes: []origintest.Handshake{{Fail: origintest.HandshakeStall}}})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
	start := time.Now()
	_, body := r.get(0, list)
	if took := time.Since(start); !strings.HasSuffix(strings.TrimSpace(body), `": net/http: TLS handshake timeout`) || took < 10*time.Second || took > 15*time.Second {
		t.Errorf("%q after %v", body, took)
	}
	if x := r.exchanges(1)[0]; opOf(x) != "timeout" || r.conns()[0].Err.Op != "tls" {
		t.Errorf("recorded %v, of the connection %v", x.Err, r.conns()[0].Err)
	}
}

// TestReverseRules applies rules to the true URLs.
func TestReverseRules(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	set, err := rules.Parse([]string{"dead.example.test/x=" + o.URL()}, []string{"host:dead.example.test kind:list=50ms"})
	if err != nil {
		t.Fatal(err)
	}
	r := newReverse(t, o, reverse.Settings{GOPROXY: "https://me:secret@dead.example.test/x"}, func(c *intercept.Config) { c.Rules = set })
	if resp, body := r.get(0, list); resp.StatusCode != 200 {
		t.Fatal(resp.Status, body)
	}
	x := r.exchanges(1)[0]
	if len(x.Rules) != 2 || x.SentTo != o.URL()+list || x.URL != "https://dead.example.test/x"+list || x.Injected.Duration() < 50*time.Millisecond {
		t.Errorf("recorded %+v", x)
	}
	if a := o.Requests()[0].Header.Get("Authorization"); a != "" {
		t.Errorf("the mirror got another host's credentials: %s", a)
	}
}
