package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// maxRows is how many requests a page shows: more are slow to scroll, and nobody reads them.
const maxRows = 2000

// A waterfall is the run as a picture: one row for each logical request.
type waterfall struct {
	Rows  []waterRow
	Note  string // which requests are not shown
	Ticks []tick
	Path  []waterBar // the critical path, in one lane
	Load  template.HTMLAttr
	Peak  int // most requests in flight
	lanes map[uint64][]diagnose.Segment
	from  recorder.Span
	wall  recorder.Span
}

// A tick is a time on the axis.
type tick struct {
	At   template.CSS
	Text string
}

// A waterBar is a stretch of a row in one colour.
type waterBar struct {
	Phase string
	Style template.CSS
	Title string
}

// A waterRow is one logical request.
type waterRow struct {
	ID      uint64
	Others  []uint64 // exchanges of the same request: the repeat of a 4xx, a redirect
	What    string
	Status  string
	Took    string
	OnPath  string // of the wall time; "" when it was off the critical path
	Failed  bool
	Bars    []waterBar
	Path    []waterBar
	Facts   []fact
	matters int // the more, the more it matters
	took    recorder.Span
	start   recorder.Span
}

// A fact is a line of what is known of a request.
type fact struct{ Name, Value string }

// waterfall lays out the run; nil when there is nothing to lay out.
func (d *Document) waterfall() *waterfall {
	a := d.Report.Analysis
	if a == nil || len(a.Calls) == 0 {
		return nil
	}
	w := &waterfall{from: a.From, wall: a.To - a.From, lanes: map[uint64][]diagnose.Segment{}}
	for i := range a.Calls {
		w.wall = max(w.wall, a.Calls[i].End-w.from)
	}
	w.wall = max(w.wall, 1)
	for _, s := range a.Path {
		w.Path = append(w.Path, waterBar{s.Bucket, w.style(s.From, s.To), s.Bucket + " " + Duration(s.Took().Duration()) + " " + Printable(s.Note)})
		if s.Exchange != 0 {
			w.lanes[s.Exchange] = append(w.lanes[s.Exchange], s)
		}
	}
	w.load(d.Report.Concurrency)
	w.axis()
	evidence := map[uint64]bool{}
	for _, f := range d.Report.Findings {
		for _, id := range f.Evidence {
			evidence[id] = true
		}
	}
	all := make([]waterRow, len(a.Calls))
	for i := range a.Calls {
		all[i] = w.row(&a.Calls[i], evidence)
	}
	w.choose(all)
	for i := range w.Rows {
		w.fill(&w.Rows[i], a)
	}
	return w
}

// choose keeps what matters most, in the order of time.
func (w *waterfall) choose(all []waterRow) {
	if len(all) > maxRows {
		slices.SortStableFunc(all, func(a, b waterRow) int {
			return cmp.Or(-cmp.Compare(a.matters, b.matters), -cmp.Compare(a.took, b.took))
		})
		w.Note = fmt.Sprintf("%d of %d requests are shown: those on the critical path, the evidence of findings, the failed ones, and the slowest.", maxRows, len(all))
		all = all[:maxRows]
	}
	slices.SortStableFunc(all, func(a, b waterRow) int { return cmp.Compare(a.start, b.start) })
	w.Rows = all
}

// row is what the choice needs of a call.
func (w *waterfall) row(c *diagnose.Call, evidence map[uint64]bool) waterRow {
	first, end := c.First(), c.Last()
	r := waterRow{ID: first.ID, took: c.Took(), start: c.Start, Failed: end.Status == 0 || end.Status >= 400 || end.Err != nil}
	for _, x := range c.Exchanges {
		if x.ID != first.ID {
			r.Others = append(r.Others, x.ID)
		}
		if len(w.lanes[x.ID]) > 0 {
			r.matters = max(r.matters, 3)
		}
		if evidence[x.ID] {
			r.matters = max(r.matters, 2)
		}
	}
	if r.Failed {
		r.matters = max(r.matters, 1)
	}
	return r
}

// fill adds what a row shows.
func (w *waterfall) fill(r *waterRow, a *diagnose.Analysis) {
	c := findCall(a.Calls, r)
	first, end := c.First(), c.Last()
	kind := cmp.Or(string(first.Go.Kind), first.Method)
	r.What = Printable(kind + " " + Label(first))
	r.Took = Duration(c.Took().Duration())
	switch {
	case end.Status != 0:
		r.Status = strconv.Itoa(end.Status)
	case end.Err != nil:
		r.Status = end.Err.Op
	default:
		r.Status = "open"
	}
	var onPath recorder.Span
	for _, x := range c.Exchanges {
		at := c.Start + recorder.Span(x.Start.Sub(first.Start))
		r.Bars = append(r.Bars, w.phases(x, at)...)
		for _, s := range w.lanes[x.ID] {
			r.Path = append(r.Path, waterBar{s.Bucket, w.style(s.From, s.To), ""})
			onPath += s.Took()
		}
	}
	if onPath > 0 {
		r.OnPath = Duration(onPath.Duration())
	}
	r.Facts = facts(c, w.from)
}

