package web_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A demo is a made-up `go mod download` behind a slow line, in the shape of a real one:
// .mod files in parallel while the checksum database is asked, then one .info after the
// other, then zips in parallel; a private module that is a 404 twice, and a host whose
// TLS handshake never ends. It is the same every time.
type demo struct {
	start  time.Time
	rnd    *rand.Rand
	events []timed
	ids    uint64
	end    time.Duration
}

// A timed event happens at an offset from the session's start.
type timed struct {
	at time.Duration
	e  recorder.Event
}

const (
	ms      = time.Millisecond
	rtt     = 34 * ms
	workers = 8
	proxy   = "proxy.golang.org"
	storage = "storage.googleapis.com"
)

// demoModules is module, version and zip size in kB.
var demoModules = []struct {
	path, version string
	kb            int
}{
	{"cel.dev/expr", "v0.24.0", 120}, {"cloud.google.com/go/compute/metadata", "v0.9.0", 34},
	{"github.com/beorn7/perks", "v1.0.1", 12}, {"github.com/cespare/xxhash/v2", "v2.3.0", 20},
	{"github.com/cncf/xds/go", "v0.0.0-20251022180443-0feb69152e9f", 980}, {"github.com/cpuguy83/go-md2man/v2", "v2.0.7", 22},
	{"github.com/davecgh/go-spew", "v1.1.2-0.20180830191138-d8f796af33cc", 47}, {"github.com/emicklei/go-restful/v3", "v3.13.0", 130},
	{"github.com/envoyproxy/go-control-plane", "v0.14.0", 4300}, {"github.com/felixge/httpsnoop", "v1.0.4", 15},
	{"github.com/fxamacker/cbor/v2", "v2.9.0", 210}, {"github.com/go-logr/logr", "v1.4.3", 66},
	{"github.com/golang/protobuf", "v1.5.4", 170}, {"github.com/google/gnostic-models", "v0.7.1", 110},
	{"github.com/google/go-cmp", "v0.7.0", 105}, {"github.com/google/uuid", "v1.6.0", 22},
	{"github.com/grpc-ecosystem/grpc-gateway/v2", "v2.27.3", 1900}, {"github.com/inconshreveable/mousetrap", "v1.1.0", 4},
	{"github.com/josharian/intern", "v1.0.0", 5}, {"github.com/json-iterator/go", "v1.1.12", 84},
	{"github.com/modern-go/reflect2", "v1.0.3-0.20250322232337-35a7c28c31ee", 17}, {"go.uber.org/mock", "v0.6.0", 240},
	{"github.com/prometheus/client_golang", "v1.23.2", 420}, {"github.com/prometheus/common", "v0.67.4", 160},
	{"github.com/rs/zerolog", "v1.35.1", 180}, {"github.com/spf13/cobra", "v1.10.2", 210},
	{"github.com/spf13/pflag", "v1.0.10", 84}, {"github.com/stretchr/testify", "v1.11.1", 130},
	{"go.opentelemetry.io/otel", "v1.39.0", 640}, {"go.opentelemetry.io/proto/otlp", "v1.9.0", 90},
	{"go.uber.org/zap", "v1.27.1", 260}, {"golang.org/x/crypto", "v0.52.0", 1800},
	{"golang.org/x/net", "v0.62.0", 1500}, {"golang.org/x/sys", "v0.49.0", 2000},
	{"golang.org/x/text", "v0.43.0", 8900}, {"golang.org/x/tools", "v0.48.0", 3600},
	{"google.golang.org/genproto/googleapis/rpc", "v0.0.0-20251124214823-79d6a2a48846", 330}, {"google.golang.org/grpc", "v1.77.0", 2300},
	{"google.golang.org/protobuf", "v1.36.11", 1300}, {"k8s.io/api", "v0.35.0", 1700},
	{"k8s.io/apimachinery", "v0.35.0", 1200}, {"k8s.io/client-go", "v0.35.0", 2900},
	{"sigs.k8s.io/structured-merge-diff/v6", "v6.3.1", 130}, {"sigs.k8s.io/yaml", "v1.6.0", 78},
}

