package query

import (
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
)

// HostOf is the host of x's URL, with its port where it has one, and without who asked.
func HostOf(x *recorder.Exchange) string {
	_, rest, found := strings.Cut(x.URL, "://")
	if !found {
		if x.Method != "CONNECT" {
			return ""
		}
		rest = x.URL
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

func hostOf(c *candidate, _ bool) string { return HostOf(c.Exchange) }

func versionOf(c *candidate, _ bool) string { return c.Go.Version }

// moduleOf is the module of c, and where that was asked for, its version.
func moduleOf(c *candidate, version bool) string {
	if version && c.Go.Module != "" && c.Go.Version != "" {
		return c.Go.Module + "@" + c.Go.Version
	}
	return c.Go.Module
}

func errorOf(c *candidate, _ bool) string {
	if c.Err == nil {
		return ""
	}
	return c.Err.Error()
}

// hasText reports whether needle, in lower case, is in what is said of c: its URL, kind,
// module@version, repository, status or error.
func (c *candidate) hasText(needle string) bool {
	has := func(s string) bool { return strings.Contains(lower(s), needle) }
	return has(c.URL) || has(string(kindOf(c.Exchange))) || has(moduleOf(c, true)) || has(c.Go.Version) || has(c.Go.Repo) || has(c.Go.Extra) ||
		c.Status > 0 && has(strconv.Itoa(c.Status)) || c.Err != nil && has(c.Err.Error())
}

// end is when the server leg ended; of what is in flight, now.
func (c *candidate) end() recorder.Span {
	if !c.Done {
		now := c.now
		if now.IsZero() {
			now = time.Now()
		}
		return max(recorder.Span(now.Sub(c.Start)), c.Server.LastByte, 0)
	}
	for _, s := range []recorder.Span{c.Server.End, c.Client.End, c.Server.LastByte} {
		if s != 0 {
			return s
		}
	}
	return 0
}

// Took is how long x took, as time: has it: until now when it is in flight.
func Took(x *recorder.Exchange, now time.Time) recorder.Span {
	c := candidate{Exchange: x, now: now}
	return c.end()
}

// span is how long c took, or a phase of it; ok is false where it did not happen, or where
// of a request in flight it is not known yet.
func (c *candidate) span(name string) (s recorder.Span, ok bool) {
	end := c.end()
	if name == "time" {
		return end, true
	}
	m := c.Server
	m.End = end
	t := m.Timings()
	switch name {
	case "blocked":
		return t.Blocked, c.Done || m.WroteHeaders > 0
	case "dns":
		return t.DNS, t.DNS >= 0
	case "connect":
		return t.Connect - max(t.SSL, 0), m.ConnectStart > 0
	case "tls":
		return t.SSL, t.SSL >= 0
	case "send":
		return t.Send, m.WroteHeaders > 0
	case "wait":
		return t.Wait, m.WroteHeaders > 0 && (m.WroteRequest > 0 || m.FirstByte > 0)
	}
	return t.Receive, m.WroteHeaders > 0 && m.FirstByte > 0
}

// doubled reports whether c asks again for what was just refused with a 4xx.
func (c *candidate) doubled() bool {
	if c.Parent == 0 {
		return false
	}
	if c.parents != nil {
		if p := c.parents(c.Parent); p != nil {
			return p.Status >= 400 && p.Status < 500 && p.Method == c.Method && p.URL == c.URL
		}
	}
	return c.Status >= 400 && c.Status < 500 && kindOf(c.Exchange) != "storage-zip"
}

// When the command counts as slow to take an answer: for longer than that, and for more
// than that share of the time in which it came. chosen: less is not seen in a table.
const (
	slowClient      = 10 * time.Millisecond
	slowClientShare = 0.2
)

func (c *candidate) slowClient() bool {
	receive, ok := c.span("receive")
	return ok && c.ClientBlocked > recorder.Span(slowClient) && float64(c.ClientBlocked) > slowClientShare*float64(receive)
}