// findCall is the call of a row: calls are in the order of their start.
func findCall(calls []diagnose.Call, r *waterRow) *diagnose.Call {
	i, _ := slices.BinarySearchFunc(calls, r.start, func(c diagnose.Call, at recorder.Span) int { return cmp.Compare(c.Start, at) })
	for ; i < len(calls)-1 && calls[i].First().ID != r.ID; i++ {
	}
	return &calls[i]
}

// phases are the bars of an exchange, where its marks say they were; what lies between them
// is queue.
func (w *waterfall) phases(x *recorder.Exchange, at recorder.Span) []waterBar {
	m := &x.Server
	end := max(m.End, x.Client.End)
	bars := []waterBar{{"queue", w.style(at, at+end), ""}}
	add := func(phase string, from, to recorder.Span) {
		if from <= 0 {
			return
		}
		if to < from {
			to = end
		}
		bars = append(bars, waterBar{phase, w.style(at+from, at+to), phase + " " + Duration((to - from).Duration())})
	}
	add("dns", m.DNSStart, m.DNSDone)
	add("connect", m.ConnectStart, m.ConnectDone)
	add("tls", m.TLSStart, m.TLSDone)
	add("send", m.WroteHeaders, cmp.Or(m.WroteRequest, m.FirstByte))
	add("wait", cmp.Or(m.WroteRequest, m.WroteHeaders), m.FirstByte)
	add("receive", m.FirstByte, m.End)
	return bars
}

// style places a bar.
func (w *waterfall) style(from, to recorder.Span) template.CSS {
	left := w.percent(from - w.from)
	return template.CSS(fmt.Sprintf("left:%.3f%%;width:%.3f%%", left, max(w.percent(to-from), 0)))
}

func (w *waterfall) percent(s recorder.Span) float64 { return 100 * float64(s) / float64(w.wall) }

// axis chooses round times, at most eight of them.
func (w *waterfall) axis() {
	const most = 8
	step := recorder.Span(1000)
	for i := 0; w.wall/step > most; i++ {
		step *= [...]recorder.Span{2, 5, 2}[i%3]
		if i%3 == 1 {
			step /= 2 // 1, 2, 5, 10
		}
	}
	for t := recorder.Span(0); t < w.wall-step/3; t += step {
		w.Ticks = append(w.Ticks, tick{template.CSS(fmt.Sprintf("left:%.3f%%", w.percent(t))), tickText(t)})
	}
}

func tickText(t recorder.Span) string {
	if t == 0 {
		return "0"
	}
	if t.Milliseconds() < 1000 {
		return strconv.FormatFloat(t.Milliseconds(), 'f', -1, 64) + " ms"
	}
	if t.Duration().Minutes() >= 2 {
		return Duration(t.Duration())
	}
	return strconv.FormatFloat(t.Duration().Seconds(), 'f', -1, 64) + " s"
}

// load draws how many requests were in flight: a path in a box of 1000 by 40.
func (w *waterfall) load(levels []diagnose.Level) {
	for _, l := range levels {
		w.Peak = max(w.Peak, l.N)
	}
	if w.Peak == 0 {
		return
	}
	b := []byte(`d="M0 40`)
	last := 40.0
	for _, l := range levels {
		x, y := 10*w.percent(l.At-w.from), 40-38*float64(l.N)/float64(w.Peak)
		b = fmt.Appendf(b, "L%.1f %.1fL%.1f %.1f", x, last, x, y)
		last = y
	}
	b = fmt.Appendf(b, `L1000 %.1fL1000 40Z"`, last)
	w.Load = template.HTMLAttr(b)
}

// facts are what is known of a call beyond its row.
func facts(c *diagnose.Call, from recorder.Span) []fact {
	first, end := c.First(), c.Last()
	out := []fact{{"request", Printable(first.Method + " " + first.URL)}, {"asked at", Duration((c.Start - from).Duration())}}
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, Printable(value)})
		}
	}
	add("waited for what came before", c.Why)
	for i, x := range c.Exchanges {
		name := "phases"
		if i > 0 {
			name = "and of the " + map[bool]string{true: "repeat", false: "request it led to"}[c.Doubled]
		}
		add(name, phasesText(x))
	}
	if end.Status != 0 {
		add("answer", fmt.Sprintf("%d %s, %s, %s", end.Status, end.Reason, end.Proto, Bytes(end.Response.BodySize)))
	}
	if end.Err != nil {
		add("error", end.Err.Error())
	}
	add("sent to", first.SentTo)
	if end.Conn != 0 {
		add("connection", fmt.Sprintf("%d %s", end.Conn, end.Remote))
	}
	if first.Overhead > 0 {
		add("modtap's own time", Duration(first.Overhead.Duration()))
	}
	return out
}

func phasesText(x *recorder.Exchange) string {
	out := ""
	for i, p := range Phases(x) {
		if i > 0 {
			out += ", "
		}
		out += p.Name + " " + Duration(p.Time)
	}
	return out
}
