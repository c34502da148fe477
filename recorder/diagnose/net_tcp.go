package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"modtap/recorder"
)

// small reports whether x is a small answer whose wait is the way's and the server's, and
// not that of a line which other bodies filled.
func (a *Analysis) small(x *recorder.Exchange, bulk []interval) bool {
	if x.Response.BodySize > smallAnswer || x.Server.FirstByte <= 0 {
		return false
	}
	at := a.at(x.Start)
	return !touches(bulk, at+x.Server.WroteRequest, at+x.Server.FirstByte)
}

// normalWaits is the median wait of the small answers of each host and kind.
func (a *Analysis) normalWaits() func(*recorder.Exchange) recorder.Span {
	type key struct{ host, kind string }
	all := map[key][]recorder.Span{}
	for x := range a.exchanges {
		if d := waited(x); d >= 0 && x.Response.BodySize <= smallAnswer && x.Status < 400 {
			k := key{netHost(x.URL), string(x.Go.Kind)}
			all[k] = append(all[k], d)
		}
	}
	median := map[key]recorder.Span{}
	for k, d := range all {
		median[k] = netMedian(d)
	}
	return func(x *recorder.Exchange) recorder.Span { return median[key{netHost(x.URL), string(x.Go.Kind)}] }
}

// varied is how much the round trip of t varied: its largest less its least, or its mean
// deviation, once there were enough to know it; -1: not known.
func varied(t *recorder.TCP, exchanges int) recorder.Span {
	d := recorder.Span(-1)
	if t.MinRTT > 0 && t.MaxRTT > 0 {
		d = t.MaxRTT - t.MinRTT
	}
	// A connection starts with half of its first round trip for the deviation.
	if exchanges >= 5 && t.RTTVar > t.RTT/4 {
		d = max(d, t.RTTVar)
	}
	return d
}

// quickest is how long the quickest small answer of each host took: its server's thinking
// is in it, with the least round trip.
func (a *Analysis) quickest(bulk []interval, took func(*recorder.Exchange) recorder.Span) map[string]recorder.Span {
	out := map[string]recorder.Span{}
	for x := range a.exchanges {
		if !a.small(x, bulk) {
			continue
		}
		host := netHost(x.URL)
		if d := took(x); out[host] == 0 || d < out[host] {
			out[host] = d
		}
	}
	return out
}

// checkJitter: round trips of one host vary, while no body fills the line. What they take
// above the quickest of them is the cost, of all small answers of such a host and of opening
// its connections; the evidence is those whose own numbers vary.
func checkJitter(a *Analysis) *recorder.Finding {
	bulk := a.bulk()
	var seen []occurrence
	least, most := map[string]recorder.Span{}, map[string]recorder.Span{}
	for x := range a.exchanges {
		if x.TCP == nil || !a.small(x, bulk) {
			continue
		}
		exchanges := 0
		if c := a.Conn(x.Conn); c != nil {
			exchanges = c.Exchanges
		}
		d := varied(x.TCP, exchanges)
		if d < rttJitter {
			continue
		}
		host := netHost(x.URL)
		if l := least[host]; l == 0 || x.TCP.MinRTT < l {
			least[host] = x.TCP.MinRTT
		}
		most[host] = max(most[host], x.TCP.MaxRTT)
		seen = append(seen, occurrence{host: host, x: x, conn: a.Conn(x.Conn), took: d})
	}
	if len(seen) == 0 {
		return nil
	}
	took := func(x *recorder.Exchange) recorder.Span { return waited(x) + max(bodyTook(x), 0) }
	quickest := a.quickest(bulk, took)
	for i := range seen {
		o := &seen[i]
		o.excess = max(took(o.x)-max(quickest[o.host], least[o.host]), 0)
	}
	host, its := worst(seen)
	d := slices.Max(tooks(its))
	var all []occurrence // a way that varies does so for all, whatever the kernel's smoothed numbers of each say
	for x := range a.exchanges {
		if host := netHost(x.URL); least[host] > 0 && a.small(x, bulk) {
			all = append(all, occurrence{host: host, x: x, conn: a.Conn(x.Conn), excess: max(took(x)-max(quickest[host], least[host]), 0)})
		}
	}
	for _, o := range a.openings() { // SYN, and one flight of TLS 1.3
		if l := least[o.host]; l > 0 && o.x != nil && o.conn != nil && o.via() == "" && o.ok() {
			opened := o.occurrence(max(o.connect(), 0)+max(o.tls(), 0), 2*l)
			seen, all = append(seen, opened), append(all, opened)
		}
	}
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("Round trips to %s vary by %s; %s is much", host, secs(d), secs(rttJitter)),
		Numbers: []recorder.Number{msNumber("variation of the round trip", d, rttJitter), msNumber("least round trip", least[host], 0), countNumber("requests that saw it", len(its), 0)},
		Remedy:  "Something on the way queues or loses packets: a full line, Wi-Fi, a VPN. Try a wired network, and without the VPN; find where with the command.",
		Caveat:  "The numbers are the kernel's, smoothed, of modtap's own connections: a single late packet shows as less than it was.",
	}, all)
	f.Evidence, f.Conns = nil, nil
	evidenceIDs(f, seen)
	if most[host] > 0 {
		f.Numbers = append(f.Numbers, msNumber("largest round trip", most[host], 0))
	}
	f.Commands = []string{a.pathCommand(host)}
	return f
}

