package diagnose

import (
	"fmt"
	"net/http"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// checkStorage: zips are redirected to another host, and that one cannot be reached.
func checkStorage(a *Analysis) *recorder.Finding {
	targets := map[string]string{} // storage host to the proxy that redirects to it
	proxyWorks := false
	for x := range a.exchanges {
		if (x.Go.Kind == gomod.Mod || x.Go.Kind == gomod.Info) && x.Status == http.StatusOK {
			proxyWorks = true
		}
		if !isZip(x) || x.Status < 300 || x.Status > 399 {
			continue
		}
		if to := netHost(x.Response.Get("Location")); to != "" && to != netHost(x.URL) {
			targets[to] = netHost(x.URL)
		}
	}
	var seen []occurrence
	how := ""
	for x := range a.exchanges {
		host := netHost(x.URL)
		if x.Go.Kind != gomod.StorageZip && (targets[host] == "" || x.Go.Kind != gomod.Connect && !isZip(x)) {
			continue
		}
		switch {
		case x.Status == http.StatusOK && x.Go.Kind != gomod.Connect:
			return nil // one came through
		case x.Status >= 400 && x.Err == nil:
			how = fmt.Sprint(x.Status)
		case x.Err != nil && x.Err.Op != "canceled" && x.Err.Op != "rule" && x.Server.LastByte == 0:
			how = failedHow(x.Err)
		default:
			continue
		}
		took := max(x.Client.End, x.Server.End)
		seen = append(seen, occurrence{host: host, x: x, conn: a.Conn(x.Conn), took: took, excess: took})
	}
	if len(seen) == 0 || !proxyWorks {
		return nil
	}
	host, _ := worst(seen)
	from := targets[host]
	if from == "" {
		from = "proxy.golang.org"
	}
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("Zips of %s at %s are blocked (%s)", from, host, how),
		Numbers: []recorder.Number{countNumber("failed requests to the storage host", len(seen), 0)},
		Remedy: "The proxy itself works and sends go on to " + host + " for some zips; errors of go name the proxy all the same. Ask whoever runs the network or the firewall to let " + host +
			" pass, or use a GOPROXY that serves zips itself.",
		Commands: a.aroundOr(from, a.portCommand(host)),
	}, seen)
	if host == "storage.googleapis.com" {
		f.Remedy += " In a VPC Service Controls perimeter, egress to project 912338787515 must be allowed."
	}
	return a.failure(f)
}

// brokeOff reports that an answer ended too soon, or a request was cut before it: not by
// the client, and not after a long silence.
func (a *Analysis) brokeOff(x *recorder.Exchange) bool {
	return x.Err != nil && (x.Err.Op == "read" || x.Err.Op == "write") && x.Go.Kind != gomod.Connect && x.Server.WroteHeaders > 0 && a.silence(x) < stalled
}

// checkStreamReset: an answer broke off.
func checkStreamReset(a *Analysis) *recorder.Finding {
	var seen []occurrence
	http2 := false
	for x := range a.exchanges {
		if a.brokeOff(x) {
			took := max(x.Client.End, x.Server.End)
			seen = append(seen, occurrence{host: netHost(x.URL), x: x, conn: a.Conn(x.Conn), took: took, excess: took})
			http2 = http2 || x.Proto == "HTTP/2.0"
		}
	}
	if len(seen) == 0 {
		return nil
	}
	_, its := worst(seen)
	x := its[0].x
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{countNumber("broken transfers", len(seen), 0)}}, seen)
	total := x.Response.Get("Content-Length")
	f.Numbers = append(f.Numbers, recorder.Number{Name: "bytes that came", Value: float64(x.Response.BodySize), Unit: "B"})
	switch {
	case x.Status == 0:
		f.Title = fmt.Sprintf("%s broke off before an answer, after %s", netCapital(netSubject(x)), secs(its[0].took))
	case total != "":
		f.Title = fmt.Sprintf("%s broke off after %s of %s", netCapital(netSubject(x)), size(float64(x.Response.BodySize)), size(number(total)))
	default:
		f.Title = fmt.Sprintf("%s broke off after %s", netCapital(netSubject(x)), size(float64(x.Response.BodySize)))
	}
	f.Remedy = "go does not try a broken transfer again, but keeps what is complete: run the command again until it ends (" + netClip(x.Err.Msg, 80) + ")."
	f.Commands = []string{a.repeat(a.command())}
	if http2 {
		f.Remedy += " If a firewall breaks HTTP/2, HTTP/1.1 may pass."
		f.Commands = append(f.Commands, a.withGodebug("http2client=0", a.command()))
	}
	f.Commands = append(f.Commands, a.around(netHost(x.URL))...)
	return a.failure(f)
}

