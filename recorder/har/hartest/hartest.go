// Package hartest makes up long recordings, for tests of what reads them: the events of a
// go command with any number of requests, and a HAR as Chrome exports it. The same number
// gives the same recording.
package hartest

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// Epoch is when the made-up sessions start.
var Epoch = time.Date(2026, 11, 30, 9, 0, 0, 123456789, time.UTC)

const (
	goproxy = "https://proxy.golang.org,direct"
	gosumdb = "sum.golang.org"
	slots   = 8 // requests at a time
)

func ms(f float64) recorder.Span { return recorder.Span(f * float64(time.Millisecond)) }

// GoCommand yields the events of `go mod download` with n requests, in the order in which a
// live session has them: for each module its .mod, .info and .zip, a lookup and tiles, now
// and then a list that is not there, which go asks for twice. Eight are in flight at any
// time, on connections to two hosts.
func GoCommand(n int) iter.Seq[recorder.Event] {
	return func(yield func(recorder.Event) bool) {
		r := newRun(n)
		exchanges := r.exchanges()
		events := []recorder.Event{{Session: r.session()}, {Process: &recorder.Process{Start: ms(4)}}}
		for i := range r.conns {
			events = append(events, recorder.Event{Tunnel: &r.tunnels[i]}, recorder.Event{Conn: &r.conns[i]})
		}
		for _, e := range events {
			if !yield(e) {
				return
			}
		}
		for _, x := range exchanges {
			if !yield(recorder.Event{Exchange: x}) {
				return
			}
		}
		end := r.now + ms(300)
		if yield(recorder.Event{Process: &recorder.Process{Start: ms(4), End: end, User: end / 10, System: end / 50}}) {
			yield(recorder.Event{End: &recorder.End{At: end + ms(2), BlindSpots: []string{"localhost"}}})
		}
	}
}

// A run is a session that is being made up.
type run struct {
	n       int
	rand    *rand.Rand
	now     recorder.Span
	free    [slots]recorder.Span // when each slot is free again
	id      uint64
	out     []*recorder.Exchange
	conns   []recorder.Conn
	tunnels []recorder.Tunnel
	class   *gomod.Classifier
}

func newRun(n int) *run {
	r := &run{n: n, rand: rand.New(rand.NewPCG(1, uint64(n))), class: gomod.NewClassifier(goproxy, gosumdb)}
	for i, host := range []string{"proxy.golang.org", "proxy.golang.org", "sum.golang.org", "sum.golang.org"} {
		id := uint64(i + 1)
		at := Epoch.Add(time.Duration(5+i) * time.Millisecond)
		remote := fmt.Sprintf("142.250.74.%d:443", 81+i/2)
		r.conns = append(r.conns, recorder.Conn{
			ID: id, Tunnel: id, Target: host + ":443", Scheme: "https", Start: at, Remote: remote,
			Marks: recorder.Marks{DNSStart: 1000, DNSDone: ms(6), ConnectStart: ms(6), ConnectDone: ms(20), TLSStart: ms(20), TLSDone: ms(50)},
			Dials: []recorder.Dial{{Addr: remote, Start: ms(6), Done: ms(20)}}, TLS: &recorder.TLS{Version: "TLS 1.3", ALPN: "h2"},
		})
		r.tunnels = append(r.tunnels, recorder.Tunnel{
			ID: id, Conn: id, Target: host + ":443", Agent: "Go-http-client/1.1", Kind: "mitm", Start: at, Answered: ms(20), Hello: ms(21), TLSDone: ms(52), Status: 200,
		})
	}
	r.now = ms(60)
	for i := range r.free {
		r.free[i] = r.now
	}
	return r
}

func (r *run) session() *recorder.Session {
	return &recorder.Session{
		ID: "made-up", Tool: "v0.0.0", Mode: "run", Argv: []string{"go", "mod", "download"}, Dir: "app", Start: Epoch, OS: "linux/amd64",
		Go: "go1.26.8", Proxy: "127.0.0.1:1", GOPROXY: goproxy, GOSUMDB: gosumdb,
		Environ: &recorder.Environ{Shell: "sh", MaxProcs: slots, CPUs: slots, GoSum: -1, Go: map[string]string{"GOPROXY": goproxy, "GOSUMDB": gosumdb, "GOVERSION": "go1.26.8"}},
	}
}

// exchanges are all n in the order of their ends, which is that of their events.
func (r *run) exchanges() []*recorder.Exchange {
	r.out = make([]*recorder.Exchange, 0, r.n)
	for i := 0; len(r.out) < r.n; i++ {
		m := fmt.Sprintf("github.com/owner%d/module%d", i%997, i)
		v := fmt.Sprintf("v1.%d.%d", i%40, i%7)
		base := "https://proxy.golang.org/" + m + "/@v/"
		r.get(base+v+".mod", 200, []byte(modFile(m, i)), 0)
		r.get("https://sum.golang.org/lookup/"+m+"@"+v, 200, []byte(lookup(m, v, i)), 0)
		for t := range i % 3 {
			r.get(fmt.Sprintf("https://sum.golang.org/tile/8/%d/x%03d/%03d", t, i/1000%1000, i%1000), 200, nil, 8192)
		}
		r.get(base+v+".info", 200, fmt.Appendf(nil, `{"Version":%q,"Time":"2026-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://%s","Hash":"%040x"}}`, v, m, i), 0)
		if i%20 == 0 {
			text := []byte("not found: module " + m + "/v2: no matching versions for query \"latest\"\n")
			r.get("https://proxy.golang.org/"+m+"/v2/@v/list", 404, text, 0)
			r.get("https://proxy.golang.org/"+m+"/v2/@v/list", 404, text, 0)
		}
		r.get(base+v+".zip", 200, nil, 20_000+int64(r.rand.IntN(400_000)))
	}
	r.out = r.out[:r.n]
	end := func(x *recorder.Exchange) time.Time { return x.Start.Add(x.Client.End.Duration()) }
	slices.SortStableFunc(r.out, func(p, q *recorder.Exchange) int {
		return cmp.Or(end(p).Compare(end(q)), cmp.Compare(p.ID, q.ID))
	})
	return r.out
}

// modFile is a go.mod of a usual length.
func modFile(module string, i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo 1.24\n\nrequire (\n", module)
	for k := range 4 + i%14 {
		fmt.Fprintf(&b, "\tgithub.com/owner%d/module%d v1.%d.%d // indirect\n", (i+k*31)%997, i+k*31, (i+k*31)%40, (i+k*31)%7)
	}
	b.WriteString(")\n")
	return b.String()
}

func lookup(module, version string, i int) string {
	const hash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	return fmt.Sprintf("%d\n%[2]s %[3]s h1:%[4]s\n%[2]s %[3]s/go.mod h1:%[4]s\n\ngo.sum database tree\n%[5]d\n%[4]s\n\n— sum.golang.org Az3grr%[4]s\n",
		i, module, version, hash, 30_000_000+i)
}
