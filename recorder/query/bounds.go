package query

import (
	"math"
	"strconv"
	"strings"
)

// Bounds are what a number must lie between. float64, as in the browser: it has every
// nanosecond of 104 days, and every byte of 9 PB.
type bounds struct {
	low, high         float64
	aboveLow, underHi bool // the bound itself is out
}

func (b *bounds) has(v float64) bool {
	return (v > b.low || v == b.low && !b.aboveLow) && (v < b.high || v == b.high && !b.underHi)
}

// A number is how a key's numbers are written.
type number struct {
	what   string // "duration"
	units  map[string]float64
	none   float64 // what a number without a unit counts in
	exact  bool    // a number may stand alone
	whole  bool    // it has no fraction
	sample string  // for hints: ">1s, <1s or 1s..2s", each behind the key
}

// measure is one number as it was written.
type measure struct{ value, unit string }

// read takes a number and its unit apart; ok is false when it is none.
func (n *number) read(s string) (m measure, ok bool) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' && i > 0) {
		i++
	}
	m = measure{s[:i], s[i:]}
	_, known := n.units[m.unit]
	if i == 0 || i > 15 || m.value[i-1] == '.' || m.unit != "" && !known {
		return m, false
	}
	points := strings.Count(m.value, ".")
	return m, points == 0 || points == 1 && !n.whole
}

// in is m in the smallest unit, to the nearest whole one.
func (n *number) in(m measure) float64 {
	v, err := strconv.ParseFloat(m.value, 64)
	if err != nil {
		return math.NaN() // read has seen digits only
	}
	unit := n.none
	if m.unit != "" {
		unit = n.units[m.unit]
	}
	return math.Floor(v*unit + 0.5)
}

// parse reads >1s, >=1s, <1s, <=1s, =1s, 1s..2s, 1s.., ..2s, and 1s where it may stand alone.
func (n *number) parse(it item) (bounds, *Error) {
	s := it.text
	if from, to, ok := strings.Cut(s, ".."); ok {
		return n.between(it, from, to)
	}
	b := bounds{low: math.Inf(-1), high: math.Inf(1)}
	op := s[:len(s)-len(strings.TrimLeft(s, "<>="))]
	m, ok := n.read(s[len(op):])
	if !ok {
		return b, n.wrong(it)
	}
	v := n.in(m)
	switch op {
	case ">":
		b.low, b.aboveLow = v, true
	case ">=":
		b.low = v
	case "<":
		b.high, b.underHi = v, true
	case "<=":
		b.high = v
	case "=":
		b.low, b.high = v, v
	case "":
		if !n.exact && (v != 0 || m.unit != "") {
			return b, it.wrong(it.raw+" does not say whether more or less", it.key+":>"+it.raw+", "+it.key+":<"+it.raw+" or "+it.key+":"+it.raw+"..")
		}
		b.low, b.high = v, v
	default:
		return b, n.wrong(it)
	}
	return b, nil
}

// between reads from..to, of which one may be empty. A unit that only the second number
// has is the first one's, too.
func (n *number) between(it item, from, to string) (bounds, *Error) {
	b := bounds{low: math.Inf(-1), high: math.Inf(1)}
	low, okLow := n.read(from)
	high, okHigh := n.read(to)
	if from == "" && to == "" || from != "" && !okLow || to != "" && !okHigh {
		return b, n.wrong(it)
	}
	if to != "" {
		b.high = n.in(high)
		if low.unit == "" {
			low.unit = high.unit
		}
	}
	if from != "" {
		b.low = n.in(low)
	}
	if b.low > b.high {
		from, to, _ = strings.Cut(it.raw, "..")
		return b, it.wrong(it.raw+" ends before it begins", it.key+":"+to+".."+from)
	}
	return b, nil
}

func (n *number) wrong(it item) *Error {
	return it.wrong(it.raw+" is no "+n.what, "as in "+strings.ReplaceAll(n.sample, "KEY", it.key))
}

// wrong is an Error that points at the value.
func (it *item) wrong(msg, hint string) *Error {
	return &Error{it.at, it.end - it.at, msg, hint}
}

var (
	durationNumber = number{what: "duration", none: 1e6, sample: "KEY:>1s, KEY:<200ms or KEY:1s..2s; units are ns us ms s m h",
		units: map[string]float64{"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "min": 60e9, "h": 3600e9}}
	sizeNumber = number{what: "size", none: 1, sample: "KEY:>1MB, KEY:<10k or KEY:1kB..2MB; units are B kB MB GB KiB MiB GiB",
		units: map[string]float64{"b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9,
			"ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20, "gi": 1 << 30, "gib": 1 << 30}}
	countNumber  = number{what: "number", none: 1, exact: true, whole: true, sample: "KEY:3, KEY:3..9 or KEY:>5"}
	statusNumber = number{what: "status", none: 1, exact: true, whole: true, sample: "KEY:404, KEY:4xx, KEY:>=400, KEY:error or KEY:pending"}
)
