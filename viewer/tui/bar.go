package tui

import (
	"math"
	"slices"
	"time"

	"modtap/recorder"
)

// A painter draws bars. It is kept from row to row so that a frame does not allocate.
type painter struct {
	g     *glyphs
	list  []segment
	halfs []phase // two for each cell; none where there is nothing
	time  []recorder.Span
}

const none = phases

// bar draws the phases of r in the cells from x on, and the last one of a request that is
// on its way, or failed, marked.
func (p *painter) bar(c *canvas, x, y int, sc scale, s *store, r *row, clock recorder.Span) {
	took := s.took(r, clock)
	start := s.at(r)
	if sc.cells <= 0 || start > sc.to || start+took < sc.from {
		return
	}
	p.list = segments(r.x, took, r.flying(), p.list[:0])
	p.split(sc, start)
	first, last := -1, -1
	for i := range sc.cells {
		ch, st, ok := p.glyph(i)
		if !ok {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		c.set(x+i, y, ch, st)
	}
	if last < 0 { // too short for half a cell, or not measured: it is seen all the same
		last = min(max(int(sc.cell(start)), 0), sc.cells-1)
		longest := queue
		var most recorder.Span
		for _, seg := range p.list {
			if seg.to-seg.from > most {
				longest, most = seg.phase, seg.to-seg.from
			}
		}
		c.set(x+last, y, p.narrow(longest), phaseColors[longest])
	}
	switch {
	case r.flying():
		if start+took <= sc.to {
			c.set(x+last, y, p.g.flying, bold)
		}
	case r.x.Err != nil:
		if start+took <= sc.to {
			c.set(x+last, y, p.g.failed, bad|bold)
		}
	}
}

// narrow is the glyph of a phase in less than half a cell.
func (p *painter) narrow(ph phase) rune {
	if ph == receive && p.g.left != 0 {
		return p.g.left
	}
	return p.g.phases[ph]
}

// split decides which phase each half cell belongs to: the one that takes most of it, if
// all of them take at least half of it. The longest phase of all has at least one half.
func (p *painter) split(sc scale, start recorder.Span) {
	n := 2 * sc.cells
	if cap(p.halfs) < n {
		p.halfs, p.time = make([]phase, n), make([]recorder.Span, n)
	}
	p.halfs, p.time = p.halfs[:n], p.time[:n]
	for i := range p.halfs {
		p.halfs[i], p.time[i] = none, 0
	}
	half := scale{sc.from, sc.to, n}
	longest := -1
	for k, seg := range p.list {
		if longest < 0 || seg.to-seg.from > p.list[longest].to-p.list[longest].from {
			longest = k
		}
		a, z := half.cell(start+seg.from), half.cell(start+seg.to)
		for i := max(int(math.Floor(a)), 0); i < n && float64(i) < z; i++ {
			part := recorder.Span((min(z, float64(i+1)) - max(a, float64(i))) * 1e6) // of the half, in millionths
			if part > p.time[i] {
				p.halfs[i], p.time[i] = seg.phase, part
			}
		}
	}
	if len(p.list) == 0 {
		return
	}
	a, z := half.cell(start), half.cell(start+p.list[len(p.list)-1].to)
	for _, i := range []int{int(math.Floor(a)), int(math.Floor(z))} { // the ends may be in less than half of a half
		if i >= 0 && i < n && p.halfs[i] != none && min(z, float64(i+1))-max(a, float64(i)) < 0.5 {
			p.halfs[i] = none
		}
	}
	if seg := p.list[longest]; seg.to > seg.from {
		i := int(half.cell(start + (seg.from+seg.to)/2))
		if i >= 0 && i < n {
			p.halfs[i] = seg.phase
		}
	}
}

// glyph is what cell i shows of its two halves.
func (p *painter) glyph(i int) (rune, style, bool) {
	l, r := p.halfs[2*i], p.halfs[2*i+1]
	if l == none && r == none {
		return 0, plain, false
	}
	if p.g.left != 0 {
		switch { // a body begins or ends in the middle of the cell
		case l == receive && r == none:
			return p.g.left, phaseColors[receive], true
		case r == receive && l != receive && l != child:
			return p.g.right, phaseColors[receive], true
		}
	}
	show := l
	if l == none || r != none && p.time[2*i+1] > p.time[2*i] {
		show = r
	}
	return p.g.phases[show], phaseColors[show], true
}

// A picture is how many requests of a group were in flight in each cell of a scale.
type picture struct {
	scale  scale
	stamp  int // of the group
	levels []float64
	any    []bool // a request was there, however short
	made   time.Time
	cost   time.Duration
}

// heap draws how many requests of a group were in flight, as heights. That of a large group
// which keeps changing is not made anew for each frame.
func (p *painter) heap(c *canvas, x, y int, sc scale, s *store, g *group, clock recorder.Span) {
	if sc.cells <= 0 {
		return
	}
	pic := &g.picture
	same := pic.scale == sc && pic.stamp == g.stamp && g.flying == 0
	recent := pic.scale == sc && pic.cost > frame/idle/10 && time.Since(pic.made) < idle*pic.cost
	if !same && !recent {
		start := time.Now()
		pic.make(sc, s, g.rows, clock)
		pic.stamp, pic.made = g.stamp, time.Now()
		pic.cost = pic.made.Sub(start)
	}
	top := max(peak(pic.levels), 1)
	for i, v := range pic.levels {
		if v > 0 || pic.any[i] {
			c.set(x+i, y, p.height(v, top), receiveColor)
		}
	}
}

// make counts rows.
func (pic *picture) make(sc scale, s *store, rows []*row, clock recorder.Span) {
	pic.scale = sc
	pic.levels = slices.Grow(pic.levels[:0], sc.cells)[:sc.cells]
	pic.any = slices.Grow(pic.any[:0], sc.cells)[:sc.cells]
	clear(pic.levels)
	clear(pic.any)
	for _, r := range rows {
		from := r.at
		till := from + s.took(r, clock)
		if from > sc.to || till < sc.from {
			continue
		}
		cover(pic.levels, sc.from, sc.to, from, till)
		pic.any[min(max(int(sc.cell(from)), 0), sc.cells-1)] = true
		pic.any[min(max(int(sc.cell(till)), 0), sc.cells-1)] = true
	}
}

// height is the glyph for v of top: never none for what is more than nothing.
func (p *painter) height(v, top float64) rune {
	n := len(p.g.levels) - 1
	return p.g.levels[min(max(int(math.Ceil(v/top*float64(n)-1e-9)), 1), n)]
}
