package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// maxEvidence is how many ids a finding shows, the most telling first.
const maxEvidence = 20

// An occurrence is one time that something was seen, and what it cost there.
type occurrence struct {
	host   string
	x      *recorder.Exchange // whose time it was; nil: no exchange paid for it
	conn   *recorder.Conn     // nil: none, or not known
	took   recorder.Span      // what was measured
	excess recorder.Span      // how much longer than normal
	opens  bool               // it is the opening of conn, for which others may have waited
}

// evidenceOf fills in cost and evidence of a finding: the dearest occurrence first.
func (a *Analysis) evidenceOf(f *recorder.Finding, seen []occurrence) *recorder.Finding {
	evidenceIDs(f, seen)
	conns, cut := map[uint64]recorder.Span{}, map[uint64]recorder.Span{}
	for _, o := range seen {
		switch {
		case o.excess <= 0:
		case o.opens && o.conn != nil:
			conns[o.conn.ID] += o.excess
		case o.x != nil:
			cut[o.x.ID] += o.excess
		}
	}
	if len(conns)+len(cut) > 0 {
		f.Cost = a.savingOpenings(conns, cut)
	}
	return f
}

// evidenceIDs names the exchanges of seen, and the connections that no exchange stands for.
func evidenceIDs(f *recorder.Finding, seen []occurrence) {
	seen = slices.Clone(seen)
	slices.SortStableFunc(seen, func(x, y occurrence) int { return -cmp.Compare(x.excess, y.excess) })
	had, conns := map[uint64]bool{}, map[uint64]bool{}
	for _, o := range seen {
		switch {
		case o.x != nil && !had[o.x.ID]:
			had[o.x.ID] = true
			f.Evidence = append(f.Evidence, o.x.ID)
		case o.x == nil && o.conn != nil && !conns[o.conn.ID]:
			conns[o.conn.ID] = true
			f.Conns = append(f.Conns, o.conn.ID)
		}
	}
}

// worst returns the host that lost the most time, and its occurrences in their order.
func worst(seen []occurrence) (host string, its []occurrence) {
	by := map[string][]occurrence{}
	for _, o := range seen {
		by[o.host] = append(by[o.host], o)
	}
	most := recorder.Span(-1)
	for _, o := range seen { // in the order of seen, so that equals are decided the same way each time
		all := by[o.host]
		if len(all) == 0 {
			continue // has been looked at
		}
		delete(by, o.host)
		var sum recorder.Span
		for _, p := range all {
			sum += max(p.excess, 0)
		}
		if sum > most || sum == most && len(all) > len(its) {
			most, host, its = sum, o.host, all
		}
	}
	return host, its
}

// othersThan says how many hosts there are beside one: "", " and 2 more hosts".
func othersThan(host string, seen []occurrence) string {
	others := map[string]bool{}
	for _, o := range seen {
		if o.host != host {
			others[o.host] = true
		}
	}
	switch len(others) {
	case 0:
		return ""
	case 1:
		return " and 1 more host"
	}
	return fmt.Sprintf(" and %d more hosts", len(others))
}

// failure is the severity of what made requests fail: bad when the command failed, else
// it is left to the cost, but never below warn.
func (a *Analysis) failure(f *recorder.Finding) *recorder.Finding {
	if a.Failed() {
		f.Severity = recorder.Bad
	} else if a.severity(f.Cost) == recorder.Info {
		f.Severity = recorder.Warn
	}
	return f
}

// netHost is the host of a URL, without a port that is the scheme's own. It is cheap:
// rules ask it for every exchange.
func netHost(rawURL string) string {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if scheme == "http" {
		return strings.ToLower(strings.TrimSuffix(rest, ":80"))
	}
	return bareTarget(rest)
}

// bareTarget is host:port without the port of https.
func bareTarget(target string) string { return strings.ToLower(strings.TrimSuffix(target, ":443")) }

// hostName is a host without any port.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

// lasted is the length of a phase; -1: it did not happen. One that never ended was over
// at the next thing that happened, or at the end.
func lasted(from, to recorder.Span, later ...recorder.Span) recorder.Span {
	if from <= 0 {
		return -1
	}
	if to >= from {
		return to - from
	}
	for _, l := range later {
		if l > from {
			return l - from
		}
	}
	return 0
}

