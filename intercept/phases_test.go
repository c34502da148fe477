package intercept_test

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder"
)

const injected = 150 * time.Millisecond

// Each delay of the origin must show in its own phase and in no other.
var phaseTests = []struct {
	name  string
	knob  origintest.Knob
	shake origintest.Handshake
	dns   time.Duration
	phase func(recorder.Timings) recorder.Span
}{
	{name: "dns", dns: injected, phase: func(t recorder.Timings) recorder.Span { return t.DNS }},
	{name: "ssl", shake: origintest.Handshake{Delay: injected}, phase: func(t recorder.Timings) recorder.Span { return t.SSL }},
	{name: "wait", knob: origintest.Knob{FirstByte: injected}, phase: func(t recorder.Timings) recorder.Span { return t.Wait }},
	{name: "receive", knob: origintest.Knob{BodyDelay: injected}, phase: func(t recorder.Timings) recorder.Span { return t.Receive }},
}

// phases are what must add up: connect without the TLS inside it.
var phases = map[string]func(recorder.Timings) recorder.Span{
	"blocked": func(t recorder.Timings) recorder.Span { return t.Blocked },
	"dns":     func(t recorder.Timings) recorder.Span { return t.DNS },
	"connect": func(t recorder.Timings) recorder.Span { return t.Connect - t.SSL },
	"ssl":     func(t recorder.Timings) recorder.Span { return t.SSL },
	"send":    func(t recorder.Timings) recorder.Span { return t.Send },
	"wait":    func(t recorder.Timings) recorder.Span { return t.Wait },
	"receive": func(t recorder.Timings) recorder.Span { return t.Receive },
}

// TestPhases measures each phase with a delay of 150 ms in it: the median must be the
// delay ± 2 %, that is 3 ms, more than without the delay, and no other phase may move by
// as much. A busy machine gets six attempts; a wrong phase fails them all.
func TestPhases(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector slows everything down")
	}
	runs := 5
	if os.Getenv("CI") != "" {
		runs = 20
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, test := range phaseTests {
			t.Run(proto+" "+test.name, func(t *testing.T) {
				var wrong []string
				for range 6 {
					base := measure(t, proto, runs, origintest.Knob{}, origintest.Handshake{}, 0)
					got := measure(t, proto, runs, test.knob, test.shake, test.dns)
					wrong = misplaced(test.name, base, got)
					if len(wrong) == 0 {
						t.Logf("%s: %v with %v injected, %v without", test.name, median(got, test.phase), injected, median(base, test.phase))
						return
					}
				}
				t.Error(strings.Join(wrong, "\n"))
			})
		}
	}
}

// misplaced says which phases of got differ from base by more or less than they should
// when the delay is in phase delayed.
func misplaced(delayed string, base, got []*recorder.Exchange) (wrong []string) {
	for name, of := range phases {
		was, is := median(base, of), median(got, of)
		want := was
		if name == delayed {
			want += injected
		}
		if diff := (is - want).Abs(); diff > injected/50 {
			wrong = append(wrong, fmt.Sprintf("%s is %v, want %v (without the delay it is %v)", name, is, want, was))
		}
	}
	for _, x := range got {
		if total := x.Server.Timings().Total(); total != x.Server.End {
			wrong = append(wrong, fmt.Sprintf("the phases sum to %v, the exchange took %v", total, x.Server.End))
		}
	}
	return wrong
}

// measure makes n requests, each on a connection of its own.
func measure(t *testing.T, proto string, n int, k origintest.Knob, h origintest.Handshake, dns time.Duration) []*recorder.Exchange {
	o := origintest.Start(t, origintest.Config{Protos: []string{proto}, Knobs: []origintest.Knob{k}, Handshakes: []origintest.Handshake{h}})
	r := newRig(t, o, nil)
	r.dns.SetHosts(map[string]origintest.DNSHost{"*.golang.test": {A: origintest.DNSReply{
		Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Delay: dns,
	}}})
	for range n {
		c := r.tapped(proto)
		resp, err := c.Get(o.URL() + "/bytes/20000")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		c.CloseIdleConnections()
	}
	return r.exchanges(n)
}

func median(xs []*recorder.Exchange, of func(recorder.Timings) recorder.Span) time.Duration {
	var all []recorder.Span
	for _, x := range xs {
		all = append(all, of(x.Server.Timings()))
	}
	slices.Sort(all)
	return all[len(all)/2].Duration()
}

// TestSlowClient reads slowly: the time must be the client's, and the server's part small.
func TestSlowClient(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector slows everything down")
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		o := origintest.Start(t, origintest.Config{Protos: []string{proto}})
		r := newRig(t, o, nil)
		resp, err := r.tapped(proto).Get(o.URL() + "/bytes/60000000")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the client is busy with something else
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		x := r.exchanges(1)[0]
		if x.ClientBlocked < recorder.Span(700*time.Millisecond) || x.ServerBlocked > x.ClientBlocked {
			t.Errorf("%s: the client slept 1 s; recorded %v blocked by the client, %v by the server", proto, x.ClientBlocked, x.ServerBlocked)
		}
	}
}
