package diagnose

import (
	"fmt"
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const runAgain = "for i in 1 2 3; do go mod download && break; sleep 15; done"

// redirects is a world whose zip lies at the storage host, which answers so; 0: it cannot
// be connected to.
func redirects(status int) *world {
	w := wellConnected()
	x := w.get(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), 302, 0, phases{wait: 10})
	x.Response.Header = []recorder.Header{{Name: "Location", Value: "https://storage.googleapis.com/proxy-golang-org-prod/0123456789abcdef-example.com:m-v1.0.0.zip"}}
	if status == 0 {
		w.cannot(2, 120, "storage.googleapis.com", "timeout", "dial tcp 192.0.2.7:443: i/o timeout", phases{connect: 30000})
		return w.ends(30200, 1)
	}
	for i := range 2 {
		p := phases{wait: 50}
		if i == 0 {
			p.connect, p.tls = 10, 20
		}
		y := w.get(2, 120+100*float64(i), "https://storage.googleapis.com/proxy-golang-org-prod/0123456789abcdef-example.com:m-v1.0.0.zip", status, 300, p)
		y.Go, y.Parent = gomod.Request{Kind: gomod.StorageZip, Module: "example.com/m", Version: "v1.0.0"}, 2
	}
	return w.ends(400, 1)
}

func TestStorage(t *testing.T) {
	title := "Zips of proxy.golang.org at storage.googleapis.com are blocked"
	proxyToo := redirects(403)
	proxyToo.Exchanges[0].Status = 403
	checkCases(t, []netCase{
		{"403", "storage-blocked", redirects(403), &found{"bad", title + " (403)", 131, []uint64{3, 4}, nil, []string{mirrorFirst}}},
		{"no connection", "storage-blocked", redirects(0), &found{"bad", title + " (i/o timeout)", 30000, []uint64{3}, nil, []string{mirrorFirst}}},
		{"it works", "storage-blocked", redirects(200), nil},
		{"nothing works", "storage-blocked", proxyToo, nil},
		{"another host fails", "storage-blocked", refusedDial(), nil},
		{"explains 403", "forbidden", redirects(403), nil},
		{"explains the timeout", "connection-failed", redirects(0), nil},
	})
}

// broken is a world whose zip ended with an error after so many bytes and milliseconds.
func broken(op, msg string, bytes int64, after float64) *world {
	w := wellConnected()
	x := w.get(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), 200, bytes, phases{wait: 10, receive: after})
	x.Response.Header = []recorder.Header{{Name: "Content-Length", Value: "7000000"}}
	x.Err = &recorder.Error{Op: op, Msg: msg}
	return w.ends(after+200, 1)
}

func TestStreamReset(t *testing.T) {
	h1 := broken("read", "unexpected EOF", 3.1e6, 900)
	h1.Exchanges[1].Proto = "HTTP/1.1"
	silent := wellConnected()
	silent.fails(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), "read", "EOF", phases{wait: 40})
	silent.ends(200, 1)
	stream := "stream error: stream ID 7; INTERNAL_ERROR; received from peer"
	title := "Zip example.com/m@v1.0.0 broke off after 3.1 MB of 7.0 MB"
	other := "GODEBUG=http2client=0 go mod download"
	checkCases(t, []netCase{
		{"HTTP/2", "stream-reset", broken("read", stream, 3.1e6, 900), &found{"bad", title, 910, []uint64{2}, nil, []string{runAgain, other, mirrorFirst}}},
		{"HTTP/1.1", "stream-reset", h1, &found{"bad", title, 910, []uint64{2}, nil, []string{runAgain, mirrorFirst}}},
		{"before an answer", "stream-reset", silent, &found{"bad", "Zip example.com/m@v1.0.0 broke off before an answer, after 40 ms", 40, []uint64{2}, nil, []string{runAgain, other, mirrorFirst}}},
		{"the client left", "stream-reset", broken("canceled", "the client went away", 3.1e6, 900), nil},
		{"after a long silence", "stream-reset", fallsSilent(12000, true), nil},
	})
}

