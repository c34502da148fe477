package tui

import (
	"modtap/recorder"
)

// A phase is a part of a bar.
type phase uint8

// The phases, in the order in which they happen. pending is what is not known yet of a
// request on its way.
const (
	queue phase = iota
	delay
	proxy
	dns
	connect
	tls
	send
	wait
	receive
	child
	pending
	phases
)

var phaseNames = [phases]string{"queue", "delay", "proxy", "dns", "connect", "tls", "send", "wait", "receive", "child", "pending"}

var phaseColors = [phases]style{queueColor, warn, connectColor, dnsColor, connectColor, tlsColor, sendColor, waitColor, receiveColor, childColor, dim}

// A segment is where a phase lies, as offsets from the exchange's start.
type segment struct {
	phase    phase
	from, to recorder.Span
}

// segments returns where the phases of x lie, in order and without overlap, and its end.
// Each phase is as long as [recorder.Marks.Timings] says. end is now for a request that is on
// its way.
func segments(x *recorder.Exchange, end recorder.Span, flying bool, list []segment) []segment {
	m := &x.Server
	var cursor recorder.Span // everything before it is drawn
	add := func(p phase, from, to recorder.Span) {
		if to > from {
			list = append(list, segment{p, from, to})
		}
	}
	gap := func(to recorder.Span) { // what no phase covers is queue
		add(queue, cursor, to)
		cursor = max(cursor, to)
	}
	take := func(p phase, from, to recorder.Span) {
		if from <= 0 {
			return
		}
		if to < from {
			to = until(m, from, end)
		}
		from, to = min(max(from, cursor), end), min(max(to, cursor), end)
		gap(from)
		add(p, from, to)
		cursor = to
	}
	take(dns, m.DNSStart, m.DNSDone)
	take(connect, m.ConnectStart, m.ConnectDone)
	take(proxy, m.ProxyStart, m.ProxyDone)
	take(tls, m.TLSStart, m.TLSDone)
	if m.WroteHeaders <= 0 {
		if flying { // a request that was just sent off has told nothing yet: it is not said to queue
			add(pending, cursor, end)
			return list
		}
		gap(end)
		return inject(x, list)
	}
	start := min(max(m.WroteHeaders, cursor), end)
	gap(start)
	first, wrote := m.FirstByte, m.WroteRequest
	if wrote <= 0 || first > 0 && wrote > first {
		wrote = first // answered before it was out: all sending until then
	}
	if wrote <= 0 {
		wrote = end
	}
	wrote = min(max(wrote, start), end)
	if first <= 0 {
		first = end
	}
	first = min(max(first, wrote), end)
	add(send, start, wrote)
	add(wait, wrote, first)
	// When the child did not take the bytes is not known, only for how long: it is drawn last.
	held := min(max(x.ClientBlocked, 0), end-first)
	add(receive, first, end-held)
	add(child, end-held, end)
	return inject(x, list)
}

// inject draws what a rule added as the end of the first queue, which it is a part of.
func inject(x *recorder.Exchange, list []segment) []segment {
	left := x.Injected
	for i := 0; i < len(list) && left > 0; i++ {
		s := list[i]
		if s.phase != queue {
			continue
		}
		cut := min(left, s.to-s.from)
		left -= cut
		list[i].to -= cut
		list = append(list[:i+1], append([]segment{{delay, s.to - cut, s.to}}, list[i+1:]...)...)
		if list[i].to == list[i].from {
			list = append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// until is when a phase that began at from and never ended was over: at the next thing
// that happened if it was given up, else at the failure that ended everything.
func until(m *recorder.Marks, from, end recorder.Span) recorder.Span {
	for _, s := range [...]recorder.Span{m.ConnectStart, m.ProxyStart, m.TLSStart, m.WroteHeaders} {
		if s > from {
			end = min(end, s)
		}
	}
	return end
}