// number reads a decimal number; 0 when it is none.
func number(s string) float64 {
	var n float64
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0
		}
		n = n*10 + float64(r-'0')
	}
	return n
}

// silence is how long nothing came at the end of x: of one in flight until now, of one
// that failed until it did; 0 for one that ended well.
func (a *Analysis) silence(x *recorder.Exchange) recorder.Span {
	m := &x.Server
	if m.WroteRequest <= 0 || x.Done && x.Err == nil {
		return 0
	}
	end := m.End
	if !x.Done {
		end = a.To - a.at(x.Start)
	}
	return max(end-max(m.WroteRequest, m.FirstByte, m.LastByte)-x.Injected, 0)
}

// A pace is how fast the bodies of one host came.
type pace struct {
	bytes int64
	took  recorder.Span
	n     int
}

func (a *Analysis) paces() map[string]pace {
	out := map[string]pace{}
	for x := range a.exchanges {
		if d := bodyTook(x); d > 0 && x.Response.BodySize >= paceMin && x.Err == nil {
			p := out[netHost(x.URL)]
			out[netHost(x.URL)] = pace{p.bytes + x.Response.BodySize, p.took + d, p.n + 1}
		}
	}
	return out
}

// stoodStill is how long the body of x, which came in the end, took beyond what its size
// explains at the pace of the others of its host.
func stoodStill(x *recorder.Exchange, p pace) recorder.Span {
	d := bodyTook(x)
	if d < stalled || x.Err != nil || !x.Done {
		return 0
	}
	rate := float64(stallRate)
	if x.Response.BodySize >= paceMin {
		p = pace{p.bytes - x.Response.BodySize, p.took - d, p.n - 1}
	}
	if p.n > 0 && p.took > 0 {
		rate = min(float64(p.bytes)/p.took.Duration().Seconds(), lineNormal)
	}
	due := recorder.Span(float64(x.Response.BodySize) / max(rate, 1) * 1e9)
	if d-stallFactor*due < stalled {
		return 0
	}
	return d - due
}

// checkStalled: nothing came for a long time, in a request that was answered or waits.
func checkStalled(a *Analysis) *recorder.Finding {
	paces := a.paces()
	var seen []occurrence
	going := 0
	for x := range a.exchanges {
		d := a.silence(x)
		if d < stalled {
			d = stoodStill(x, paces[netHost(x.URL)])
		}
		if d < stalled || x.Go.Kind == gomod.Connect {
			continue
		}
		if !x.Done {
			going++
		}
		seen = append(seen, occurrence{host: netHost(x.URL), x: x, conn: a.Conn(x.Conn), took: d, excess: d})
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	o := its[0]
	for _, p := range its {
		if p.took > o.took {
			o = p
		}
	}
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("%s sent nothing for %s (%s)", host, secs(o.took), netSubject(o.x)),
		Numbers: []recorder.Number{msNumber("without a byte", o.took, stalled), countNumber("such requests", len(seen), 0), countNumber("of them still going on", going, 0)},
		Remedy: "go waits for an answer without any limit. Stop the command and run it again: what is complete is kept. If it happens again, try without the VPN and on a wired network; " +
			"the ping tells whether large packets pass (they must not be lost or need to be fragmented).",
		Commands: append([]string{a.mtuCommand(hostName(host)), a.repeat(a.command())}, a.around(host)...),
	}, seen)
	if going > 0 {
		f.Severity = recorder.Bad
		return f
	}
	return a.failure(f)
}

// A lineRate is how fast the zips of a run came.
type lineRate struct {
	bytes  int64
	median float64       // bytes/s, of single transfers
	all    float64       // bytes/s, of all together
	busy   recorder.Span // time with at least one of them
}

