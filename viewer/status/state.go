package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/viewer/report"
)

const (
	// stallAfter is how long nothing must come, with a request in flight, to be called a
	// stall. The go command has no timeout for an answer, so this is all a user sees.
	stallAfter = 3 * time.Second
	// rateWindow is what the rate is averaged over.
	rateWindow = 2 * time.Second
)

// state is what the line shows.
type state struct {
	inFlight   map[uint64]flight
	dialling   map[uint64]dial // tunnels that are not answered yet
	done       int
	failed     int
	bytes      int64     // of all responses so far
	lastByte   time.Time // when anything last came, or when the first request in flight began
	samples    []sample
	sinceStart time.Time
}

type flight struct {
	bytes  int64
	status int
	start  time.Time
	label  string
}

type dial struct {
	start  time.Time
	target string
}

type sample struct {
	at    time.Time
	bytes int64
}

func newState(now time.Time) *state {
	return &state{inFlight: map[uint64]flight{}, dialling: map[uint64]dial{}, lastByte: now, sinceStart: now}
}

// apply takes an event that was read at now.
func (s *state) apply(e recorder.Event, now time.Time) {
	switch {
	case e.Exchange != nil:
		s.exchange(e.Exchange, now)
	case e.Tunnel != nil:
		s.tunnel(e.Tunnel, now)
	}
}

func (s *state) exchange(x *recorder.Exchange, now time.Time) {
	before, known := s.inFlight[x.ID]
	if len(s.inFlight) == 0 && !known {
		s.lastByte = now // nothing was waited for until now
	}
	came := x.Response.BodySize - before.bytes
	s.bytes += came
	if came > 0 || x.Status != before.status || x.Done {
		s.lastByte = now
	}
	if x.Done {
		delete(s.inFlight, x.ID)
		s.done++
		if x.Err != nil {
			s.failed++
		}
		return
	}
	label := before.label
	if label == "" {
		label = strings.TrimSpace(string(x.Go.Kind) + " " + report.Label(x))
	}
	s.inFlight[x.ID] = flight{bytes: x.Response.BodySize, status: x.Status, start: x.Start, label: label}
}

func (s *state) tunnel(t *recorder.Tunnel, now time.Time) {
	if t.Answered > 0 || t.End > 0 || t.Err != nil {
		delete(s.dialling, t.ID)
		return
	}
	if len(s.inFlight)+len(s.dialling) == 0 {
		s.lastByte = now
	}
	s.dialling[t.ID] = dial{start: t.Start, target: t.Target}
}

// line is the status at now, without colours; "" when there is nothing to say. stalled
// is the part of it that is about a stall.
func (s *state) line(now time.Time) (line, stalled string) {
	if len(s.inFlight) == 0 && s.done == 0 && len(s.dialling) == 0 {
		return "", ""
	}
	parts := []string{
		fmt.Sprintf("%d in flight", len(s.inFlight)), fmt.Sprintf("%d done", s.done),
	}
	if s.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", s.failed))
	}
	parts = append(parts, report.Bytes(s.bytes))
	waiting := len(s.inFlight)+len(s.dialling) > 0
	silent := now.Sub(s.lastByte)
	rate := s.rate(now)
	switch {
	case waiting && silent >= stallAfter:
		stalled = "0 bytes for " + age(silent)
		parts = append(parts, stalled)
	case waiting && rate > 0:
		parts = append(parts, report.Bytes(rate)+"/s")
	}
	if oldest := s.oldest(now); oldest != "" {
		parts = append(parts, oldest)
	}
	return report.Printable(strings.Join(parts, " · ")), stalled
}

// oldest describes what has been waited for the longest.
func (s *state) oldest(now time.Time) string {
	var first flight
	for _, f := range s.inFlight {
		if first.start.IsZero() || f.start.Before(first.start) {
			first = f
		}
	}
	if !first.start.IsZero() {
		return "oldest " + age(now.Sub(first.start)) + " " + first.label
	}
	var d dial
	for _, other := range s.dialling {
		if d.start.IsZero() || other.start.Before(d.start) {
			d = other
		}
	}
	if d.start.IsZero() {
		return ""
	}
	return "connecting to " + d.target + " " + age(now.Sub(d.start))
}

// age is exact enough to watch: tenths of a second at first, then seconds.
func age(d time.Duration) string {
	if d = max(d, 0); d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	}
	if d = d.Truncate(time.Second); d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return strings.TrimSuffix(d.String(), "0s")
}

// rate is the bytes per second of the last rateWindow.
func (s *state) rate(now time.Time) int64 {
	s.samples = append(s.samples, sample{now, s.bytes})
	i := 0
	for i < len(s.samples)-1 && now.Sub(s.samples[i+1].at) >= rateWindow {
		i++
	}
	s.samples = slices.Delete(s.samples, 0, i)
	first := s.samples[0]
	elapsed := now.Sub(first.at)
	if elapsed < 200*time.Millisecond {
		first, elapsed = sample{s.sinceStart, 0}, now.Sub(s.sinceStart)
	}
	if elapsed <= 0 {
		return 0
	}
	return int64(float64(s.bytes-first.bytes) / elapsed.Seconds())
}