// fallsSilent is a world whose zip stops for so long after its first bytes, and then fails, or
// goes on until the command is killed.
func fallsSilent(for_ float64, fails bool) *world {
	w := wellConnected()
	x := w.get(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), 200, 5000, phases{wait: 10, receive: 20})
	x.Server.End = x.Server.LastByte + ms(for_)
	x.Client.End = x.Server.End
	w.ends(140+for_, 1)
	if fails {
		x.Err = &recorder.Error{Op: "read", Msg: "read: connection timed out"}
		return w
	}
	x.Done, x.Server.End, x.Client.End = false, 0, 0
	w.Process.End = ms(130 + for_)
	return w
}

// pauses is a world in which four zips of 1 MB come, the last one in so long a time.
func pauses(first, last float64) *world {
	w := wellConnected()
	at := 100.0
	for i := range 4 {
		d := first
		if i == 3 {
			d = last
		}
		w.get(1, at, proxyURL(fmt.Sprintf("example.com/m%d@v1.0.0", i), "zip"), 200, 1e6, phases{wait: 10, receive: d})
		at += d + 20
	}
	return w.ends(at, 0)
}

func TestStalled(t *testing.T) {
	commands := []string{"ping -4 -c 3 -M do -s 1472 proxy.golang.org", runAgain, mirrorFirst}
	answered := wellConnected()
	answered.get(1, 100, proxyURL("example.com/m@v1.0.0", "mod"), 200, 300, phases{wait: 12000})
	small := wellConnected()
	small.get(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), 200, 9000, phases{wait: 10, receive: 12000})
	slow := wellConnected()
	slow.get(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), 200, 3e6, phases{wait: 10, receive: 60000})
	unread := pauses(100, 15000)
	unread.Exchanges[4].ClientBlocked = ms(14800)
	checkCases(t, []netCase{
		{"still going on", "stalled", fallsSilent(12000, false), &found{"bad", "proxy.golang.org sent nothing for 12.0 s (zip example.com/m@v1.0.0)", 12000, []uint64{2}, nil, commands}},
		{"failed after it", "stalled", fallsSilent(12000, true), &found{"bad", "proxy.golang.org sent nothing for 12.0 s (zip example.com/m@v1.0.0)", 12000, []uint64{2}, nil, commands}},
		{"came in the end", "stalled", pauses(100, 15000), &found{"bad", "proxy.golang.org sent nothing for 14.2 s (zip example.com/m3@v1.0.0)", 14200, []uint64{5}, nil, commands}},
		{"small, in the end", "stalled", small.ends(12200, 0), &found{"bad", "proxy.golang.org sent nothing for 11.6 s (zip example.com/m@v1.0.0)", 11550, []uint64{2}, nil, commands}},
		{"just below", "stalled", fallsSilent(9900, false), nil},
		{"as slow as the others", "stalled", pauses(12000, 15000), nil},
		{"slow from end to end", "stalled", slow.ends(60200, 0), nil},
		{"waiting for an answer that came", "stalled", answered.ends(12200, 0), nil},
		{"the client did not read", "stalled", unread, nil},
	})
}

