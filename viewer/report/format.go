package report

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
)

// Duration formats d with three digits at most, as in 0.4 ms, 180 ms, 1.24 s, 2m05s.
func Duration(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case d < 9995*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	case d < 59950*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	s := int64(d.Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s%3600/60)
}

// Bytes formats n in decimal units, as in 820 B, 12.4 kB, 36.6 MB.
func Bytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, unit := float64(n)/1000, 0
	for f >= 999.95 && unit < 3 {
		f /= 1000
		unit++
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + [...]string{"kB", "MB", "GB", "TB"}[unit]
}

// Label names what x asks for, without its kind: module@version of a request of the go
// command, the repository of one of git's, and host and path of anything else.
func Label(x *recorder.Exchange) string {
	if subject, ok := strings.CutPrefix(x.Go.String(), string(x.Go.Kind)+" "); ok && subject != "" {
		return subject
	}
	u, err := url.Parse(x.URL)
	if err != nil {
		return x.URL
	}
	return u.Host + u.Path
}

// A Phase is a part of an exchange's time.
type Phase struct {
	Name string // queue, delay, proxy, dns, connect, tls, send, wait, receive, child
	Time time.Duration
}

// Phases splits the time of x, in order. What did not happen is left out. Two parts are
// not the server's: delay is what a rule added, child is how long the child did not take
// the bytes that were there.
func Phases(x *recorder.Exchange) []Phase {
	t := x.Server.Timings()
	delay := min(x.Injected, max(t.Blocked, 0))
	child := min(x.ClientBlocked, max(t.Receive, 0))
	all := []Phase{
		{"queue", span(t.Blocked - t.Proxy - delay)}, {"delay", span(delay)}, {"proxy", span(t.Proxy)},
		{"dns", span(t.DNS)}, {"connect", span(t.Connect - max(t.SSL, 0))}, {"tls", span(t.SSL)},
		{"send", span(t.Send)}, {"wait", span(t.Wait)}, {"receive", span(t.Receive - child)}, {"child", span(child)},
	}
	out := all[:0]
	for _, p := range all {
		if p.Time > 0 {
			out = append(out, p)
		}
	}
	return out
}

func span(s recorder.Span) time.Duration { return max(s.Duration(), 0) }

// Dominant returns the longest phase of x; ok is false when no time was measured.
func Dominant(x *recorder.Exchange) (longest Phase, ok bool) {
	for _, p := range Phases(x) {
		if p.Time > longest.Time {
			longest, ok = p, true
		}
	}
	return longest, ok
}

// Truncate shortens s to width columns, keeping both ends: the version is at the end.
func Truncate(s string, width int) string {
	r := []rune(s)
	if len(r) <= width {
		return s
	}
	if width < 4 {
		return string(r[:max(width, 0)])
	}
	tail := (width - 1) / 2
	return string(r[:width-1-tail]) + "…" + string(r[len(r)-tail:])
}

// Printable replaces what a terminal would obey instead of show. Everything recorded
// may come from a stranger's server.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '·'
		}
		return r
	}, s)
}