// waited is how long the server took from the whole request to its first byte, without
// what a rule of the user's delayed; -1: there was no answer.
func waited(x *recorder.Exchange) recorder.Span {
	if x.Server.FirstByte <= 0 || x.Server.WroteRequest <= 0 {
		return -1
	}
	return max(x.Server.FirstByte-x.Server.WroteRequest-x.Injected, 0)
}

// bodyTook is how long the body took, without what the client did not take and what a
// rule injected; -1: there was no answer.
func bodyTook(x *recorder.Exchange) recorder.Span {
	if x.Server.FirstByte <= 0 {
		return -1
	}
	return max(max(x.Server.LastByte, x.Server.End)-x.Server.FirstByte-x.ClientBlocked-x.Injected, 0)
}

// netMedian is the middle of spans, the lower of two, and 0 for none. It sorts them.
func netMedian(spans []recorder.Span) recorder.Span {
	slices.Sort(spans)
	return percentile(spans, 50)
}

// tooks are the measured times.
func tooks(seen []occurrence) []recorder.Span {
	out := make([]recorder.Span, len(seen))
	for i, o := range seen {
		out[i] = o.took
	}
	return out
}

// exchanges ranges over all exchanges.
func (a *Analysis) exchanges(yield func(*recorder.Exchange) bool) {
	for i := range a.In.Exchanges {
		if !yield(&a.In.Exchanges[i]) {
			return
		}
	}
}

// goos is the operating system that the session ran on; "" when unknown.
func (a *Analysis) goos() string {
	if a.In.Session == nil {
		return ""
	}
	os, _, _ := strings.Cut(a.In.Session.OS, "/")
	return os
}

// what names what a request asked for, as in "zip golang.org/x/text@v0.43.0".
func netSubject(x *recorder.Exchange) string {
	g := x.Go
	switch {
	case g.Module != "" && g.Version != "":
		return string(g.Kind) + " " + g.Module + "@" + g.Version
	case g.Module != "":
		return string(g.Kind) + " " + g.Module
	case g.Repo != "":
		return string(g.Kind) + " " + g.Repo
	}
	return x.Method + " " + netHost(x.URL)
}

// isZip reports whether x is a module's zip, at the proxy or at its storage host.
func isZip(x *recorder.Exchange) bool { return x.Go.Kind == gomod.Zip || x.Go.Kind == gomod.StorageZip }

// secs writes a time as people say it: 30 ms, 830 ms, 1.03 s, 12 s.
func secs(s recorder.Span) string {
	switch ms := s.Milliseconds(); {
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 9995:
		return strings.TrimSuffix(fmt.Sprintf("%.2f", ms/1000), "0") + " s"
	case ms < 99950:
		return fmt.Sprintf("%.1f s", ms/1000)
	default:
		return fmt.Sprintf("%.0f s", ms/1000)
	}
}

// size writes bytes in decimal units, with three digits: 512 B, 7.0 kB, 75.7 MB, 120 MB.
func size(n float64) string {
	switch {
	case n < 999.5:
		return fmt.Sprintf("%.0f B", n)
	case n < 99.95e3:
		return fmt.Sprintf("%.1f kB", n/1e3)
	case n < 999.5e3:
		return fmt.Sprintf("%.0f kB", n/1e3)
	case n < 99.95e6:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
	return fmt.Sprintf("%.0f MB", n/1e6)
}

// plural is "1 handshake", "8 handshakes".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// times is "once", "twice", "12 times".
func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func msNumber(name string, value, limit recorder.Span) recorder.Number {
	return recorder.Number{Name: name, Value: value.Milliseconds(), Unit: "ms", Limit: limit.Milliseconds()}
}

func countNumber(name string, value int, limit float64) recorder.Number {
	return recorder.Number{Name: name, Value: float64(value), Limit: limit}
}

func shareNumber(name string, value, limit float64) recorder.Number {
	return recorder.Number{Name: name, Value: value, Unit: "share", Limit: limit}
}