// newDemo makes the events of a session that starts at start.
func newDemo(start time.Time) *demo {
	d := &demo{start: start, rnd: rand.New(rand.NewPCG(1, 2))}
	d.add(0, recorder.Event{Session: &recorder.Session{
		ID: "demo", Tool: "v0.1.0", Mode: "run", Argv: []string{"go", "mod", "download"}, Dir: "shop", Start: start,
		OS: "linux/amd64", Go: "go1.26.8", Proxy: "127.0.0.1:40211", GOPROXY: "https://proxy.golang.org,direct", GOSUMDB: "sum.golang.org",
	}})
	d.add(2*ms, recorder.Event{Process: &recorder.Process{Start: recorder.Span(2 * ms)}})
	d.connections()
	at := d.mods(61 * ms)
	at = d.infos(at + 180*ms)
	at = d.zips(at + 20*ms)
	d.finish(at + 240*ms)
	slices.SortStableFunc(d.events, func(a, b timed) int { return int(a.at - b.at) })
	d.renumber()
	return d
}

// renumber gives exchanges ids in the order of their starting, as a Tap does.
func (d *demo) renumber() {
	ids := map[uint64]uint64{0: 0}
	for _, t := range d.events {
		if x := t.e.Exchange; x != nil {
			if _, ok := ids[x.ID]; !ok {
				ids[x.ID] = uint64(len(ids))
			}
			x.ID, x.Parent = ids[x.ID], ids[x.Parent]
		}
	}
	for _, t := range d.events {
		if f := t.e.Finding; f != nil {
			for i, id := range f.Evidence {
				f.Evidence[i] = ids[id]
			}
		}
	}
}

func (d *demo) add(at time.Duration, e recorder.Event) { d.events = append(d.events, timed{at, e}) }

// about is v, a little more or less.
func (d *demo) about(v time.Duration) time.Duration {
	return time.Duration(float64(v) * (0.75 + d.rnd.Float64()*0.7))
}

// span is an instant of the session as an offset from from; it is never 0.
func span(at, from time.Duration) recorder.Span { return recorder.Span(max(1, at-from)) }

// A sent is one request of the demo.
type sent struct {
	kind            gomod.Kind
	module, version string
	url             string
	status          int
	size            int
	wait, receive   time.Duration
	held            time.Duration // of receive, the client did not take bytes
	opens           bool          // it waits for its connection
	conn            uint64
	parent          uint64
	mime, body      string
	extra           string
	err             *recorder.Error
	header          []recorder.Header
}

