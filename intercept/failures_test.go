package intercept_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"modtap/intercept/origintest"
	"modtap/recorder"
)

// A failureCase is something that a server, or the way to it, does to a client.
type failureCase struct {
	name   string
	method string // default GET
	path   string
	body   string
	header http.Header

	knob   origintest.Knob
	shake  origintest.HandshakeFailure
	origin func(*origintest.Config)
	host   string // instead of the origin's
	dns    *origintest.DNSReply
	client func(*http.Client, *http.Transport)
	// ask is what the client does, when it is not one request; it returns what it saw.
	ask func(c *http.Client, url string) string

	proto   string // "": both
	slow    bool   // takes half a minute
	differs string // why the client sees something else through the proxy

	// The last exchange on record.
	status  int
	op      string
	connect bool // it is a CONNECT: no request could be sent
	records int  // exchanges in all; 0: one
}

// An outcome is one row of the table.
type outcome struct {
	direct, tapped string // what the client saw
	sent           [2]int // requests that the origin saw
	conns          [2]int // connections that the origin saw
	recorded       []*recorder.Exchange
}

// TestFailures is the law of the product: what a client sees through the proxy is what it
// sees without, and everything is on record. With -v it prints the table.
func TestFailures(t *testing.T) {
	var mu sync.Mutex
	var table strings.Builder
	var rows []string
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "case\tprotocol\tdirect\tthrough modtap\trecorded")
	t.Run("all", func(t *testing.T) {
		for _, c := range failureCases() {
			for _, proto := range []string{"h2", "http/1.1"} {
				if c.proto != "" && c.proto != proto || c.slow && testing.Short() {
					continue
				}
				row := len(rows)
				rows = append(rows, "")
				t.Run(proto+" "+c.name, func(t *testing.T) {
					t.Parallel() // many of them wait
					got := c.run(t, proto)
					c.check(t, got)
					through := "same"
					if got.tapped != got.direct || c.differs != "" {
						through = fmt.Sprintf("%s on %d connections, not %d (%s)", brief(got.tapped), got.conns[1], got.conns[0], cmp.Or(c.differs, "unexplained"))
					}
					mu.Lock()
					defer mu.Unlock()
					rows[row] = fmt.Sprintf("%s\t%s\t%s\t%s\t%s\n", c.name, proto, brief(got.direct), through, onRecord(got.recorded))
				})
			}
		}
	})
	io.WriteString(w, strings.Join(rows, ""))
	w.Flush()
	t.Logf("\n%s", table.String())
}

// run does the same thing directly and through a proxy.
func (c failureCase) run(t *testing.T, proto string) (got outcome) {
	config := origintest.Config{Protos: []string{proto}, Handshakes: []origintest.Handshake{{Fail: c.shake}}}
	if c.origin != nil {
		c.origin(&config)
	}
	o := origintest.Start(t, config)
	r := newRig(t, o, nil)
	if c.dns != nil {
		r.dns.SetHosts(map[string]origintest.DNSHost{"*.golang.test": {A: *c.dns, AAAA: *c.dns}})
	}
	for i, client := range []*http.Client{r.direct(proto), r.tapped(proto)} {
		o.SetKnobs(c.knob)
		o.Forget()
		if c.client != nil {
			c.client(client, client.Transport.(*http.Transport))
		}
		s := normal(c.saw(t, client, o), proto)
		got.sent[i], got.conns[i] = len(o.Requests()), o.Conns()
		if client.CloseIdleConnections(); i == 0 {
			got.direct = s
		} else {
			got.tapped = s
		}
	}
	got.recorded = r.exchanges(cmp.Or(c.records, 1))
	return got
}

