package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// modules is the table of the modules that were asked for, the most time first.
func (a *Analysis) modules(onPath map[uint64]recorder.Span) []ModuleUse {
	by := map[string]*moduleTally{}
	for i := range a.In.Exchanges {
		x := &a.In.Exchanges[i]
		if x.Go.Module == "" || x.Go.Kind == gomod.GoGet { // of a go-get it may be a package
			continue
		}
		m := by[x.Go.Module]
		if m == nil {
			m = &moduleTally{ModuleUse: ModuleUse{Module: x.Go.Module, First: a.at(x.Start)}}
			by[x.Go.Module] = m
		}
		m.add(x, a.at(x.Start), onPath[x.ID])
	}
	out := make([]ModuleUse, 0, len(by))
	for _, m := range by {
		out = append(out, m.use())
	}
	slices.SortFunc(out, func(x, y ModuleUse) int {
		return cmp.Or(-cmp.Compare(x.Own, y.Own), cmp.Compare(x.Module, y.Module))
	})
	return out
}

// A moduleTally gathers a ModuleUse. Exchanges come in the order of starting, so that the
// time with one in flight needs only the end of the stretch so far.
type moduleTally struct {
	ModuleUse
	busyTo  recorder.Span
	slowest *recorder.Exchange
}

// add counts x, which started at start.
func (m *moduleTally) add(x *recorder.Exchange, start, onPath recorder.Span) {
	m.Requests++
	m.Bytes += max(x.Response.BodySize, 0)
	m.OnPath += onPath
	end := start + tookOf(x)
	m.First, m.Last = min(m.First, start), max(m.Last, end)
	if from := max(start, m.busyTo); end > from {
		m.Own += end - from
	}
	m.busyTo = max(m.busyTo, end)
	if v := x.Go.Version; v != "" && !slices.Contains(m.Versions, v) {
		m.Versions = append(m.Versions, v)
	}
	if m.slowest == nil || tookOf(x) > tookOf(m.slowest) {
		m.slowest = x
	}
}

func (m *moduleTally) use() ModuleUse {
	slices.Sort(m.Versions)
	m.Slowest, m.Cause = m.slowest.ID, causeOf(m.slowest)
	return m.ModuleUse
}

// tookOf is how long x was in flight, up to when the child had the last byte.
func tookOf(x *recorder.Exchange) recorder.Span { return max(x.Client.End, x.Server.End) }

// partNames are the buckets as causeOf names them.
var partNames = map[string]string{
	BucketDNS: "DNS", BucketTLS: "TLS", BucketGo: "the command itself", BucketModtap: "modtap", BucketInjected: "a rule's delay",
}

// causeOf names the largest part of x, as in "zip: receive 1.2 s of 1.3 s".
func causeOf(x *recorder.Exchange) string {
	var most struct {
		name string
		took recorder.Span
	}
	sums := map[string]recorder.Span{}
	for _, p := range pieces(x, tookOf(x)) {
		sums[p.bucket] += p.to - p.from
	}
	for _, name := range Buckets {
		if sums[name] > most.took {
			most.name, most.took = name, sums[name]
		}
	}
	switch t := x.Server.Timings(); {
	case most.name == BucketQueue && 2*t.Proxy > most.took:
		most.name = "parent proxy"
	case most.name == BucketGo && 2*x.ClientBlocked > most.took:
		most.name = "receive, held up by the go command,"
	default:
		most.name = cmp.Or(partNames[most.name], most.name)
	}
	text := fmt.Sprintf("%s: %s %s of %s", x.Go.Kind, most.name, secs(most.took), secs(tookOf(x)))
	switch {
	case x.Err != nil:
		text += ", then " + x.Err.Op + " failed"
	case x.Status >= 400:
		text += fmt.Sprintf(", answered %d", x.Status)
	}
	return text
}
