package diagnose

import (
	"fmt"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// toolchainDownload: go fetched another go before it did anything, or tried to.
func toolchainDownload(v *goView) *recorder.Finding {
	calls := v.where(func(c *Call) bool { return c.First().Go.Kind.Step() == "toolchain" })
	var zip *Call
	var size int64
	fetched := false
	for _, i := range calls {
		c := &v.Calls[i]
		if c.First().Go.Kind != gomod.ToolchainZip {
			continue
		}
		if zip == nil || got(c) {
			zip, size, fetched = c, c.Last().Response.BodySize, got(c)
		}
	}
	if zip == nil || !fetched && !v.Failed() {
		return nil
	}
	name, _, _ := strings.Cut(zip.First().Go.Extra, " ")
	if name == "" {
		name = zip.First().Go.Version
	}
	f := &recorder.Finding{Cost: v.without(calls) + v.unpackTime(zip), Evidence: append([]uint64{zip.First().ID}, v.ids(calls)...)}
	f.Evidence = unique(f.Evidence)
	f.Numbers = []recorder.Number{{Name: "size of the toolchain", Value: float64(size), Unit: "B"}, goSpan("time of the download", zip.Took(), 0)}
	if !fetched {
		f.Severity = recorder.Bad
		f.Title = fmt.Sprintf("go.mod asks for %s, which could not be had from %s", name, host(zip))
		if s := zip.Last().Status; s != 0 {
			f.Title += fmt.Sprintf(": %d", s)
		}
		f.Numbers = f.Numbers[1:]
	} else {
		f.Title = fmt.Sprintf("go downloaded the toolchain %s (%s) before its own work: %s", name, megabytes(size), inWords(f.Cost))
	}
	f.Remedy = "Use the go that is installed, or install that one beforehand (in the image, in CI)."
	if a := v.Setting("GOVERSION"); a != "" {
		f.Remedy = fmt.Sprintf("Use the go that is installed, or install %s beforehand (in the image, in CI).", name)
	}
	f.Commands = []string{v.goEnvW("GOTOOLCHAIN", "local"), "go get toolchain@none"}
	f.Caveat = "With GOTOOLCHAIN=local a go.mod whose go line is newer than the installed go is an error; the second command takes the toolchain line out of go.mod."
	return f
}

// unpackTime is how much of the critical path lies between the toolchain's zip and the
// next request: unpacking it, and starting again.
func (v *goView) unpackTime(zip *Call) recorder.Span {
	next := v.To
	for i := range v.Calls {
		if c := &v.Calls[i]; c.Start >= zip.End {
			next = min(next, c.Start)
		}
	}
	return overlap(v.stretches(), zip.End, next, func(s Segment) bool { return noRequest(s) && s.Bucket != BucketIdle })
}

// unique is ids, each once, at most 20.
func unique(ids []uint64) []uint64 {
	var out []uint64
	seen := map[uint64]bool{}
	for _, id := range ids {
		if !seen[id] && len(out) < 20 {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