// A lossSign is what the kernel saw on the connections to one host.
type lossSign struct {
	conns, reordered int   // connections, and those with segments behind a hole
	resent, sent     int64 // segments that we sent, SYNs aside

	least recorder.Span // round trip; 0: not known
}

func (l lossSign) share() float64 { return float64(l.resent) / float64(max(l.sent, 1)) }

func (l lossSign) ours() bool { return l.resent >= resentMin && l.share() > resentShare }

// lossSigns are what the kernel said, by host. Of the parent proxy's connections it is the
// way to the proxy.
func (a *Analysis) lossSigns() map[string]lossSign {
	out := map[string]lossSign{}
	for i := range a.In.Conns {
		c := &a.In.Conns[i]
		t := c.TCP
		if t == nil {
			continue
		}
		host := bareTarget(c.Target)
		if c.Via != "" {
			host = netHost(c.Via)
		}
		l := out[host]
		l.conns++
		if t.MinRTT > 0 && (l.least == 0 || t.MinRTT < l.least) {
			l.least = t.MinRTT
		}
		if t.Reordered > 0 {
			l.reordered++
		}
		if t.Retrans >= 0 && t.SegsOut > 0 {
			l.resent += t.Retrans - max(t.SynRetrans, 0)
			l.sent += t.SegsOut
		}
		out[host] = l
	}
	return out
}

// checkPacketLoss: the kernel saw signs of loss. It never knows the rate of a download.
func checkPacketLoss(a *Analysis) *recorder.Finding {
	signs := a.lossSigns()
	bulk := a.bulk()
	normal := a.normalWaits()
	var seen []occurrence
	quiet := map[string]int{} // requests with a sign while no body filled the line
	many := map[string]int{}
	for x := range a.exchanges {
		if x.TCP == nil || x.TCP.Reordered <= 0 && x.TCP.Retrans <= 0 {
			continue
		}
		host := netHost(x.URL)
		c := a.Conn(x.Conn)
		if c != nil && c.Via != "" {
			host = netHost(c.Via)
		}
		many[host]++
		o := occurrence{host: host, x: x, conn: c, took: waited(x)}
		if a.small(x, bulk) {
			quiet[host]++
			o.excess = max(waited(x)-normal(x), 0)
		}
		seen = append(seen, o)
	}
	seen = slices.DeleteFunc(seen, func(o occurrence) bool {
		l := signs[o.host]
		if l.least > 0 && l.least < lossNear {
			return true
		}
		return !l.ours() && l.reordered < 2 && many[o.host] < 3
	})
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	l := signs[host]
	f := a.evidenceOf(&recorder.Finding{
		Title: fmt.Sprintf("Packet loss suspected on the way to %s: signs in %d requests", host, len(its)),
		Numbers: []recorder.Number{
			countNumber("requests with a sign of loss", len(its), 0), countNumber("connections with segments out of order", l.reordered, 0), countNumber("connections measured", l.conns, 0),
		},
		Remedy: "Try a wired network, and without the VPN; find where with the command, and show it to whoever runs the network. Another mirror may be reached another way.",
		Caveat: "Segments that arrive out of order are a sign of loss, not a rate: the kernel of a downloader does not know how much of a download was lost.",
	}, seen)
	if l.sent > 0 {
		f.Numbers = append(f.Numbers,
			recorder.Number{Name: "segments that modtap sent again", Value: float64(l.resent)},
			shareNumber("their share of what it sent", l.share(), resentShare))
	}
	if quiet[host] == 0 && !l.ours() {
		f.Severity = recorder.Info
		f.Caveat += " All of it was while large bodies came, when a full line drops packets as a matter of course."
	}
	f.Commands = append([]string{a.pathCommand(host)}, a.around(host)...)
	return f
}

