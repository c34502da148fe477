package diagnose

import (
	"bytes"
	"cmp"
	"slices"

	"modtap/recorder"
)

// What a Collector keeps at most.
const (
	collectExchanges = 20_000
	collectEach      = 5_000    // connections, and tunnels
	collectBodies    = 32 << 20 // bytes
)

// A Collector keeps the facts of a live session that is not recorded, for a diagnosis. It
// is a recorder.Sink, and bounded: of the exchanges that ended it keeps the first 20,000.
// The zero value is ready to use, from one goroutine.
type Collector struct {
	in      Input
	bodies  int
	conns   map[uint64]*recorder.Conn
	tunnels map[uint64]*recorder.Tunnel

	lastConn, lastTunnel uint64 // the highest ids
}

// Write takes an event. It returns no error.
func (c *Collector) Write(e recorder.Event) error {
	switch {
	case e.Exchange != nil:
		if e.Exchange.Done {
			c.exchange(e.Exchange)
		}
	case e.Conn != nil:
		c.conns, c.lastConn = collect(c.conns, e.Conn.ID, e.Conn), max(c.lastConn, e.Conn.ID)
	case e.Tunnel != nil:
		c.tunnels, c.lastTunnel = collect(c.tunnels, e.Tunnel.ID, e.Tunnel), max(c.lastTunnel, e.Tunnel.ID)
	case e.Session != nil:
		c.in.Session = e.Session
	case e.Process != nil:
		c.in.Process = e.Process
	case e.End != nil:
		c.in.End = e.End
	}
	return nil
}

// Lost counts events that were dropped.
func (c *Collector) Lost(n uint64) { c.in.Lost += n }

// Close does nothing.
func (c *Collector) Close() error { return nil }

// collect puts v under id, if there is room.
func collect[T any](all map[uint64]*T, id uint64, v *T) map[uint64]*T {
	if all == nil {
		all = map[uint64]*T{}
	}
	if _, known := all[id]; known || len(all) < collectEach {
		all[id] = v
	}
	return all
}

func (c *Collector) exchange(x *recorder.Exchange) {
	if len(c.in.Exchanges) >= collectExchanges {
		c.in.LeftOut++
		return
	}
	f := x.Facts()
	r := &f.Response
	switch {
	case c.bodies+len(r.Body) > collectBodies:
		r.Body, r.Kept, r.Note = nil, false, "no longer in memory"
	case cap(r.Body)-len(r.Body) > 256:
		r.Body = bytes.Clone(r.Body) // without the buffer that it came in
	}
	c.bodies += len(r.Body)
	c.in.Exchanges = append(c.in.Exchanges, f)
}

// Input returns what was collected. It is for the end of the session: a later Write does
// not show in it.
func (c *Collector) Input() Input {
	in := c.in
	in.Exchanges = slices.Clone(in.Exchanges)
	slices.SortStableFunc(in.Exchanges, func(x, y recorder.Exchange) int { return cmp.Compare(x.ID, y.ID) })
	in.Conns, in.Tunnels = collected(c.conns), collected(c.tunnels)
	in.ConnsLeftOut += dropped(c.conns, c.lastConn) + dropped(c.tunnels, c.lastTunnel)
	return in
}

// dropped is how many there was no room for, of ids that count from 1 to last.
func dropped[T any](all map[uint64]*T, last uint64) uint64 {
	if len(all) < collectEach {
		return 0
	}
	return last - min(last, uint64(len(all)))
}

// collected are the values of all in the order of their ids.
func collected[T any](all map[uint64]*T) []T {
	ids := make([]uint64, 0, len(all))
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var out []T
	for _, id := range ids {
		out = append(out, *all[id])
	}
	return out
}
