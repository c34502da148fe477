package tui

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
	"modtap/viewer/report"
	"modtap/viewer/stream"
)

const (
	pageOf      = 2000             // older exchanges that are asked for at once
	maxBody     = 256 << 10        // bytes of a body that are looked at
	reportEvery = 3 * time.Second  // while the session lasts
	apiWait     = 10 * time.Second // for an answer; a report of a long run takes a while
)

type (
	olderMsg struct {
		store      *store // that they are for
		from, next uint64
		list       []*recorder.Exchange
		err        error
	}
	wholeMsg struct {
		brief   *recorder.Exchange // that it was asked for
		x       *recorder.Exchange
		request []byte // kept bodies
		body    []byte
		files   *stream.Listing // of a kept zip
		err     error
	}
	connsMsg struct {
		store *store // that they are for
		list  []*recorder.Conn
		next  uint64
		err   error
	}
	reportMsg struct {
		report *report.JSONReport
		err    error
	}
)

// fill asks for exchanges from id on that the stream did not bring: those that ended
// before we came, or that were lost on the way.
func (m *model) fill(id uint64) tea.Cmd {
	if m.source == nil {
		return nil
	}
	if m.filling {
		m.refill = true
		return nil
	}
	from, to := m.store.gap(id)
	if to == 0 {
		if m.refill {
			m.refill = false
			return m.fill(1)
		}
		return nil
	}
	m.filling = true
	ctx, src, s, n := m.ctx, m.source, m.store, int(min(to-from, pageOf))
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, apiWait)
		defer cancel()
		list, next, err := src.Exchanges(ctx, from, n)
		return olderMsg{s, from, next, list, err}
	}
}

// gotOlder takes older exchanges and goes on behind them.
func (m *model) gotOlder(msg olderMsg) tea.Cmd {
	if msg.store != m.store {
		return nil // another session began
	}
	m.filling = false
	if msg.err != nil {
		if m.ctx.Err() == nil {
			m.notice = "older requests are missing: " + msg.err.Error()
		}
		return nil
	}
	m.store.older(msg.list)
	m.refresh()
	if msg.next <= msg.from {
		return nil // there are no more
	}
	return m.fill(msg.next)
}

// fillConns asks for connections from id on that the server's log no longer has, so that
// the stream did not bring them.
func (m *model) fillConns(id uint64) tea.Cmd {
	s := m.store
	last := uint64(0)
	for known := range s.conns {
		last = max(last, known)
	}
	if m.source == nil || id > last || uint64(len(s.conns)) >= last {
		return nil
	}
	ctx, src := m.ctx, m.source
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, apiWait)
		defer cancel()
		list, next, err := src.Conns(ctx, id, pageOf)
		return connsMsg{s, list, next, err}
	}
}

// gotConns takes connections and goes on behind them. What the stream brought is newer.
func (m *model) gotConns(msg connsMsg) tea.Cmd {
	if msg.store != m.store {
		return nil // another session began
	}
	if msg.err != nil {
		if m.ctx.Err() == nil {
			m.notice = "older connections are missing: " + msg.err.Error()
		}
		return nil
	}
	for _, c := range msg.list {
		if m.store.conns[c.ID] == nil {
			m.store.conns[c.ID] = c
		}
	}
	m.list.relabel()
	m.keep()
	if msg.next == 0 {
		return nil
	}
	return m.fillConns(msg.next)
}

// A detail is what was asked for of the request that is shown in full.
type detail struct {
	brief   *recorder.Exchange // as it was when it was asked for
	x       *recorder.Exchange // nil: not here yet, or not known
	request []byte
	body    []byte
	files   *stream.Listing
	err     error
	loading bool
}

// stale reports whether x should be asked for: it is another, or it has got an answer or
// its end since.
func (d *detail) stale(x *recorder.Exchange) bool {
	b := d.brief
	return b == nil || b.ID != x.ID || b.Status != x.Status || b.Done != x.Done
}

