package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/recorder/shell"
)

// slowDisk: the command waited for a disk while it waited for nothing else.
func slowDisk(v *goView) *recorder.Finding {
	if v.In.Process == nil {
		return nil
	}
	stretches := v.stretches()
	work := func(s Segment) bool { return s.Bucket == BucketGo || s.Bucket == BucketIdle }
	var waited, own recorder.Span
	var written int64
	for _, s := range v.In.Process.Samples {
		in := overlap(stretches, s.At-s.Took, s.At, work)
		own += in
		if s.Took > 0 && s.Disk > 0 {
			waited += min(in, recorder.Span(float64(min(s.Disk, s.Took))*float64(in)/float64(s.Took)))
		}
		written += max(s.Written, 0)
	}
	if waited < diskWait {
		return v.suspectScanner(stretches)
	}
	f := &recorder.Finding{Cost: waited, Evidence: v.ids(v.zipsBeforeGaps(stretches))}
	f.Title = fmt.Sprintf("go waited %s for the disk, of %s of its own work", secs(waited), secs(own))
	f.Numbers = []recorder.Number{msNumber("time in which go waited for the disk alone", waited, diskWait)}
	if written > 0 {
		f.Numbers = append(f.Numbers, recorder.Number{Name: "written by the command", Value: float64(written), Unit: "B"})
	}
	f.Caveat = "Waiting for a disk is seen in instants, so the time is an estimate; other programs may have kept the disk busy."
	v.remedyDisk(f)
	return f
}

func (v *goView) remedyDisk(f *recorder.Finding) {
	f.Remedy = "Keep the module cache on a quick local disk, not on a network share."
	if cache := v.Setting("GOMODCACHE"); cache != "" {
		f.Remedy = fmt.Sprintf("Keep the module cache (%s) on a quick local disk, not on a network share.", cache)
	}
	switch {
	case v.onWindows():
		f.Remedy += " Windows Defender looks at each file that go unpacks: as administrator, exclude the caches of go, if your rules allow it."
		f.Commands = v.defenderCommands()
	case strings.HasPrefix(v.osName(), "linux"):
		f.Remedy += " Whether the disk is it shows a run with the cache in memory."
		f.Commands = []string{v.with("GOMODCACHE", "/dev/shm/gomod", v.command())}
	default:
		f.Commands = []string{"go env GOMODCACHE"}
	}
}

func (v *goView) osName() string {
	if v.In.Session == nil {
		return ""
	}
	return v.In.Session.OS
}

func (v *goView) onWindows() bool { return strings.HasPrefix(v.osName(), "windows") }

// defenderCommands exclude the caches from Defender.
func (v *goView) defenderCommands() []string {
	var commands []string
	for _, name := range []string{"GOMODCACHE", "GOCACHE"} {
		c := "Add-MpPreference -ExclusionPath (go env " + name + ")"
		if s := v.shell(); s == shell.Cmd || s == shell.Sh {
			c = `powershell -Command "` + c + `"`
		}
		commands = append(commands, c)
	}
	return commands
}

// suspectScanner says of a run on Windows that it stood still after zips without
// computing: there a virus scanner reads what go unpacks, and Windows does not tell who
// waits for a disk.
func (v *goView) suspectScanner(stretches []Segment) *recorder.Finding {
	if !v.onWindows() || len(v.In.Process.Samples) == 0 {
		return nil
	}
	var quiet recorder.Span
	zips := v.zipsBeforeGaps(stretches)
	for _, i := range zips {
		from := v.Calls[i].End
		to := v.gapEnd(stretches, from)
		if cpu := v.cpu(from, to); float64(cpu) < quietShare*float64(to-from) {
			quiet += to - from
		}
	}
	if quiet < diskWait {
		return nil
	}
	f := &recorder.Finding{Severity: recorder.Info, Cost: quiet, Evidence: v.ids(zips)}
	f.Title = fmt.Sprintf("after zips go stood still for %s without computing: perhaps a virus scanner", secs(quiet))
	f.Numbers = []recorder.Number{msNumber("time after zips without requests and with little CPU", quiet, diskWait)}
	f.Caveat = "A suspicion: Windows does not tell that a program waits for a disk."
	v.remedyDisk(f)
	return f
}

// zipsBeforeGaps are the zips after which the critical path has time without a request.
func (v *goView) zipsBeforeGaps(stretches []Segment) []int {
	return v.where(func(c *Call) bool {
		return wantedOf(c).Kind == gomod.Zip && got(c) && v.gapEnd(stretches, c.End)-c.End > ms(100)
	})
}