// send adds the snapshots of one request that starts at at; it returns its id and end.
func (d *demo) send(at time.Duration, s sent) (uint64, time.Duration) {
	d.ids++
	x := recorder.Exchange{
		ID: d.ids, Conn: s.conn, Tunnel: s.conn, Parent: s.parent, Start: d.start.Add(at), Method: "GET", URL: s.url, Proto: "HTTP/2.0",
		Remote: "142.250.74.113:443",
		Go:     gomod.Request{Kind: s.kind, Module: s.module, Version: s.version, Extra: s.extra},
		Request: recorder.Message{HeaderSize: 120, Header: []recorder.Header{
			{Name: "Accept-Encoding", Value: "gzip"}, {Name: "User-Agent", Value: "Go-http-client/2.0"},
		}},
		Response: recorder.Message{HeaderSize: -1},
	}
	now := at
	x.Server.Reused = !s.opens
	if s.opens {
		x.Server.DNSStart, x.Server.DNSDone = span(now+1*ms, at), span(now+19*ms, at)
		x.Server.ConnectStart, x.Server.ConnectDone = span(now+20*ms, at), span(now+20*ms+rtt, at)
		x.Server.TLSStart, x.Server.TLSDone = span(now+20*ms+rtt, at), span(now+24*ms+2*rtt, at)
		now += 27*ms + 2*rtt
	}
	x.Client.GotConn = span(now, at)
	d.add(at, recorder.Event{Exchange: clone(x)})
	now += d.about(300 * time.Microsecond)
	x.Server.WroteHeaders, x.Server.WroteRequest = span(now, at), span(now+200*time.Microsecond, at)
	now += s.wait
	x.Overhead = recorder.Span(d.about(180 * time.Microsecond))
	if s.err != nil {
		x.Err = s.err
		return d.done(x, at, now)
	}
	x.Server.FirstByte, x.Client.FirstByte = span(now, at), span(now+time.Millisecond/5, at)
	x.Status, x.Response.HeaderSize, x.Response.Mime = s.status, 310, s.mime
	x.Response.Header = append([]recorder.Header{
		{Name: "Cache-Control", Value: "public, max-age=10800"}, {Name: "Content-Length", Value: fmt.Sprint(s.size)},
		{Name: "Content-Type", Value: s.mime}, {Name: "Date", Value: d.start.Add(now).Format(time.RFC1123)},
	}, s.header...)
	d.add(now, recorder.Event{Exchange: clone(x)})
	for t := 100 * ms; t < s.receive; t += 100 * ms { // progress
		x.Response.BodySize = int64(float64(s.size) * float64(t) / float64(s.receive))
		d.add(now+t, recorder.Event{Exchange: clone(x)})
	}
	now += s.receive
	x.Response.BodySize, x.Server.LastByte, x.Client.LastByte = int64(s.size), span(now, at), span(now, at)
	x.ClientBlocked, x.ServerBlocked = recorder.Span(s.held), recorder.Span(s.receive-s.held)
	if s.body != "" {
		x.Response.Body, x.Response.Kept = []byte(s.body), true
	} else if s.kind == gomod.Zip || s.kind == gomod.StorageZip {
		x.Response.SHA256 = strings.Repeat("9f3b51c07ad2e648", 4)
	}
	return d.done(x, at, now)
}

func (d *demo) done(x recorder.Exchange, at, now time.Duration) (uint64, time.Duration) {
	x.Server.End, x.Client.End, x.Done = span(now, at), span(now, at), true
	d.add(now, recorder.Event{Exchange: clone(x)})
	return x.ID, now
}

func clone[T any](v T) *T { return &v }