// A latency is how long small answers wait at one host.
type latency struct {
	wait  recorder.Span // the median of all
	least recorder.Span // the least median of the kinds that there are enough of
	xs    []*recorder.Exchange
}

// latencies are those of hosts that were asked often.
func (a *Analysis) latencies() map[string]latency {
	bulk := a.bulk()
	xs := map[string][]*recorder.Exchange{}
	for x := range a.exchanges {
		if x.Status > 0 && x.Status < 400 && !isDirect(x.Go.Kind) && waited(x) >= 0 && a.small(x, bulk) {
			host := netHost(x.URL)
			xs[host] = append(xs[host], x)
		}
	}
	out := map[string]latency{}
	for host, all := range xs {
		if len(all) < latencyMin {
			continue
		}
		var every []recorder.Span
		kinds := map[string][]recorder.Span{}
		for _, x := range all {
			every = append(every, waited(x))
			kinds[string(x.Go.Kind)] = append(kinds[string(x.Go.Kind)], waited(x))
		}
		l := latency{wait: netMedian(every), xs: all}
		l.least = l.wait
		for _, d := range kinds {
			if len(d) >= 5 {
				l.least = min(l.least, netMedian(d))
			}
		}
		out[host] = l
	}
	return out
}

// lineUse is the share of the line that was used over the whole run: of the best rate of a
// body, else of an ordinary line.
func (a *Analysis) lineUse() float64 {
	var bytes int64
	best := 0.0
	for x := range a.exchanges {
		bytes += max(x.Response.BodySize, 0)
		if d := bodyTook(x); d > 0 && x.Response.BodySize >= bulkAnswer {
			best = max(best, float64(x.Response.BodySize)/d.Duration().Seconds())
		}
	}
	return float64(bytes) / max(a.Wall.Duration().Seconds(), 1e-3) / cmp.Or(best, lineNormal)
}

// checkLatency: many small requests, each of which waits for a long way.
func checkLatency(a *Analysis) *recorder.Finding {
	var seen []occurrence
	all := a.latencies()
	for x := range a.exchanges { // in their order
		host := netHost(x.URL)
		if l := all[host]; l.least >= latencyInfo && l.xs[0] == x {
			for _, y := range l.xs {
				seen = append(seen, occurrence{host: host, x: y, took: waited(y), excess: max(min(waited(y), l.wait)-latencyNear, 0)})
			}
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	l, use := all[host], a.lineUse()
	if use >= bandwidthUse {
		return nil
	}
	f := a.evidenceOf(&recorder.Finding{
		Title: fmt.Sprintf("%d small requests to %s wait %s each", len(its), host, secs(l.wait)),
		Numbers: []recorder.Number{
			msNumber("wait, median", l.wait, latencyHigh), countNumber("small requests", len(its), latencyMin),
			shareNumber("share of the line that was used", use, bandwidthUse),
		},
	}, seen)
	if l.least < latencyHigh {
		f.Severity = recorder.Info
	}
	rtt := rtts(a.openings())[host]
	f.Remedy = "The answers are small, so the way there and back is what takes the time: use a mirror that is nearer, keep GOMODCACHE between runs, commit go.sum, and let more requests wait at once."
	if rtt > 0 {
		f.Numbers = append(f.Numbers, msNumber("round trip", rtt, 0))
		if l.wait > 4*rtt {
			f.Caveat = fmt.Sprintf("A round trip takes %s: most of the wait is the server's, not the way's.", secs(rtt))
		}
	}
	if p := a.Env.MaxProcs; p > 0 && p < 16 {
		f.Commands = append(f.Commands, a.with("GOMAXPROCS", "16", a.command()))
	}
	if a.command() == "go mod download" {
		f.Commands = append(f.Commands, "go list -deps ./...")
	}
	f.Commands = append(f.Commands, a.around(host)...)
	return f
}