// gapEnd is where the stretch without a request that began at from, or within 5 ms of it,
// ends; from itself when there is none.
func (v *goView) gapEnd(stretches []Segment, from recorder.Span) recorder.Span {
	end := from
	i, _ := slices.BinarySearchFunc(stretches, from, func(s Segment, at recorder.Span) int {
		if s.To <= at {
			return -1
		}
		return 1
	})
	for _, s := range stretches[i:] {
		if s.From-end > ms(5) || !noRequest(s) {
			break
		}
		end = s.To
	}
	return end
}

// cpu is the processor time of the command within [from, to].
func (v *goView) cpu(from, to recorder.Span) recorder.Span {
	var sum recorder.Span
	for _, s := range v.In.Process.Samples {
		if d := min(s.At, to) - max(s.At-s.Took, from); d > 0 && s.Took > 0 {
			sum += recorder.Span(float64(s.CPU) * float64(d) / float64(s.Took))
		}
	}
	return sum
}

// cacheLock: the command waited for a file lock that another process held.
func cacheLock(v *goView) *recorder.Finding {
	if v.In.Process == nil {
		return nil
	}
	stretches := v.stretches()
	idle := func(s Segment) bool { return s.Bucket == BucketLock || s.Bucket == BucketIdle }
	var seen recorder.Span
	for _, s := range v.In.Process.Samples {
		if s.Lock > 0 {
			seen += min(s.Lock, s.Took, overlap(stretches, s.At-s.Took, s.At, idle))
		}
	}
	if seen < lockWait {
		return nil
	}
	f := &recorder.Finding{Cost: seen}
	f.Title = fmt.Sprintf("go waited %s for a lock that another process held", secs(seen))
	f.Numbers = []recorder.Number{msNumber("time waiting for a file lock", seen, lockWait)}
	f.Remedy = "Another go command works on the same cache: fetch the modules once before the parallel jobs, or give each job a GOMODCACHE of its own on a local disk."
	f.Commands = []string{"go mod download"}
	f.Caveat = "The recording does not say which process it was."
	return f
}

// slowGoAuth: a program that GOAUTH names kept the command waiting before its first
// request, or between the two copies of a 4xx.
func slowGoAuth(v *goView) *recorder.Finding {
	names := v.helpers()
	if len(names) == 0 || v.In.Process == nil || len(v.Calls) == 0 {
		return nil
	}
	gaps := []Segment{{From: v.From, To: v.Calls[0].Start}}
	var doubled []int
	for i := range v.Calls {
		c := &v.Calls[i]
		if !c.Doubled {
			continue
		}
		for j := 1; j < len(c.Exchanges); j++ {
			x, y := c.Exchanges[j-1], c.Exchanges[j]
			if from, to := v.at(x.Start)+v.length(x), v.at(y.Start); to > from {
				gaps = append(gaps, Segment{From: from, To: to})
				doubled = append(doubled, i)
			}
		}
	}
	var ran recorder.Span
	for _, s := range v.In.Process.Samples {
		if !slices.ContainsFunc(s.Tools, func(t recorder.Tool) bool { return slices.Contains(names, programName(t.Name)) }) {
			continue
		}
		ran += union(gaps, s.At-s.Took, s.At)
	}
	if ran < slowHelper {
		return nil
	}
	f := &recorder.Finding{Cost: ran, Evidence: v.ids(slices.Compact(doubled))}
	if len(f.Evidence) == 0 {
		f.Evidence = []uint64{v.Calls[0].First().ID} // that waited
	}
	f.Title = fmt.Sprintf("go waited %s for its GOAUTH program %s", secs(ran), strings.Join(names, ", "))
	f.Numbers = []recorder.Number{msNumber("time with the program at work and nothing asked", ran, slowHelper)}
	f.Remedy = "Make the program quick (let it keep its answer), or put the credentials into netrc."
	f.Commands = []string{v.goEnvW("GOAUTH", "netrc")}
	f.Caveat = "go runs it before the first https request and again after each 4xx."
	return f
}

// union is how much of [from, to] lies in at least one of gaps.
func union(gaps []Segment, from, to recorder.Span) recorder.Span {
	var in []Segment
	for _, g := range gaps {
		if f, t := max(g.From, from), min(g.To, to); t > f {
			in = append(in, Segment{From: f, To: t})
		}
	}
	slices.SortFunc(in, func(x, y Segment) int { return int(min(max(x.From-y.From, -1), 1)) })
	var sum, cursor recorder.Span
	for i, s := range in {
		if i == 0 {
			cursor = s.From
		}
		sum += max(0, s.To-max(s.From, cursor))
		cursor = max(cursor, s.To)
	}
	return sum
}
