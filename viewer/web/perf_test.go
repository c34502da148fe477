package web_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/viewer/stream"
)

// Sizes of the sessions that the page must stay fluid with.
const (
	manyExchanges = 100_000
	liveRate      = 2000 // new exchanges a second
	liveFor       = 12 * time.Second
)

// manyKinds are what the made-up exchanges ask for, in turn.
var manyKinds = []struct {
	kind gomod.Kind
	file string
	size int64
}{
	{gomod.List, "list", 90}, {gomod.Info, "v1.%d.0.info", 160}, {gomod.Mod, "v1.%d.0.mod", 1900},
	{gomod.SumdbLookup, "v1.%d.0", 420}, {gomod.Zip, "v1.%d.0.zip", 480_000},
}

// manyOf is exchange id of a large session that began at start: as many modules, hosts and
// connections as a large build has, and each fortieth a 404. It is the same every time.
func manyOf(id uint64, start time.Time, at time.Duration) *recorder.Exchange {
	k := manyKinds[id%uint64(len(manyKinds))]
	module := fmt.Sprintf("github.com/org-%d/module-%d", id/5%97, id/5%4999)
	file := k.file
	version := ""
	if k.kind != gomod.List {
		version = fmt.Sprintf("v1.%d.0", id%60)
		file = fmt.Sprintf(k.file, id%60)
	}
	host := []string{"proxy.golang.org", "goproxy.corp.example", "athens.test"}[id%3]
	x := &recorder.Exchange{
		ID: id, Conn: id%64 + 1, Tunnel: id%64 + 1, Start: start.Add(at), Method: "GET", URL: "https://" + host + "/" + module + "/@v/" + file,
		Proto: "HTTP/2.0", Remote: "142.250.74.113:443", Status: 200,
		Go: gomod.Request{Kind: k.kind, Module: module, Version: version},
		Server: recorder.Marks{
			WroteHeaders: recorder.Span(ms / 2), WroteRequest: recorder.Span(ms), FirstByte: recorder.Span(time.Duration(20+id%180) * ms),
			LastByte: recorder.Span(time.Duration(25+id%180) * ms), End: recorder.Span(time.Duration(25+id%180) * ms), Reused: true,
		},
		Response: recorder.Message{HeaderSize: 310, BodySize: k.size, Mime: "text/plain; charset=UTF-8"},
		Overhead: recorder.Span(ms / 5), Done: true,
	}
	x.Client = x.Server
	if id%40 == 0 {
		x.Status, x.Response.BodySize = 404, 60
	}
	return x
}

// A madeUp history has the exchanges of a large session without keeping them.
type madeUp struct{ start time.Time }

func (m madeUp) Exchange(id uint64) (*recorder.Exchange, error) {
	if id == 0 || id > manyExchanges {
		return nil, fs.ErrNotExist
	}
	return manyOf(id, m.start, time.Duration(id)*ms), nil
}

func (m madeUp) Exchanges(from uint64, n int) ([]*recorder.Exchange, error) {
	var list []*recorder.Exchange
	for id := max(from, 1); id <= manyExchanges && len(list) < n; id++ {
		list = append(list, manyOf(id, m.start, time.Duration(id)*ms))
	}
	return list, nil
}

func (m madeUp) Bounds() (first, last uint64, n int) { return 1, manyExchanges, manyExchanges }

var _ stream.History = madeUp{}

// many serves a session of 100,000 exchanges, of which the Log holds the last ones, at
// addr. Of a live one, 2,000 more come each second from when the page is asked for again.
func many(ctx context.Context, t *testing.T, addr string, live bool) string {
	t.Helper()
	log := recorder.NewLog()
	start := time.Now().Add(-manyExchanges * ms)
	log.Append(recorder.Event{Session: &recorder.Session{ID: "many", Tool: "v0.1.0", Mode: "serve", Start: start, GOPROXY: "https://proxy.golang.org,direct"}})
	for id := uint64(1); id <= manyExchanges; id++ {
		log.Append(recorder.Event{Exchange: manyOf(id, start, time.Duration(id)*ms)})
	}
	if !live {
		log.Append(recorder.Event{End: &recorder.End{At: recorder.Span(time.Since(start))}})
	}
	visited := make(chan struct{}, 1)
	source := stream.Source{Log: log, History: madeUp{start}, HAR: func() string { return demoHAR }}
	url := viewerFor(t, source, addr, func() {
		select {
		case visited <- struct{}{}:
		default:
		}
	})
	if !live {
		return url
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 {
			select {
			case <-visited:
			case <-ctx.Done():
				return
			}
		}
		flow(ctx, log, start)
	}()
	t.Cleanup(func() { stop(); <-done })
	return url
}

// flow appends new exchanges at liveRate, each twice: when it was sent and when it is done.
func flow(ctx context.Context, log *recorder.Log, start time.Time) {
	const step = 20 * ms
	id := uint64(manyExchanges)
	tick := time.NewTicker(step)
	defer tick.Stop()
	var open []*recorder.Exchange
	for begin := time.Now(); time.Since(begin) < liveFor; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, x := range open {
			log.Append(recorder.Event{Exchange: x})
		}
		open = open[:0]
		for want := manyExchanges + uint64(time.Since(begin).Seconds()*liveRate); id < want; { // a late tick makes up for it
			id++
			x := manyOf(id, start, time.Since(start))
			sent := *x
			sent.Server, sent.Client = recorder.Marks{WroteHeaders: x.Server.WroteHeaders}, recorder.Marks{}
			sent.Status, sent.Response, sent.Done = 0, recorder.Message{}, false
			log.Append(recorder.Event{Exchange: &sent})
			open = append(open, x)
		}
	}
	for _, x := range open {
		log.Append(recorder.Event{Exchange: x})
	}
}

// TestMany serves the large session for a person to look at:
//
//	MODTAP_MANY=127.0.0.1:8081 go test -count=1 -timeout=0 -run TestMany ./viewer/web
//
// MODTAP_MANY_LIVE=1 has it grow.
func TestMany(t *testing.T) {
	addr := os.Getenv("MODTAP_MANY")
	if addr == "" {
		t.Skip("MODTAP_MANY is not set: it is for looking at")
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	t.Logf("open %s", many(ctx, t, addr, os.Getenv("MODTAP_MANY_LIVE") != ""))
	<-ctx.Done()
}

// TestManyIsWhole keeps the large session honest: ids, starts and pages fit together.
func TestManyIsWhole(t *testing.T) {
	h := madeUp{time.Now()}
	list, err := h.Exchanges(manyExchanges-3, 10)
	if err != nil || len(list) != 4 || list[3].ID != manyExchanges {
		t.Fatalf("the last page has %d exchanges: %v", len(list), err)
	}
	if _, err := h.Exchange(manyExchanges + 1); err == nil {
		t.Error("an exchange that is not there was found")
	}
	if a, b := list[0], list[1]; !b.Start.After(a.Start) {
		t.Error("ids are not in the order of starting")
	}
}