// detailCmd asks for the headers and the bodies of the request that is pointed at, one at
// a time: whoever holds down a key does not fetch all that lie on the way.
func (m *model) detailCmd() tea.Cmd {
	r := m.selected()
	if m.aside != paneDetails || r == nil || m.source == nil || m.detail.loading || !m.detail.stale(r.x) {
		return nil
	}
	if m.detail.brief == nil || m.detail.brief.ID != r.x.ID {
		m.detail = detail{}
	}
	m.detail.loading = true
	ctx, src, brief := m.ctx, m.source, r.x
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, apiWait)
		defer cancel()
		msg := wholeMsg{brief: brief}
		if msg.x, msg.err = src.Exchange(ctx, brief.ID); msg.err != nil || msg.x == nil {
			return msg
		}
		switch {
		case isZip(msg.x) && msg.x.Response.Kept:
			msg.files, msg.err = src.Files(ctx, brief.ID)
		case kept(&msg.x.Response):
			msg.body, msg.err = src.Body(ctx, brief.ID, false)
		}
		if kept(&msg.x.Request) && msg.err == nil {
			msg.request, msg.err = src.Body(ctx, brief.ID, true)
		}
		return msg
	}
}

// kept reports whether there is a body that can be shown.
func kept(m *recorder.Message) bool {
	return m.Kept && m.BodySize > 0 && m.BodySize <= maxBody*8
}

// isZip reports whether the answer is a zip, as a module's is.
func isZip(x *recorder.Exchange) bool {
	kind := string(x.Go.Kind)
	return strings.Contains(x.Response.Mime, "/zip") || kind == "zip" || strings.HasSuffix(kind, "-zip")
}

func (m *model) gotWhole(msg wholeMsg) tea.Cmd {
	m.detail = detail{brief: msg.brief, x: msg.x, request: msg.request, body: msg.body, files: msg.files, err: msg.err}
	m.urgent = true
	return m.detailCmd() // the pointer may have moved on
}

// asking is when the report was asked for.
type asking struct {
	wanted, on bool
	last       time.Time
}

// ask wants the report anew.
func (m *model) ask() tea.Cmd {
	m.asking.wanted = true
	return m.due()
}

// due asks for the report when it is wanted and the last one is old enough.
func (m *model) due() tea.Cmd {
	a := &m.asking
	a.wanted = a.wanted || m.aside == paneFindings && m.live()
	if !a.wanted || a.on || m.source == nil || m.live() && !a.last.IsZero() && m.now().Sub(a.last) < reportEvery {
		return nil
	}
	a.wanted, a.on, a.last = false, true, m.now()
	ctx, src := m.ctx, m.source
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, 3*apiWait)
		defer cancel()
		b, err := src.Report(ctx)
		if err != nil || len(b) == 0 {
			return reportMsg{err: err}
		}
		var r report.JSONReport
		if err := json.Unmarshal(b, &r); err != nil {
			return reportMsg{err: err}
		}
		if r.Report == nil {
			return reportMsg{err: errors.New("the report has another layout than this version of modtap knows")}
		}
		return reportMsg{report: &r}
	}
}

// gotReport shows a new report. Without one, the findings that the stream brought are shown.
func (m *model) gotReport(msg reportMsg) tea.Cmd {
	m.asking.on = false
	if msg.err != nil && m.aside == paneFindings && m.ctx.Err() == nil {
		m.notice = "no report: " + msg.err.Error()
	}
	if msg.report != nil {
		m.report = msg.report
		if m.onPath != nil {
			m.onPath = criticalOf(msg.report)
		}
		m.urgent = true
	}
	return m.due()
}

// criticalOf is the requests of the critical path.
func criticalOf(r *report.JSONReport) map[uint64]bool {
	set := map[uint64]bool{}
	for _, link := range r.CriticalPath {
		if link.Exchange != 0 {
			set[link.Exchange] = true
		}
	}
	return set
}
