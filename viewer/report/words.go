package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// meanings says of every bucket what the time in it was, for a reader who has never seen
// one of our reports.
var meanings = map[string]string{
	diagnose.BucketDNS:      "looking up names",
	diagnose.BucketConnect:  "opening TCP connections",
	diagnose.BucketTLS:      "TLS handshakes",
	diagnose.BucketSend:     "sending requests",
	diagnose.BucketWait:     "until answers began",
	diagnose.BucketReceive:  "answers arriving",
	diagnose.BucketQueue:    "for a proxy or a free slot",
	diagnose.BucketGo:       "the command's own work",
	diagnose.BucketVCS:      "git: ssh, and its own work",
	diagnose.BucketLock:     "another process has a lock",
	diagnose.BucketInjected: "delays of your rules",
	diagnose.BucketModtap:   "modtap's own time",
	diagnose.BucketIdle:     "no request, no work seen",
}

// BucketMeaning says what the time in b was: what is known of it, else what it is in general.
func BucketMeaning(b diagnose.Bucket) string { return cmp.Or(Printable(b.What), meanings[b.Name]) }

// verdict is the first sentence: what ran, how long, how it ended.
func (d *Document) verdict() string {
	r := d.Report
	what := "the session"
	switch {
	case len(d.command()) > 0:
		what = Printable(strings.Join(d.command(), " "))
		if n := []rune(what); len(n) > maxCommand {
			what = string(n[:maxCommand-1]) + "…"
		}
	case d.input().Foreign || r.Mode == "har":
		what = "the recording"
		if tool := cmp.Or(r.Tool, d.session().Tool); tool != "" {
			what += " of " + Printable(tool)
		}
	case r.Mode == "run":
		what = "the command"
	}
	out := what
	if r.Wall > 0 {
		out += " took " + Duration(r.Wall.Duration())
	}
	if end := d.ending(); end != "" {
		out += " and " + end
	}
	return out
}

// command is what ran, nil when that is not known.
func (d *Document) command() []string {
	if len(d.Report.Command) > 0 {
		return d.Report.Command
	}
	return d.session().Argv
}

// maxCommand is how much of the command line the verdict shows.
const maxCommand = 44

// ending says how the command ended, "" when it did well or there was none.
func (d *Document) ending() string {
	signal, code := d.Report.Signal, d.Report.ExitCode
	if p := d.input().Process; p != nil && signal == "" && code == 0 {
		signal, code = p.Signal, p.ExitCode
	}
	switch {
	case signal != "":
		return "was ended by a signal: " + Printable(signal)
	case code != 0:
		return fmt.Sprintf("failed with exit status %d", code)
	}
	return ""
}

// counts are the numbers of the second line, the most important first.
func (d *Document) counts() []string {
	r := d.Report
	q := r.Requests
	requests := plural(q.Count, "request")
	if q.Doubled > 0 {
		requests += fmt.Sprintf(" (%d of them repeats of a 4xx)", q.Doubled)
	}
	parts := []string{requests, Bytes(q.Bytes)}
	conns := plural(r.Connections.Count, "connection")
	switch n := r.Connections.Failed; {
	case n > 0 && r.Connections.Count == 0:
		conns = fmt.Sprintf("no connection (%d failed)", n)
	case n > 0:
		conns += fmt.Sprintf(" (%d more failed)", n)
	}
	conns += " to " + plural(len(r.Hosts), "host")
	if d.input().Foreign && r.Connections.Count == 0 {
		conns = plural(len(r.Hosts), "host")
	}
	parts = append(parts, conns)
	if q.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", q.Failed))
	}
	if q.NotFound > 0 {
		parts = append(parts, fmt.Sprintf("%d not found", q.NotFound))
	}
	if r.Overhead.Time > 0 && !tooMuch(r.Overhead) {
		parts = append(parts, fmt.Sprintf("modtap itself %s (%s)", Duration(r.Overhead.Time.Duration()), Percent(r.Overhead.Share)))
	}
	return parts
}

// tooMuch reports whether modtap's own time is to be said first. In a run that is over in a
// moment its share says nothing.
func tooMuch(o diagnose.Bucket) bool {
	return o.Share > maxOverhead && o.Time >= diagnose.OverheadWorth
}

// aloud is what must be said before everything else, "" mostly.
func (d *Document) aloud() string {
	o := d.Report.Overhead
	if !tooMuch(o) {
		return ""
	}
	return fmt.Sprintf("modtap itself took %s, %s of the time: without it the command is quicker", Duration(o.Time.Duration()), Percent(o.Share))
}

// since is an offset of the session as one from the start of the command.
func (d *Document) since(s recorder.Span) string {
	if a := d.Report.Analysis; a != nil {
		s -= a.From
	}
	return Duration(max(s.Duration(), 0))
}

// hadRequests reports whether there is anything to account for beyond the command itself.
func (d *Document) hadRequests() bool {
	return d.Report.Requests.Count > 0 || len(d.input().Exchanges) > 0
}

