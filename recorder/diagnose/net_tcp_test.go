package diagnose

import (
	"testing"

	"modtap/recorder"
)

// measured is a world of n small requests whose connection the kernel was asked about.
func measured(n int, wait float64, tcp func(i int) *recorder.TCP, conn *recorder.TCP) *world {
	w := wellConnected()
	at := 100.0
	for i := range n {
		t := tcp(i)
		d := wait
		if t != nil && (t.Retrans > 0 || t.Reordered > 0 || t.MaxRTT > ms(200)) {
			d += 300
		}
		end := w.mods(1, at, 1, d)
		w.Exchanges[len(w.Exchanges)-1].TCP = t
		at = end
	}
	w.conn(1).TCP = conn
	return w.ends(at, 0)
}

// every third request has tcp, the others are as they should be.
func third(tcp recorder.TCP) func(int) *recorder.TCP {
	return func(i int) *recorder.TCP {
		if i%3 == 2 {
			t := tcp
			return &t
		}
		return &recorder.TCP{Samples: 2, RTT: ms(42), RTTVar: ms(2), MinRTT: ms(40), MaxRTT: ms(45), SegsOut: 2}
	}
}

func TestJitter(t *testing.T) {
	jitter := recorder.TCP{Samples: 2, RTT: ms(300), RTTVar: ms(80), MinRTT: ms(40), MaxRTT: ms(350), SegsOut: 2}
	some := jitter
	some.MaxRTT, some.RTT = ms(239), ms(100)
	unknown := recorder.TCP{Samples: 1, RTT: -1, RTTVar: -1, MinRTT: -1, MaxRTT: -1, Retrans: -1, SynRetrans: -1, SegsOut: -1, Reordered: -1}
	full := measured(9, 40, third(jitter), nil)
	full.get(1, 90, proxyURL("example.com/big@v1.0.0", "zip"), 200, 9e6, phases{wait: 1, receive: 5000})
	deviates := jitter
	deviates.MaxRTT, deviates.RTTVar, deviates.RTT = ms(210), ms(260), ms(260)
	one := measured(9, 40, third(jitter), nil) // the kernel's numbers of the others are smooth
	for i := range one.Exchanges {
		if x := &one.Exchanges[i]; i > 3 && x.TCP != nil && x.TCP.MaxRTT > ms(200) {
			x.TCP.MaxRTT = ms(45)
		}
	}
	fresh := wellConnected() // the deviation of a connection that has just been opened on a long way
	fresh.Exchanges[0].TCP = &recorder.TCP{Samples: 1, RTT: ms(600), RTTVar: ms(300), MinRTT: ms(600), MaxRTT: ms(600)}
	mtr := []string{"mtr -T -P 443 -rwc 100 proxy.golang.org"}
	checkCases(t, []netCase{
		{"varies", "rtt-jitter", measured(9, 40, third(jitter), nil), &found{"warn", "Round trips to proxy.golang.org vary by 310 ms; 200 ms is much", 900, []uint64{4, 7, 10, 1}, nil, mtr}},
		{"by its deviation", "rtt-jitter", measured(9, 40, third(deviates), nil), &found{"warn", "Round trips to proxy.golang.org vary by 260 ms; 200 ms is much", 900, []uint64{4, 7, 10, 1}, nil, mtr}},
		{"the way varies for all, whatever the numbers of each", "rtt-jitter", one, &found{"warn", "Round trips to proxy.golang.org vary by 310 ms; 200 ms is much", 900, []uint64{4, 1}, nil, mtr}},
		{"just below", "rtt-jitter", measured(9, 40, third(some), nil), nil},
		{"a full line", "rtt-jitter", full.ends(6000, 0), nil},
		{"a new connection, far away", "rtt-jitter", fresh.ends(2000, 0), nil},
		{"not known", "rtt-jitter", measured(9, 40, third(unknown), nil), nil},
	})
}