// checkBandwidth: zips come slowly, one by one and together.
func checkBandwidth(a *Analysis) *recorder.Finding {
	paces := a.paces()
	var seen []occurrence
	var each []recorder.Span // time per MB
	var when []interval
	var line lineRate
	for x := range a.exchanges {
		d := bodyTook(x)
		if !isZip(x) && x.Go.Kind != gomod.ToolchainZip || x.Response.BodySize < bulkAnswer || d <= 0 || x.Err != nil ||
			stoodStill(x, paces[netHost(x.URL)]) > 0 || x.Injected > 0 {
			continue
		}
		n := float64(x.Response.BodySize)
		line.bytes += x.Response.BodySize
		each = append(each, recorder.Span(float64(d)*1e6/n))
		at := a.at(x.Start) + x.Server.FirstByte
		when = append(when, interval{at, at + d})
		seen = append(seen, occurrence{host: netHost(x.URL), x: x, conn: a.Conn(x.Conn), took: d, excess: d - recorder.Span(n/lineNormal*1e9)})
	}
	if len(seen) == 0 {
		return nil
	}
	for _, v := range united(when) {
		line.busy += v.to - v.from
	}
	line.median = 1e6 / max(netMedian(each).Duration().Seconds(), 1e-9)
	line.all = float64(line.bytes) / line.busy.Duration().Seconds()
	if line.median >= slowRate || line.all >= lineSlow || line.busy < ms(1000) {
		return nil
	}
	host, _ := worst(seen)
	f := a.evidenceOf(&recorder.Finding{
		Title: fmt.Sprintf("Zips come at %s/s each: %s took %s; below %s/s is slow", size(line.median), size(float64(line.bytes)), secs(line.busy), size(slowRate)),
		Numbers: []recorder.Number{
			{Name: "rate of one transfer, median", Value: line.median, Unit: "B/s", Limit: slowRate}, {Name: "rate of all together", Value: line.all, Unit: "B/s", Limit: lineSlow},
			{Name: "bytes", Value: float64(line.bytes), Unit: "B"},
		},
		Remedy: "Either the line is slow or this server is: compare with another mirror. Keep GOMODCACHE between runs (in CI: cache it), so that nothing comes twice; a proxy in the local network serves several machines.",
		Caveat: "The cost is counted against a line of 10 Mbit/s.",
	}, seen)
	f.Commands = append(a.around(host), "go env GOMODCACHE")
	return f
}

// checkHugeZip: one module is very large.
func checkHugeZip(a *Analysis) *recorder.Finding {
	var seen []occurrence
	var sizes []recorder.Span // of all zips, in bytes
	for x := range a.exchanges {
		if isZip(x) && x.Status == http.StatusOK {
			sizes = append(sizes, recorder.Span(x.Response.BodySize))
		}
	}
	usual := float64(netMedian(sizes))
	for x := range a.exchanges {
		d := bodyTook(x)
		if !isZip(x) || x.Response.BodySize <= hugeZip || d <= waited(x) {
			continue
		}
		rest := min(usual, hugeZip) / float64(x.Response.BodySize) // of the time, had it been as large as others
		seen = append(seen, occurrence{host: x.Go.Module, x: x, conn: a.Conn(x.Conn), took: d, excess: recorder.Span(float64(d) * (1 - rest))})
	}
	if len(seen) == 0 {
		return nil
	}
	name, its := worst(seen)
	x := its[0].x
	f := a.evidenceOf(&recorder.Finding{
		Title: strings.TrimSuffix(fmt.Sprintf("A zip of %s took %s: %s", size(float64(x.Response.BodySize)), secs(its[0].took), name), ": "),
		Numbers: []recorder.Number{
			{Name: "zip", Value: float64(x.Response.BodySize), Unit: "B", Limit: hugeZip}, msNumber("receive", its[0].took, 0), countNumber("zips above the limit", len(seen), 0),
		},
		Remedy: "See what needs it: perhaps a smaller module has taken its place, or it can go. Keep GOMODCACHE between runs, so that it comes once.",
	}, seen)
	if name != "" {
		f.Commands = []string{"go mod why -m " + a.quote(name)}
	}
	return f
}
