package tui

import (
	"math"
	"strconv"
	"time"

	"modtap/recorder"
)

// A scale is the time axis: [from, to) is drawn in cells.
type scale struct {
	from, to recorder.Span
	cells    int
}

// cell is where an instant lies, in cells; it may be outside.
func (s scale) cell(at recorder.Span) float64 {
	return float64(at-s.from) / float64(max(s.to-s.from, 1)) * float64(s.cells)
}

// instant is the time at the left edge of a cell.
func (s scale) instant(cell float64) recorder.Span {
	return s.from + recorder.Span(cell/float64(max(s.cells, 1))*float64(s.to-s.from))
}

var rooms = []float64{1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.4, 8, 10}

// room is the length of the axis while the session lasts: it grows in steps, because bars
// that shrink all the time cannot be read.
func room(s recorder.Span) recorder.Span {
	power := math.Pow(10, math.Floor(math.Log10(float64(max(s, recorder.Span(time.Second))))))
	for _, f := range rooms {
		if f*power >= float64(s) {
			return recorder.Span(f * power)
		}
	}
	return recorder.Span(10 * power)
}

const day = 24 * time.Hour

// niceStep is the smallest round length that is not below s.
func niceStep(s recorder.Span) recorder.Span {
	if s > recorder.Span(30*time.Second) {
		for _, m := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720} {
			if step := recorder.Span(m * time.Minute); step >= s {
				return step
			}
		}
		return recorder.Span(max(decimal(float64(s)/float64(day)), 1) * float64(day))
	}
	return recorder.Span(decimal(float64(max(s, 1))))
}

// decimal is the smallest of 1, 2, 5, 10, 20… and 0.5, 0.2, 0.1… that is not below n.
func decimal(n float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(n)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= n*(1-1e-9) {
			return f * power
		}
	}
	return 10 * power
}

// tickLabel writes a tick of an axis whose ticks are step apart.
func tickLabel(at, step recorder.Span) string {
	second := recorder.Span(time.Second)
	switch {
	case at == 0:
		return "0"
	case step >= recorder.Span(day):
		return strconv.FormatInt(int64(at/recorder.Span(day)), 10) + "d"
	case step >= recorder.Span(time.Hour):
		return strconv.FormatInt(int64(at/recorder.Span(time.Hour)), 10) + "h"
	case step >= recorder.Span(time.Minute):
		return strconv.FormatInt(int64(at/recorder.Span(time.Minute)), 10) + "m"
	case step >= second:
		return strconv.FormatInt(int64(at/second), 10) + "s"
	case at >= second:
		digits := int(math.Ceil(-math.Log10(float64(step)/float64(second)) - 1e-9))
		return strconv.FormatFloat(at.Duration().Seconds(), 'f', digits, 64) + "s"
	}
	return strconv.FormatFloat(at.Milliseconds(), 'g', 6, 64) + "ms"
}

// axis draws the labels of the ticks into line y.
func (s scale) axis(c *canvas, x, y int) {
	if s.cells < 4 || s.to <= s.from {
		return
	}
	step := niceStep((s.to - s.from) / recorder.Span(max(2, s.cells/10)))
	free := 0
	first := (s.from + step - 1) / step
	for i := first; i*step <= s.to; i++ {
		at := int(s.cell(i * step))
		label := tickLabel(i*step, step)
		if at < free || at+len(label) > s.cells {
			continue
		}
		c.text(x+at, y, len(label), label, dim)
		free = at + len(label) + 1
	}
}