// connections are the seven that go opens at once and the one that it uses.
func (d *demo) connections() {
	for id := uint64(1); id <= workers; id++ {
		c := recorder.Conn{
			ID: id, Tunnel: id, Target: proxy + ":443", Scheme: "https", Start: d.start.Add(6 * ms), Remote: "142.250.74.113:443",
			Addrs: []string{"142.250.74.113", "2a00:1450:400f:80c::2011"},
			Marks: recorder.Marks{DNSStart: 1, DNSDone: recorder.Span(18 * ms), ConnectStart: recorder.Span(18 * ms), ConnectDone: recorder.Span(18*ms + rtt), TLSStart: recorder.Span(18*ms + rtt), TLSDone: recorder.Span(20*ms + 2*rtt)},
			TLS:   &recorder.TLS{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Curve: "X25519MLKEM768", ALPN: "h2", Subject: "CN=*.golang.org", Issuer: "CN=WR3,O=Google Trust Services,C=US"},
		}
		tunnel := recorder.Tunnel{ID: id, Conn: id, Target: c.Target, Agent: "Go-http-client/1.1", Kind: "mitm", Start: d.start.Add(6 * ms), Status: 200}
		d.add(95*ms, recorder.Event{Tunnel: &tunnel})
		d.add(95*ms, recorder.Event{Conn: clone(c)})
		c.Exchanges = 190
		if id > 1 {
			c.Exchanges, c.Closed = 0, "client"
			c.Marks.End = recorder.Span(160 * ms)
			d.add(170*ms, recorder.Event{Conn: &c})
			continue
		}
		d.add(180*ms, recorder.Event{Conn: &c})
	}
	s := recorder.Conn{ID: 9, Tunnel: 9, Target: storage + ":443", Scheme: "https", Start: d.start.Add(9 * time.Second), Remote: "142.250.74.91:443", Exchanges: 3,
		TLS: &recorder.TLS{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", ALPN: "h2", Subject: "CN=*.storage.googleapis.com", Issuer: "CN=WR2,O=Google Trust Services,C=US"}}
	d.add(9*time.Second, recorder.Event{Conn: &s})
}

// inParallel runs jobs on the workers, and returns when the last one ends.
func (d *demo) inParallel(at time.Duration, n int, job func(i int, at time.Duration) time.Duration) time.Duration {
	free := slices.Repeat([]time.Duration{at}, workers)
	for i := range n {
		w := 0
		for j := range free {
			if free[j] < free[w] {
				w = j
			}
		}
		free[w] = job(i, free[w]+d.about(400*time.Microsecond))
	}
	return slices.Max(free)
}

// mods asks for every .mod and what the checksum database says of it.
func (d *demo) mods(at time.Duration) time.Duration {
	base := "https://" + proxy + "/"
	sumdb := base + "sumdb/sum.golang.org/"
	lookups := 0
	return d.inParallel(at, len(demoModules), func(i int, at time.Duration) time.Duration {
		m := demoModules[i]
		_, end := d.send(at, sent{
			kind: gomod.Mod, module: m.path, version: m.version, url: base + m.path + "/@v/" + m.version + ".mod",
			status: 200, size: 300 + m.kb*3, wait: d.about(rtt + 14*ms), receive: d.about(ms), opens: i < workers && i%3 == 0, conn: 1,
			mime: "text/plain; charset=UTF-8", body: "module " + m.path + "\n\ngo 1.24.0\n\nrequire (\n\tgolang.org/x/sys v0.49.0\n\tgolang.org/x/text v0.43.0 // indirect\n)\n",
		})
		if i == 0 {
			_, end = d.send(end, sent{kind: gomod.SumdbSupported, extra: "sum.golang.org", url: sumdb + "supported", status: 200, wait: d.about(rtt), receive: 0, conn: 1, mime: "text/plain"})
		}
		lookups++
		_, end = d.send(end, sent{
			kind: gomod.SumdbLookup, module: m.path, version: m.version, url: sumdb + "lookup/" + m.path + "@" + m.version,
			status: 200, size: 420, wait: d.about(2*rtt + 30*ms), receive: d.about(ms), conn: 1, mime: "text/plain; charset=UTF-8",
		})
		last := end
		for t := range lookups%3 + 1 {
			name := fmt.Sprintf("tile/8/%d/x%03d/%03d", t, d.rnd.IntN(200), d.rnd.IntN(1000))
			_, e := d.send(end, sent{
				kind: gomod.SumdbTile, extra: "sum.golang.org/" + name, url: sumdb + name, status: 200, size: 8192,
				wait: d.about(rtt + 8*ms), receive: d.about(3 * ms), conn: 1, mime: "application/octet-stream",
			})
			last = max(last, e)
		}
		return last
	})
}

// infos asks for every .info, strictly one after the other.
func (d *demo) infos(at time.Duration) time.Duration {
	for i, m := range demoModules {
		_, at = d.send(at, sent{
			kind: gomod.Info, module: m.path, version: m.version, url: "https://" + proxy + "/" + m.path + "/@v/" + m.version + ".info",
			status: 200, size: 160, wait: d.about(rtt + 10*ms), receive: d.about(ms / 2), conn: 1, mime: "application/json",
			body: fmt.Sprintf(`{"Version":%q,"Time":"2025-11-%02dT09:12:44Z","Origin":{"VCS":"git","URL":"https://%s"}}`, m.version, i%28+1, m.path),
		})
		at += d.about(time.Millisecond)
		if m.path == "go.uber.org/mock" {
			at = d.private(at)
		}
	}
	return at
}
