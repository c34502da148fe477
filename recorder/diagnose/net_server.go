package diagnose

import (
	"fmt"

	"modtap/recorder"
)

// quickWaits is what a normal wait is: the median of the quick answers of the same host
// and kind, else of the same host, else its round trip, else a default.
func (a *Analysis) quickWaits(rtt map[string]recorder.Span) func(*recorder.Exchange) recorder.Span {
	type key struct{ host, kind string }
	all := map[key][]recorder.Span{}
	for x := range a.exchanges {
		d := waited(x)
		if d < 0 || d >= slowWait || x.Status >= 400 {
			continue
		}
		host := netHost(x.URL)
		all[key{host, string(x.Go.Kind)}] = append(all[key{host, string(x.Go.Kind)}], d)
		all[key{host, ""}] = append(all[key{host, ""}], d)
	}
	median := map[key]recorder.Span{}
	for k, d := range all {
		median[k] = netMedian(d)
	}
	return func(x *recorder.Exchange) recorder.Span {
		host := netHost(x.URL)
		if d, ok := median[key{host, string(x.Go.Kind)}]; ok {
			return d
		}
		if d, ok := median[key{host, ""}]; ok {
			return d
		}
		if d := rtt[host]; d > 0 {
			return d
		}
		return waitNormal
	}
}

// checkSlowServer: answers begin late, and the way's length does not explain it.
func checkSlowServer(a *Analysis) *recorder.Finding {
	rtt := rtts(a.openings())
	normal := a.quickWaits(rtt)
	bulk := a.bulk()
	var seen []occurrence
	count := map[string]int{}
	for x := range a.exchanges {
		if x.Status == 0 || x.Status >= 400 || isDirect(x.Go.Kind) {
			continue
		}
		host, d := netHost(x.URL), waited(x)
		count[host]++
		at := a.at(x.Start)
		switch {
		case d < slowWait, d < 5*rtt[host], x.TCP != nil && x.TCP.Retrans > 0:
			continue
		case d < waitInBulk && touches(bulk, at+x.Server.WroteRequest, at+x.Server.FirstByte):
			continue
		}
		seen = append(seen, occurrence{host: host, x: x, conn: a.Conn(x.Conn), took: d, excess: max(d-normal(x), 0)})
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{
		msNumber("time to first byte", took, slowWait), msNumber("normal for such a request", normal(its[0].x), 0),
		countNumber("slow answers", len(its), 0), countNumber("answers", count[host], 0),
	}}, seen)
	if len(its) == 1 {
		f.Title = fmt.Sprintf("%s took %s to begin an answer (%s)", host, secs(took), netSubject(its[0].x))
	} else {
		f.Title = fmt.Sprintf("%s took %s to begin an answer, %d times of %d", host, secs(took), len(its), count[host])
	}
	f.Remedy = "The server works that long before it answers. If a second run is quick, it had to fetch the module first. " +
		"Of a proxy of your own: let it ask proxy.golang.org before git (Athens: ATHENS_GO_BINARY_ENV_VARS=GOPROXY=proxy.golang.org,direct), and fill it ahead of time."
	if rtt[host] > 0 {
		f.Numbers = append(f.Numbers, msNumber("round trip", rtt[host], 0))
	}
	f.Commands = a.aroundOr(host, a.command()) // a second run
	return f
}

// ownTime is modtap's own time on the critical path; where no path is known, all of it.
func (a *Analysis) ownTime() recorder.Span {
	if len(a.Path) > 0 {
		return a.PathTime(func(s Segment) bool { return s.Bucket == BucketModtap })
	}
	var sum recorder.Span
	for x := range a.exchanges {
		sum += x.Overhead
	}
	return min(sum, a.Wall)
}

// checkOverhead: modtap itself was slow.
func checkOverhead(a *Analysis) *recorder.Finding {
	own := a.ownTime()
	if a.Wall <= 0 || float64(own) <= maxOverhead*float64(a.Wall) {
		return nil
	}
	f := &recorder.Finding{
		Title: fmt.Sprintf("modtap itself took %s of %s (%.0f %%); %.0f %% is the limit", secs(own), secs(a.Wall), 100*float64(own)/float64(a.Wall), 100*maxOverhead),
		Cost:  own,
		Numbers: []recorder.Number{
			msNumber("modtap's own time", own, recorder.Span(maxOverhead*float64(a.Wall))), shareNumber("its share", float64(own)/float64(a.Wall), maxOverhead),
		},
		Remedy:   "The numbers of this run say more about modtap and this machine than about the network. Run it again with less recorded, nothing watching, and the machine idle.",
		Commands: []string{a.modtapRun("--bodies none")},
		Severity: recorder.Warn,
	}
	if own < OverheadWorth {
		f.Severity = recorder.Info
	}
	f.Evidence = a.dearest()
	return f
}

// dearest are the exchanges that cost modtap the most time of its own.
func (a *Analysis) dearest() []uint64 {
	var seen []occurrence
	for x := range a.exchanges {
		if x.Overhead > 0 {
			seen = append(seen, occurrence{x: x, excess: x.Overhead})
		}
	}
	var f recorder.Finding
	evidenceIDs(&f, seen)
	return f.Evidence
}