func TestPacketLoss(t *testing.T) {
	lost := recorder.TCP{Samples: 2, RTT: ms(42), RTTVar: ms(5), MinRTT: ms(40), MaxRTT: ms(45), SegsOut: 3, Retrans: 1}
	holes := lost
	holes.Retrans, holes.Reordered = 0, 3
	commands := []string{"mtr -T -P 443 -rwc 100 proxy.golang.org", mirrorFirst}
	title := "Packet loss suspected on the way to proxy.golang.org: signs in 3 requests"
	bulk := zips(3, 9e6, 1200, false)
	for i := range bulk.Exchanges {
		bulk.Exchanges[i].TCP = &recorder.TCP{Samples: 3, RTT: ms(42), MinRTT: ms(40), MaxRTT: ms(45), Reordered: 900}
	}
	bulk.Exchanges[0].TCP = nil
	syns := &recorder.TCP{SegsOut: 60, Retrans: 4, SynRetrans: 4}
	checkCases(t, []netCase{
		{"sent again", "packet-loss", measured(9, 40, third(lost), &recorder.TCP{SegsOut: 60, Retrans: 3}), &found{"warn", title, 900, []uint64{4, 7, 10}, nil, commands}},
		{"out of order", "packet-loss", measured(9, 40, third(holes), &recorder.TCP{SegsOut: 60, Reordered: 9}), &found{"warn", title, 900, []uint64{4, 7, 10}, nil, commands}},
		{"while large bodies came", "packet-loss", bulk, &found{"info", title, 0, []uint64{2, 3, 4}, nil, commands}},
		{"on this machine", "packet-loss", measured(9, 40, third(lost), &recorder.TCP{SegsOut: 60, Retrans: 3, MinRTT: ms(1.9)}), nil},
		{"beside this machine", "packet-loss", measured(9, 40, third(lost), &recorder.TCP{SegsOut: 60, Retrans: 3, MinRTT: ms(2)}), &found{"warn", title, 900, []uint64{4, 7, 10}, nil, commands}},
		{"one of many", "packet-loss", measured(3, 40, third(lost), &recorder.TCP{SegsOut: 60, Retrans: 1}), nil},
		{"3 % exactly", "packet-loss", measured(3, 40, third(lost), &recorder.TCP{SegsOut: 100, Retrans: 3}), nil},
		{"SYNs are another matter", "packet-loss", measured(3, 40, third(lost), syns), nil},
		{"not known", "packet-loss", measured(9, 40, third(recorder.TCP{Retrans: -1, Reordered: -1}), &recorder.TCP{SegsOut: -1, Retrans: -1, SynRetrans: -1, Reordered: -1}), nil},
		{"not measured", "packet-loss", wellConnected().ends(100, 0), nil},
	})
	for _, f := range measured(9, 40, third(holes), &recorder.TCP{SegsOut: 60, Reordered: 9}).asked() {
		for _, n := range f.Numbers {
			if n.Name == "their share of what it sent" && n.Value != 0 {
				t.Errorf("segments out of order became a rate: %v", n)
			}
		}
	}
}

func TestLatency(t *testing.T) {
	far := func(n int, wait, connect float64) *world {
		w := newWorld()
		w.opens(1, 20, proxyHost, phases{connect: connect, tls: connect, wait: wait})
		end := w.mods(1, 1000, n, wait)
		return w.ends(end, 0)
	}
	busy := far(40, 200, 200) // 12 MB/s for 8 s of 10
	busy.get(1, 10000, proxyURL("example.com/big@v1.0.0", "zip"), 200, 90e6, phases{wait: 200, receive: 8000})
	busy.ends(18300, 0)
	kinds := far(40, 200, 200)
	for i := range 10 { // one kind is quick: the way is short
		kinds.get(1, 12000+20*float64(i), "https://proxy.golang.org/example.com/m/@v/list", 200, 60, phases{wait: 10})
	}
	many := far(40, 200, 200)
	many.Session.Environ.MaxProcs = 16
	all := ids(1, 41, 1)
	sixteen := "GOMAXPROCS=16 go mod download"
	checkCases(t, []netCase{
		{"another continent", "latency-bound", far(40, 200, 200), &found{"bad", "41 small requests to proxy.golang.org wait 200 ms each", 6970, all, nil, []string{sixteen, "go list -deps ./...", mirrorFirst}}},
		{"parallel enough", "latency-bound", many, &found{"bad", "41 small requests to proxy.golang.org wait 200 ms each", 6970, all, nil, []string{"go list -deps ./...", mirrorFirst}}},
		{"80 ms", "latency-bound", far(40, 80, 80), &found{"info", "41 small requests to proxy.golang.org wait 80 ms each", 2050, all, nil, []string{sixteen, "go list -deps ./...", mirrorFirst}}},
		{"near", "latency-bound", far(40, 30, 30), nil},
		{"few", "latency-bound", far(18, 200, 200), nil},
		{"the line is full", "latency-bound", busy, nil},
		{"one kind is quick", "latency-bound", kinds.ends(12500, 0), nil},
	})
	if f := far(40, 200, 5).network("latency-bound"); f == nil || f.Caveat == "" {
		t.Errorf("a server that is slow each time: no caveat in %+v", f)
	}
}
