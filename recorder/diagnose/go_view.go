package diagnose

import (
	"iter"
	"math"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A goView is the run as the rules about the go command look at it.
type goView struct {
	*Analysis
	answers map[gomod.Request]recorder.Span // files that were had, of those that were also asked for in vain, by kind, module and version: when the last answer was asked for
	asked   map[string][]int                // module to the calls about its files, sumdb left out
	direct  map[string][]int                // module or repository to the calls of direct mode about it
	fetched map[string]recorder.Span        // the same to the last successful git fetch of it: when it was asked for
}

// goRule makes a check of the view into one of the analysis.
func goRule(check func(*goView) *recorder.Finding) func(*Analysis) *recorder.Finding {
	return func(a *Analysis) *recorder.Finding {
		a.onceView.Do(func() { a.goFacts = newGoView(a) })
		return check(a.goFacts)
	}
}

func newGoView(a *Analysis) *goView {
	v := &goView{Analysis: a, answers: map[gomod.Request]recorder.Span{}, asked: map[string][]int{}, direct: map[string][]int{}, fetched: map[string]recorder.Span{}}
	for i := range a.Calls {
		if c := &a.Calls[i]; !got(c) {
			v.answers[wantedOf(c)] = never
		}
	}
	for i := range a.Calls {
		c := &a.Calls[i]
		g := c.First().Go
		if got(c) {
			if _, ok := v.answers[wantedOf(c)]; ok {
				v.answers[wantedOf(c)] = c.Start
			}
		}
		switch {
		case isDirect(g.Kind):
			for _, name := range slices.Compact([]string{g.Module, strings.TrimSuffix(g.Repo, ".git")}) {
				if name != "" {
					v.direct[name] = append(v.direct[name], i)
					if g.Kind == gomod.GitUploadPack && got(c) {
						v.fetched[name] = c.Start
					}
				}
			}
		case isFile(g.Kind) && g.Module != "":
			v.asked[g.Module] = append(v.asked[g.Module], i)
		}
	}
	return v
}

// never is before any call.
const never = recorder.Span(math.MinInt64)

// wantedOf is what c asks for, without what differs between servers.
func wantedOf(c *Call) gomod.Request {
	g := c.First().Go
	if g.Kind == gomod.StorageZip {
		g.Kind = gomod.Zip
	}
	return gomod.Request{Kind: g.Kind, Module: g.Module, Version: g.Version}
}

// isFile reports whether a GOPROXY has such files of modules.
func isFile(k gomod.Kind) bool {
	switch k.Step() {
	case "list", "latest", "info", "mod", "zip":
		return true
	}
	return false
}

// isDirect reports whether direct mode asks for it.
func isDirect(k gomod.Kind) bool {
	s := k.Step()
	return s == "go-get" || s == "git" || s == "vcs"
}

// isGit reports whether k moves a repository's content or names.
func isGit(k gomod.Kind) bool { return k.Step() == "git" || k.Step() == "vcs" }

// got reports whether the call was answered, wholly.
func got(c *Call) bool {
	x := c.Last()
	return x.Err == nil && x.Status >= 200 && x.Status < 300
}

// missed reports whether the answer is that there is no such thing, which is what leads
// on to the next GOPROXY entry after a comma.
func missed(c *Call) bool {
	x := c.Last()
	return x.Err == nil && (x.Status == 404 || x.Status == 410)
}

// clientError reports whether the answer is a 4xx.
func clientError(c *Call) bool {
	x := c.Last()
	return x.Err == nil && x.Status >= 400 && x.Status < 500
}

// canceled reports whether the child gave the call up, as it does with what is on its way
// when something else fails.
func canceled(c *Call) bool { return c.Last().Err != nil && c.Last().Err.Op == "canceled" }

// distrust reports whether the call failed of a certificate.
func distrust(c *Call) bool {
	e := c.Last().Err
	return e != nil && (e.Op == "client-tls" || strings.Contains(e.Msg, "x509") || strings.Contains(e.Msg, "certificate"))
}

// recovered reports whether what c asked for was had later on, from another place or in
// direct mode.
func (v *goView) recovered(c *Call) bool {
	f := wantedOf(c)
	if at, ok := v.answers[f]; ok && at != never && at >= c.Start {
		return true
	}
	for p := range pathsAbove(f.Module) {
		if at, ok := v.fetched[p]; ok && at >= c.Start {
			return true
		}
	}
	return false
}

// directly are the calls of direct mode about module, in the order of starting.
func (v *goView) directly(module string) []int {
	var calls []int
	for p := range pathsAbove(module) {
		calls = append(calls, v.direct[p]...)
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// pathsAbove are the path and those that it lies in.
func pathsAbove(p string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for p != "" && yield(p) {
			p = p[:max(strings.LastIndexByte(p, '/'), 0)]
		}
	}
}

// host is the server that c was sent to, without its port.
func host(c *Call) string { return c.URL.Hostname() }

// length is how long the child waited for x.
func (v *goView) length(x *recorder.Exchange) recorder.Span {
	d := max(x.Client.End, x.Server.End)
	if c := v.CallOf(x.ID); d == 0 && !x.Done && c != nil {
		d = v.To - v.at(x.Start)
	}
	return max(d, 0)
}

// cut is the cuts that take the calls away.
func (v *goView) cut(calls []int) map[uint64]recorder.Span {
	cut := map[uint64]recorder.Span{}
	for _, i := range calls {
		for _, x := range v.Calls[i].Exchanges {
			cut[x.ID] = v.length(x)
		}
	}
	return cut
}

// without is what the run would save without the calls.
func (v *goView) without(calls []int) recorder.Span {
	if len(calls) == 0 {
		return 0
	}
	return v.Saving(v.cut(calls))
}

// ids are the exchanges of the calls, the longest call first.
func (v *goView) ids(calls []int) []uint64 {
	calls = slices.Clone(calls)
	slices.SortStableFunc(calls, func(i, j int) int { return int(min(max(v.Calls[j].Took()-v.Calls[i].Took(), -1), 1)) })
	var ids []uint64
	for _, i := range calls {
		for _, x := range v.Calls[i].Exchanges {
			ids = append(ids, x.ID)
		}
	}
	return ids
}

// where are the calls that keep chooses.
func (v *goView) where(keep func(*Call) bool) []int {
	var calls []int
	for i := range v.Calls {
		if keep(&v.Calls[i]) {
			calls = append(calls, i)
		}
	}
	return calls
}

// wait is the median wait for the first byte of the calls, 0 when none was answered.
func (v *goView) wait(calls []int) recorder.Span {
	var waits []recorder.Span
	for _, i := range calls {
		if x := v.Calls[i].Last(); x.Status != 0 {
			waits = append(waits, x.Server.Timings().Wait)
		}
	}
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return waits[len(waits)/2]
}

// stretches is the critical path; where it is not known, what is known of it: the time in
// which nothing was on its way.
func (v *goView) stretches() []Segment {
	if len(v.Path) > 0 {
		return v.Path
	}
	var out []Segment
	cursor := v.From
	for i := range v.Calls { // by start
		c := &v.Calls[i]
		if c.Start > cursor {
			out = append(out, Segment{Bucket: BucketIdle, From: cursor, To: c.Start})
		}
		cursor = max(cursor, c.End)
	}
	if v.To > cursor {
		out = append(out, Segment{Bucket: BucketIdle, From: cursor, To: v.To})
	}
	return out
}

// overlap is how much of [from, to] is within the stretches that keep chooses.
func overlap(stretches []Segment, from, to recorder.Span, keep func(Segment) bool) recorder.Span {
	first, _ := slices.BinarySearchFunc(stretches, from, func(s Segment, at recorder.Span) int {
		if s.To <= at {
			return -1
		}
		return 1
	})
	var sum recorder.Span
	for _, s := range stretches[first:] {
		if s.From >= to {
			break
		}
		if keep(s) {
			sum += max(0, min(s.To, to)-max(s.From, from))
		}
	}
	return sum
}

// noRequest reports whether s is time without a request.
func noRequest(s Segment) bool { return s.Exchange == 0 }

// text is the body of an answer as text, as far as it was kept.
func text(x *recorder.Exchange) string {
	if x.Response.Encoding != "" {
		return string(gomod.Inflate(x.Response.Body, x.Response.Encoding))
	}
	return string(x.Response.Body)
}

// verb is the command and its subcommand, "mod download" or "get"; "" when it is not a go
// command, or not known.
func (a *Analysis) verb() string {
	words := a.goCommand()
	switch {
	case len(words) == 0:
		return ""
	case len(words) > 1 && (words[0] == "mod" || words[0] == "work"):
		return words[0] + " " + words[1]
	}
	return words[0]
}

// namesVersion reports whether the go command was given a module with a version, as in
// go install golang.org/x/tools/gopls@latest.
func (a *Analysis) namesVersion() bool {
	return slices.ContainsFunc(a.goCommand(), func(word string) bool { return strings.Contains(word, "@") })
}

// atMost lowers the severity of f, which its cost would make.
func (v *goView) atMost(f *recorder.Finding, severity string) {
	if f.Severity = v.severity(f.Cost); rank(f.Severity) < rank(severity) {
		f.Severity = severity
	}
}

// atLeast raises it.
func (v *goView) atLeast(f *recorder.Finding, severity string) {
	if f.Severity = v.severity(f.Cost); rank(f.Severity) > rank(severity) {
		f.Severity = severity
	}
}

// medianWait is the number of that name; farLatency is a limit to it only where it is passed,
// for such a finding does not depend on it.
func (v *goView) medianWait(calls []int) recorder.Number {
	wait, limit := v.wait(calls), farLatency
	if wait < limit {
		limit = 0
	}
	return msNumber("median wait", wait, limit)
}

// byLatency lowers f to information where each request of the calls was answered as
// quickly as on a good line: what is left is how the go command works.
func (v *goView) byLatency(f *recorder.Finding, calls []int) {
	if v.wait(calls) < farLatency {
		f.Severity = recorder.Info
	}
}
