package diagnose

import (
	"modtap/recorder"
)

// A piece is a stretch of one exchange in one bucket; offsets count from Exchange.Start.
type piece struct {
	from, to recorder.Span
	bucket   string
}

// blocked is the bucket, for a while, of what no phase claims.
const blocked = ""

// pieces lays out an exchange from 0 to length without gap or overlap: the phases of the
// server's leg (as Marks.Timings sums them), and within them what is not the server's:
// delays of the user's rules, modtap's own time, and the client's.
func pieces(x *recorder.Exchange, length recorder.Span) []piece {
	m := x.Server
	if m.End <= 0 {
		m.End = length
	}
	m.End = min(m.End, length)
	var out []piece
	cut := &budget{injected: x.Injected, overhead: x.Overhead, client: x.ClientBlocked, asked: x.Client.GotConn}
	for _, p := range phasesOf(m) {
		switch p.bucket {
		case blocked:
			out = cut.blocked(out, p)
		case BucketReceive:
			out = cut.receive(out, p)
		default:
			out = put(out, p.from, p.to, p.bucket)
		}
	}
	return cut.tail(out, m.End, length)
}

// put appends a piece; an empty one is left out, and one of the same bucket continued.
func put(out []piece, from, to recorder.Span, bucket string) []piece {
	if to <= from {
		return out
	}
	if n := len(out); n > 0 && out[n-1].bucket == bucket && out[n-1].to == from {
		out[n-1].to = to
		return out
	}
	return append(out, piece{from, to, bucket})
}

// phasesOf are the phases of m from 0 to End in the order of time. It follows
// recorder.Marks.Timings, which gives their sums.
func phasesOf(m recorder.Marks) []piece {
	end := max(m.End, 0)
	out := make([]piece, 0, 9)
	var cursor recorder.Span
	upTo := func(t recorder.Span, bucket string) {
		t = min(max(t, cursor), end)
		out = put(out, cursor, t, bucket)
		cursor = t
	}
	phase := func(from, to recorder.Span, bucket string) {
		if from <= 0 {
			return
		}
		if to < from {
			to = nextMark(&m, from, end)
		}
		upTo(from, blocked)
		upTo(to, bucket)
	}
	phase(m.DNSStart, m.DNSDone, BucketDNS)
	phase(m.ConnectStart, m.ConnectDone, BucketConnect)
	phase(m.ProxyStart, m.ProxyDone, BucketQueue)
	phase(m.TLSStart, m.TLSDone, BucketTLS)
	if m.WroteHeaders <= 0 {
		upTo(end, blocked)
		return out
	}
	upTo(m.WroteHeaders, blocked)
	first, wrote := m.FirstByte, m.WroteRequest
	if wrote <= 0 || first > 0 && wrote > first {
		wrote = first
	}
	if wrote <= 0 {
		wrote = end
	}
	upTo(wrote, BucketSend)
	if first <= 0 {
		first = end
	}
	upTo(first, BucketWait)
	upTo(end, BucketReceive)
	return out
}

// nextMark is when a phase that began at from and has no end was over.
func nextMark(m *recorder.Marks, from, end recorder.Span) recorder.Span {
	for _, s := range [...]recorder.Span{m.ConnectStart, m.ProxyStart, m.TLSStart, m.WroteHeaders} {
		if s > from {
			end = min(end, s)
		}
	}
	return end
}

// A budget is what of an exchange's time is not the server's and has yet to be placed.
type budget struct {
	injected, overhead, client recorder.Span
	asked                      recorder.Span // when the request's headers were read; 0: not known
}

// spend takes up to d of what is left in from.
func spend(left *recorder.Span, d recorder.Span) recorder.Span {
	d = max(0, min(*left, d))
	*left -= d
	return d
}

// blocked places time that belongs to no phase. Before the request's headers came, it is
// the opening of the client's leg: ours, and where it is more than we measured of
// ourselves, the client's. After them, it is the user's delay, ours, or a queue.
func (b *budget) blocked(out []piece, p piece) []piece {
	at := p.from
	if b.asked > 0 && at < b.asked {
		to := min(p.to, b.asked)
		ours := spend(&b.overhead, to-at)
		out = put(out, at, at+ours, BucketModtap)
		out = put(out, at+ours, to, BucketGo)
		at = to
	}
	d := spend(&b.injected, p.to-at)
	out = put(out, at, at+d, BucketInjected)
	at += d
	d = spend(&b.overhead, p.to-at)
	out = put(out, at, at+d, BucketModtap)
	return put(out, at+d, p.to, BucketQueue)
}

// receive places the time of a body: what the client did not take it, and what modtap
// worked on it, is not the server's. Where in the body that was is not known; it is laid
// at its end.
func (b *budget) receive(out []piece, p piece) []piece {
	client := spend(&b.client, p.to-p.from)
	ours := spend(&b.overhead, p.to-p.from-client)
	out = put(out, p.from, p.to-client-ours, BucketReceive)
	out = put(out, p.to-client-ours, p.to-client, BucketModtap)
	return put(out, p.to-client, p.to, BucketGo)
}

// tail places what lies between the end of the server's leg and that of the client's.
func (b *budget) tail(out []piece, from, to recorder.Span) []piece {
	ours := spend(&b.overhead, to-from)
	out = put(out, from, from+ours, BucketModtap)
	return put(out, from+ours, to, BucketGo)
}
