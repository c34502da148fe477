package diagnose

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"modtap/recorder"
)

// A cost is what one call takes, in the parts that a change acts on differently.
type cost struct {
	latency recorder.Span // round trips and the server's thinking
	mirror  bool          // it is an entry of GOPROXY that was asked: another mirror may be nearer
	fixed   recorder.Span // what neither distance nor rate changes: DNS, modtap's own time
	shake   recorder.Span // opening its connection
	host    int           // whose connections it uses
	shares  bool          // HTTP/2: all requests to the host share one, and wait for it to open;
	// else they open another when none is idle
	bytes float64 // then so many bytes are transferred,
	rate  float64 // at this many bytes per second at most
}

const (
	// transferBytes and transferTime are what a body must reach for its rate to mean
	// something: a small one comes with the headers. chosen
	transferBytes = 64 << 10
	transferTime  = recorder.Span(20e6)
	// firstWindow is what a server sends in its first round trip, RFC 6928: ten segments.
	firstWindow = 14600
)

// costs takes the calls apart, and says how many bytes per second the link gave at most;
// 0 when nothing was large enough to tell.
func (a *Analysis) costs() (all []cost, link float64) {
	all = make([]cost, len(a.Calls))
	hosts := map[string]int{}
	var flows []flow
	for i := range a.Calls {
		c := &a.Calls[i]
		k := &all[i]
		k.mirror = c.Entry >= 0 && a.Entries[c.Entry].URL != nil || len(a.Entries) == 0 && !isDirect(c.First().Go.Kind)
		var transfer recorder.Span
		for _, x := range c.Exchanges {
			t := x.Server.Timings()
			k.latency += t.Wait
			k.shake += max(t.Connect, 0) + max(t.Proxy, 0)
			receive := min(t.Receive, c.Took())
			if size := x.Response.BodySize; size >= transferBytes && receive >= transferTime {
				rounds := a.rampUp(x, size, receive)
				k.latency += rounds
				transfer += receive - rounds
				k.bytes += float64(size)
				end := a.at(x.Start) + x.Server.End
				flows = append(flows, flow{call: i, from: end - receive, to: end, rate: float64(size) / receive.Duration().Seconds()})
			}
		}
		k.shares = !strings.HasPrefix(c.First().Proto, "HTTP/1")
		host := fmt.Sprint(c.URL.Host, k.shares)
		if _, known := hosts[host]; !known {
			hosts[host] = len(hosts)
		}
		k.host = hosts[host]
		k.latency = min(k.latency, c.Took())
		k.fixed = max(c.Took()-k.latency-k.shake-transfer, 0)
		if transfer <= 0 {
			k.bytes = 0 // it was all round trips
			continue
		}
		k.rate = k.bytes / transfer.Duration().Seconds()
	}
	link, faster := share(flows)
	for i, f := range flows {
		all[f.call].rate *= faster[i]
	}
	return all, link
}

// rampUp is the part of receiving size bytes that TCP's slow start makes of round trips.
// It is 0 where no round trip time was measured.
func (a *Analysis) rampUp(x *recorder.Exchange, size int64, receive recorder.Span) recorder.Span {
	c := a.conns[x.Conn]
	if c == nil || c.TCP == nil || c.TCP.MinRTT <= 0 {
		return 0
	}
	rounds := math.Log2(1 + float64(size)/firstWindow)
	return min(recorder.Span(rounds*float64(c.TCP.MinRTT)), receive)
}

// A flow is a body on its way.
type flow struct {
	call     int
	from, to recorder.Span
	rate     float64
}

// share is the most bytes per second that the link gave, and for each flow how much faster
// it would have been alone. While there were n of them at a time each had its part, unless
// it shows that the number made no difference, as when the server limits each response.
func share(flows []flow) (most float64, faster []float64) {
	spans := make([]interval, len(flows))
	for i, f := range flows {
		spans[i] = interval{f.from, f.to}
	}
	faster = make([]float64, len(flows))
	rates, alone := make([]float64, len(flows)), make([]float64, len(flows))
	for i, d := range aloneTimes(spans, 1) {
		faster[i] = float64(max(flows[i].to-flows[i].from, 1)) / float64(max(d, 1))
		rates[i], alone[i] = flows[i].rate, flows[i].rate*faster[i]
	}
	most = mostAtATime(flows, spans)
	if spread(rates) < spread(alone)/2 {
		for i := range faster {
			faster[i] = 1
		}
		return most, faster
	}
	if len(alone) > 0 {
		most = min(most, slices.Max(alone))
	}
	return most, faster
}

// mostAtATime is the largest sum of the rates of flows that were there at the same time.
// Rates are means, so it is too much where one had the link alone for a while.
func mostAtATime(flows []flow, spans []interval) float64 {
	order := make([]int, 0, 2*len(flows)) // i: flow i begins, ^i: it ends
	for i := range flows {
		order = append(order, i, ^i)
	}
	byTime(order, spans)
	sum, most := 0.0, 0.0
	for _, e := range order {
		if e < 0 {
			sum -= flows[^e].rate
			continue
		}
		sum += flows[e].rate
		most = max(most, sum)
	}
	return most
}

// spread is how much values differ: their standard deviation as a share of their mean.
func spread(values []float64) float64 {
	var sum, squares float64
	for _, v := range values {
		sum, squares = sum+v, squares+v*v
	}
	if sum <= 0 {
		return 0
	}
	n := float64(len(values))
	return math.Sqrt(max(squares/n-(sum/n)*(sum/n), 0)) / (sum / n)
}

// openingCosts is how long opening a connection to each host takes: the first one where
// requests share it, else the median.
func openingCosts(costs []cost) (took []recorder.Span, opener []int) {
	var by [][]recorder.Span
	for i := range costs {
		k := &costs[i]
		for len(by) <= k.host {
			by, opener = append(by, nil), append(opener, -1)
		}
		if k.shake > 0 && (!k.shares || opener[k.host] < 0) {
			by[k.host] = append(by[k.host], k.shake)
			opener[k.host] = i
		}
	}
	took = make([]recorder.Span, len(by))
	for h := range by {
		slices.Sort(by[h])
		took[h] = percentile(by[h], 50)
	}
	return took, opener
}