func TestSlowServer(t *testing.T) {
	slow := func(wait float64) *world {
		w := wellConnected()
		end := w.mods(1, 100, 5, 20)
		w.get(1, end, proxyURL("example.com/m3@v1.0.0", "zip"), 200, 9000, phases{wait: wait, receive: 1})
		return w.ends(end+wait+20, 0)
	}
	far := newWorld()
	far.opens(1, 20, proxyHost, phases{connect: 300, tls: 320, wait: 300})
	far.get(1, 1200, proxyURL("example.com/m3@v1.0.0", "zip"), 200, 9000, phases{wait: 1400})
	lost := slow(1200)
	lost.Exchanges[6].TCP = &recorder.TCP{Retrans: 2}
	injected := slow(4000)
	injected.Exchanges[6].Injected = ms(3500)
	missing := slow(4000)
	missing.Exchanges[6].Status = 404
	many := wellConnected()
	for i := range 4 {
		many.get(1, 100+2100*float64(i), proxyURL(fmt.Sprintf("example.com/m%d@v1.0.0", i), "info"), 200, 60, phases{wait: 2000})
	}
	checkCases(t, []netCase{
		{"one", "slow-server", slow(4000), &found{"bad", "proxy.golang.org took 4.0 s to begin an answer (zip example.com/m3@v1.0.0)", 3980, []uint64{7}, nil, []string{mirrorFirst}}},
		{"several", "slow-server", many.ends(9000, 0), &found{"bad", "proxy.golang.org took 2.0 s to begin an answer, 4 times of 5", 7960, ids(2, 5, 1), nil, []string{mirrorFirst}}},
		{"just below", "slow-server", slow(999), nil},
		{"a long way", "slow-server", far.ends(2700, 0), nil},
		{"packets were lost", "slow-server", lost, nil},
		{"a rule's delay", "slow-server", injected, nil},
		{"404 is another matter", "slow-server", missing, nil},
	})
}

// zips is a world of n zips that come one after another at a rate in KB/s.
func zips(n int, bytes int64, rate float64, together bool) *world {
	w := wellConnected()
	at, took := 100.0, float64(bytes)/rate
	for i := range n {
		w.get(1, at, proxyURL(fmt.Sprintf("example.com/m%d@v1.0.0", i), "zip"), 200, bytes, phases{wait: 10, receive: took})
		if !together {
			at += took + 20
		}
	}
	return w.ends(at+took+100, 0)
}

func TestBandwidth(t *testing.T) {
	unread := zips(3, 600e3, 60, false)
	for i := range unread.Exchanges {
		unread.Exchanges[i].ClientBlocked = ms(9000)
	}
	throttled := zips(3, 600e3, 60, false)
	for i := range throttled.Exchanges {
		throttled.Exchanges[i].Injected = ms(5)
	}
	azure := wellConnected()
	azure.get(1, 100, proxyURL("example.com/small@v1.0.0", "zip"), 200, 200e3, phases{wait: 10, receive: 30})
	azure.get(1, 200, proxyURL("github.com/!azure/azure-sdk-for-go@v68.0.0+incompatible", "zip"), 200, 92e6, phases{wait: 100, receive: 15000})
	checkCases(t, []netCase{
		{"one by one", "low-bandwidth", zips(3, 600e3, 60, false), &found{"bad", "Zips come at 60.0 kB/s each: 1.8 MB took 30.0 s; below 102 kB/s is slow", 28560, ids(2, 4, 1), nil, []string{mirrorFirst, "go env GOMODCACHE"}}},
		{"just below", "low-bandwidth", zips(3, 600e3, 110, false), nil},
		{"many at once fill the line", "low-bandwidth", zips(12, 600e3, 80, true), nil},
		{"the client did not read", "low-bandwidth", unread, nil},
		{"a rule's throttle", "low-bandwidth", throttled, nil},

		{"92 MB", "huge-zip", azure.ends(15400, 0), &found{"bad", "A zip of 92.0 MB took 15.0 s: github.com/Azure/azure-sdk-for-go", 14700, []uint64{3}, nil, []string{"go mod why -m github.com/Azure/azure-sdk-for-go"}}},
		{"just below", "huge-zip", zips(1, 20<<20, 6000, false), nil},
		{"the wait was longer", "huge-zip", func() *world {
			w := wellConnected()
			w.get(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), 200, 30e6, phases{wait: 900, receive: 300})
			return w.ends(1400, 0)
		}(), nil},
	})
}