func (c failureCase) saw(t *testing.T, client *http.Client, o *origintest.Origin) string {
	base := o.URL()
	if c.host != "" {
		base = "https://" + c.host
	}
	if c.ask != nil {
		return c.ask(client, base)
	}
	req, err := http.NewRequest(c.method, base+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range c.header {
		req.Header[k] = v
	}
	return seen(client, req)
}

func (c failureCase) check(t *testing.T, got outcome) {
	if same := got.tapped == got.direct && got.sent[0] == got.sent[1] && got.conns[0] == got.conns[1]; same != (c.differs == "") {
		t.Errorf("through the proxy, with %d requests on %d connections:\n%s\ndirect, with %d on %d:\n%s\nexpected to differ: %s",
			got.sent[1], got.conns[1], got.tapped, got.sent[0], got.conns[0], got.direct, cmp.Or(c.differs, "no"))
	}
	if want := cmp.Or(c.records, 1); len(got.recorded) != want {
		t.Errorf("%d exchanges on record, want %d", len(got.recorded), want)
	}
	if len(got.recorded) == 0 {
		return
	}
	x := got.recorded[len(got.recorded)-1]
	if x.Status != c.status || opOf(x) != c.op || (x.Method == "CONNECT") != c.connect {
		t.Errorf("recorded %s with status %d, op %q (%v); want status %d, op %q, CONNECT %v", x.Method, x.Status, opOf(x), x.Err, c.status, c.op, c.connect)
	}
}

// normal removes what two connections cannot share.
func normal(s, proto string) string {
	// how many bytes of a cut body had arrived is a race
	if before, after, ok := strings.Cut(s, "body="); ok && !strings.Contains(after, "err=<nil>") {
		_, err, _ := strings.Cut(after, " err=")
		s = before + "body=cut err=" + err
	}
	for _, r := range races {
		s = r.re.ReplaceAllString(s, r.to)
	}
	if proto == "h2" { // a write that fails first ends the connection in other words
		s = strings.Replace(s, "read tcp: read: connection reset by peer", "unexpected EOF", 1)
	}
	return s
}

// races are texts that differ between two runs of the same thing.
var races = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`read tcp [^ ]+:`), "read tcp:"}, // the client's port
	{regexp.MustCompile(`current time [^ ]+`), "time"},   // of an expired certificate
	{regexp.MustCompile(` \(possibly because .*`), ""},   // which CA of the same name it may have been
}

// brief is what a client saw, in a cell of the table.
func brief(s string) string {
	if err, ok := strings.CutPrefix(s, "error: "); ok {
		if _, after, ok := strings.Cut(err, "\": "); ok {
			err = after
		}
		return err
	}
	m := answered.FindStringSubmatch(s)
	if m == nil {
		return strings.ReplaceAll(s, "\n", " ")
	}
	text := m[1] + ", " + m[3] + " bytes"
	if m[3] == "cut" {
		text = m[1] + ", body cut"
	}
	if m[2] != "[]" {
		text = m[2][1:4] + ", " + text
	}
	if m[4] != "<nil>" {
		text += ": " + m[4]
	}
	if m[5] != "map[]" {
		text += ", trailer"
	}
	return text
}

var answered = regexp.MustCompile(`(?s)^\S+ ([^\n]*) early=(\[.*?\]) length=.*\nbody=(\w+) .*?err=(.*) trailer=(.*)$`)

// onRecord is what the log has, in a cell of the table.
func onRecord(xs []*recorder.Exchange) string {
	var all []string
	for i, x := range xs {
		text := fmt.Sprint(x.Status)
		if x.Status == 0 {
			text = "no status"
		}
		if x.Method == "CONNECT" {
			text = "CONNECT"
		}
		if x.Err != nil {
			text += " " + x.Err.Op
		}
		if i > 0 && strings.HasSuffix(all[len(all)-1], text) {
			continue
		}
		all = append(all, text)
	}
	text := strings.Join(all, ", then ")
	if len(xs) > 1 {
		text = fmt.Sprintf("%d: %s", len(xs), text)
	}
	return text
}

func opOf(x *recorder.Exchange) string {
	if x.Err == nil {
		return ""
	}
	return x.Err.Op
}
