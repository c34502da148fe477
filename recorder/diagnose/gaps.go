package diagnose

import (
	"sort"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// busyShare is how much of a stretch the processes of the command must have used a
// processor, or waited for a disk, for it to be work and not waiting.
const busyShare = 0.2 // chosen: unpacking uses well over half of one, waiting next to nothing

// brief is how short a gap must be for the samples, 20 ms apart at best, to be unable to
// tell work from waiting in it (cmd/internal/child, fineStep, and what a look may be late).
const brief = 25 * jitter

// A gapOf is time of the critical path between two calls, in which the command did
// something else than waiting for a request; -1 is the start, or the end, of the command.
type gapOf struct {
	a            *Analysis
	before, next int
}

// work puts the time from from to to into buckets, by what the processes of the command
// were seen doing.
func (g gapOf) work(from, to recorder.Span) []Segment {
	if from >= to {
		return nil
	}
	var out []Segment
	for _, cut := range g.unseen(from, to) {
		if cut.Bucket != "" {
			out = append(out, cut)
			continue
		}
		out = append(out, g.sampled(cut.From, cut.To)...)
	}
	if to-from < brief {
		out = g.bridge(out)
	}
	return merge(out)
}

// bridge counts what is idle in a brief gap as the command's own work, where samples were
// taken and saw neither git nor a lock in it: between two requests so close together the go
// command was what ran, and a sample that is as long as the gap says nothing else.
func (g gapOf) bridge(gap []Segment) []Segment {
	if p := g.a.In.Process; p == nil || len(p.Samples) == 0 {
		return gap
	}
	for i := range gap {
		if b := gap[i].Bucket; b != BucketIdle && b != BucketGo {
			return gap
		}
	}
	for i := range gap {
		if s := &gap[i]; s.Bucket == BucketIdle {
			s.Bucket, s.Note = BucketGo, g.note(&recorder.Sample{}, BucketGo, "", s.From, s.To)
		}
	}
	return gap
}

// unseen cuts a stretch where git worked past modtap; the rest has no bucket.
func (g gapOf) unseen(from, to recorder.Span) []Segment {
	var out []Segment
	end := g.a.In.End
	for from < to {
		next := Segment{From: to, To: to}
		for i := 0; end != nil && i < len(end.Unseen); i++ {
			u := &end.Unseen[i]
			f, t := max(u.Start, from), min(u.Start+u.Took, to)
			if f < t && (f < next.From || f == next.From && t > next.To) {
				next = Segment{Bucket: BucketVCS, From: f, To: t, Note: strings.TrimSpace(u.What + " " + u.Target)}
			}
		}
		if from < next.From {
			out = append(out, Segment{From: from, To: next.From})
		}
		if next.From < next.To {
			out = append(out, next)
		}
		from = next.To
	}
	return out
}

// sampled puts a stretch into buckets by the samples that cover it.
func (g gapOf) sampled(from, to recorder.Span) []Segment {
	var samples []recorder.Sample
	if p := g.a.In.Process; p != nil {
		samples = p.Samples
	}
	var out []Segment
	at := from
	for i := sort.Search(len(samples), func(i int) bool { return samples[i].At > from }); i < len(samples) && at < to; i++ {
		s := &samples[i]
		begin, end := max(s.At-s.Took, at), min(s.At, to)
		if begin >= end {
			continue
		}
		out = append(out, g.unsampled(at, begin)...)
		out = append(out, g.sample(continued(samples, i), begin, end)...)
		at = end
	}
	return append(out, g.unsampled(at, to)...)
}

// continued is sample i, with what can be known of it from its neighbours. Locks and disks are
// looked at where a sample ends: where the one before ended in a wait and nothing ran in this
// one, the wait went on. The last one ends with the command, when nobody can look any more, and
// how long it was without a processor or waited for a disk is not known: less processor time
// makes it work.
func continued(samples []recorder.Sample, i int) *recorder.Sample {
	s := samples[i]
	if s.Lock > 0 || s.Disk > 0 || s.Queued > 0 || len(s.Tools) > 0 || s.Took > atMostLook {
		return &s
	}
	if i > 0 && float64(s.CPU) < busyShare*float64(s.Took) {
		before := &samples[i-1]
		if 2*before.Lock >= before.Took {
			s.Lock = s.Took
		}
		if 2*before.Disk >= before.Took {
			s.Disk = s.Took
		}
	}
	if i == len(samples)-1 && float64(s.CPU) >= lastShare*float64(s.Took) {
		s.Queued = s.Took
	}
	return &s
}

// lastShare is busyShare for the last sample.
const lastShare = busyShare / 4 // chosen

// atMostLook is how long a sample may be for its neighbours to say something of it: five steps
// (cmd/internal/child, step), as looks are further apart where they are dear.
const atMostLook = 500 * jitter

// unsampled is a stretch that no sample covers: only the go command's own account can
// tell that it worked.
func (g gapOf) unsampled(from, to recorder.Span) []Segment {
	if from >= to {
		return nil
	}
	s := Segment{Bucket: BucketIdle, From: from, To: to}
	if span, works := g.a.spanIn(from, to); span != nil {
		s.Note = span.Name
		if works && 2*(min(to, span.Start+span.Took)-max(from, span.Start)) >= to-from {
			s.Bucket = BucketGo
		}
	}
	return []Segment{s}
}

// sample splits a stretch within one sample: the part of it in which the command waited
// for a lock, and the rest, which is git's, the command's own, or nobody's.
func (g gapOf) sample(s *recorder.Sample, from, to recorder.Span) []Segment {
	var out []Segment
	if took := max(s.Took, 1); s.Lock > 0 {
		d := recorder.Span(float64(to-from) * min(1, float64(s.Lock)/float64(took)))
		if 2*s.Lock >= took {
			d = to - from // an estimate from instants; the rest is its error
		}
		out = append(out, Segment{Bucket: BucketLock, From: from, To: from + d, Note: "a lock that another process holds"})
		from += d
	}
	if from >= to {
		return out
	}
	bucket := BucketIdle
	git := toolOf(s, gitTools)
	worked := float64(max(s.CPU, 0)) + float64(max(s.Disk, 0)) + float64(max(s.Queued, 0))
	switch {
	case git != "":
		bucket = BucketVCS
	case g.a.helperIn(s) != "":
		bucket = BucketGo
	case worked >= busyShare*float64(to-from):
		bucket = BucketGo
	}
	return append(out, Segment{Bucket: bucket, From: from, To: to, Note: g.note(s, bucket, git, from, to)})
}

// The programs that tell what the command was doing.
var (
	gitTools   = []string{"ssh", "git", "hg", "svn", "bzr", "fossil"}
	buildTools = []string{"compile", "asm", "link", "cgo", "vet", "cover", "gcc", "clang", "cc1"}
)

// toolOf is the first of the programs, or of a family of them (git-remote-https), that ran in
// s; "" when none did.
func toolOf(s *recorder.Sample, names []string) string {
	for _, name := range names {
		for i := range s.Tools {
			t := strings.TrimSuffix(s.Tools[i].Name, ".exe")
			if t == name || strings.HasPrefix(t, name+"-") {
				return t
			}
		}
	}
	return ""
}

// helperIn is the program that GOAUTH names, when it ran in s: the go command waits for it;
// "" when it did not.
func (a *Analysis) helperIn(s *recorder.Sample) string {
	if len(s.Tools) == 0 {
		return ""
	}
	for command := range strings.SplitSeq(a.Setting("GOAUTH"), ";") {
		words := strings.Fields(command)
		if len(words) == 0 || words[0] == "netrc" || words[0] == "off" || words[0] == "git" {
			continue
		}
		name := words[0][strings.LastIndexAny(words[0], `/\\`)+1:]
		if tool := toolOf(s, []string{strings.TrimSuffix(name, ".exe")}); tool != "" {
			return tool
		}
	}
	return ""
}

// What notes of the command's own work begin with.
const (
	noteStart  = "start of the command"
	noteUnzip  = "unzip and hash "
	noteRead   = "read the packages of "
	noteGOAUTH = "GOAUTH helper "
)

// note says what the command was doing, as far as it is known.
func (g gapOf) note(s *recorder.Sample, bucket, git string, from, to recorder.Span) string {
	switch bucket {
	case BucketVCS:
		return git
	case BucketIdle:
		return ""
	}
	if span, _ := g.a.spanIn(from, to); span != nil {
		return span.Name
	}
	if helper := g.a.helperIn(s); helper != "" {
		return noteGOAUTH + helper
	}
	if tool := toolOf(s, buildTools); tool != "" {
		if tool == "link" {
			return "link"
		}
		return "compile"
	}
	if g.before < 0 {
		if g.next >= 0 {
			return noteStart
		}
		return ""
	}
	c := &g.a.Calls[g.a.lead[g.before]]
	switch c.First().Go.Kind {
	case gomod.Zip, gomod.ToolchainZip:
		if k := g.a.Calls[g.before].First().Go.Kind; k == gomod.Mod {
			return noteRead + subject(c)
		}
		if good(c) {
			return noteUnzip + subject(c)
		}
	}
	return ""
}

// spanIn is the step of the go command's own account that covers most of a stretch, of
// several the shortest; nil when there is none. works is whether the step is work and not
// waiting for the network.
func (a *Analysis) spanIn(from, to recorder.Span) (best *recorder.GoSpan, works bool) {
	p := a.In.Process
	if p == nil {
		return nil, false
	}
	var most recorder.Span
	for i := range p.Spans {
		s := &p.Spans[i]
		covers := min(to, s.Start+s.Took) - max(from, s.Start)
		if covers <= 0 || 2*covers < to-from {
			continue
		}
		if best == nil || covers > most || covers == most && s.Took < best.Took {
			best, most = s, covers
		}
	}
	return best, best != nil && isWork(best.Name)
}

// isWork reports whether a step named so by go -debug-trace is done without the network.
func isWork(name string) bool {
	for _, w := range []string{"unzip", "hash", "Executing action (build", "Executing action (link", "Executing action (vet"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}