// notSeen lists what did not come through modtap, or passed it unread.
func (d *Document) notSeen() []string {
	in := d.input()
	blind := slices.Clone(d.Report.BlindSpots)
	if blind == nil && in.End != nil {
		blind = slices.Clone(in.End.BlindSpots)
	}
	unread := map[string]int{}
	for _, t := range in.Tunnels {
		if t.Kind == "raw" || t.Kind == "bypass" {
			unread[hostName(t.Target)]++
		}
	}
	for _, host := range slices.Sorted(maps.Keys(unread)) {
		spot := fmt.Sprintf("%s in %s", host, plural(unread[host], "tunnel"))
		// Whoever made the list may know of it already.
		if !slices.ContainsFunc(blind, func(b string) bool { return strings.Contains(b, host) }) {
			blind = append(blind, spot)
		}
	}
	for i := range blind {
		blind[i] = Printable(blind[i])
	}
	return blind
}

// failures are the kinds of failures that no finding of weight is about, the worst first,
// each a line for t.
func (d *Document) failures(t *text) []string {
	in, s := d.input(), NewSummary()
	s.session = in.Session
	for i := range in.Exchanges {
		if x := &in.Exchanges[i]; !d.Report.Told[x.ID] {
			s.tell(x)
		}
	}
	return s.failureRows(t)
}

// troubles says what is wrong with the recording itself.
func (d *Document) troubles() []string {
	var out []string
	in := d.input()
	if in.Lost > 0 {
		out = append(out, plural(int(in.Lost), "event")+" lost: modtap could not keep up, and the numbers are too low")
	}
	missing := max(d.Missing, in.Missing)
	switch {
	case missing > 0:
		all := int(missing) + max(d.Report.Requests.Count, len(in.Exchanges))
		out = append(out, fmt.Sprintf("%d of %s are missing from the recording%s", missing, plural(all, "request"), because(d.Failure)))
	case d.Failure != "" && d.Recording != "":
		out = append(out, "the recording is not complete"+because(d.Failure))
	}
	return out
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + Printable(why)
}

// whyNothing names the reasons that are possible when no request came.
func whyNothing(s *recorder.Session, tunnels int) []string {
	if tunnels > 0 {
		return []string{fmt.Sprintf("%s through the proxy, without a request in it", plural(tunnels, "connection"))}
	}
	if s != nil && s.Mode == "serve" {
		return []string{`nothing used the proxy: run  eval "$(modtap env)"  in the shell that should`}
	}
	if s != nil {
		unseen := []string{"off", "file:"}
		if s.Forward() {
			unseen = append(unseen, "http://localhost", "http://127.", "https://localhost", "https://127.")
		}
		for _, p := range unseen {
			if strings.HasPrefix(s.GOPROXY, p) {
				return []string{"GOPROXY=" + Printable(s.GOPROXY) + ": such requests do not go through a proxy"}
			}
		}
	}
	if s != nil && s.Capture == recorder.CaptureReverse {
		return []string{
			"either there was nothing to fetch: go has it in its module cache (try --cold),",
			"or the command does not use the GOPROXY it was given: it sets its own, fetches",
			"direct or what GOPRIVATE names, or is no go command",
		}
	}
	return []string{
		"either there was nothing to fetch: go has it in its module cache (try --cold),",
		"or the command does not use a proxy: it ignores HTTPS_PROXY, talks to",
		"localhost, or goes over ssh",
	}
}

const reverseMode = "reverse: what go sends to GOPROXY and GOSUMDB, and git"

// numbers lists ids, at most n of the so many that there are, as in "12, 13, 44 and 9 more".
func numbers(ids []uint64, n, of int) string {
	var b strings.Builder
	for i, id := range ids[:min(n, len(ids))] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, id)
	}
	if more := max(of, len(ids)) - min(n, len(ids)); more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// evidence is what a finding rests on, as in "requests 12, 13", "" when it names nothing.
func evidence(f *recorder.Finding, n int) string {
	switch {
	case len(f.Evidence) > 0:
		return several("request", f.Evidence, n, f.Of)
	case len(f.Conns) > 0:
		return several("connection", f.Conns, n, f.ConnsOf)
	}
	return ""
}

func several(noun string, ids []uint64, n, of int) string {
	if len(ids) == 1 && of <= 1 {
		return fmt.Sprintf("%s %d", noun, ids[0])
	}
	return noun + "s " + numbers(ids, n, of)
}

// Sureness is how sure a prediction is, in words.
func Sureness(s string) string {
	switch s {
	case "high":
		return "sure"
	case "medium":
		return "fairly sure"
	case "low":
		return "a guess"
	}
	return Printable(s)
}

// Measured is one number of a finding, as in "time to first byte 58.0 s (limit 5.00 s)".
func Measured(n recorder.Number) string {
	out := Printable(n.Name) + " " + quantity(n.Value, n.Unit)
	if n.Limit != 0 {
		out += " (limit " + quantity(n.Limit, n.Unit) + ")"
	}
	return out
}

func quantity(v float64, unit string) string {
	switch unit {
	case "ms":
		return Duration(recorderSpan(v))
	case "B":
		return Bytes(int64(v))
	case "B/s":
		return Bytes(int64(v)) + "/s"
	case "share":
		return Percent(v)
	case "":
		return trimFloat(v)
	}
	return trimFloat(v) + " " + Printable(unit)
}
