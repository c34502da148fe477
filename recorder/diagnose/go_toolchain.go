package diagnose

import (
	"fmt"
	"go/version"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// toolchainDownload: go fetched another go before it did anything, or tried to.
func toolchainDownload(v *goView) *recorder.Finding {
	calls := v.where(func(c *Call) bool { return c.First().Go.Kind.Step() == "toolchain" })
	var zip *Call
	var bytes int64
	fetched := false
	for _, i := range calls {
		c := &v.Calls[i]
		if c.First().Go.Kind != gomod.ToolchainZip {
			continue
		}
		if zip == nil || got(c) {
			zip, bytes, fetched = c, c.Last().Response.BodySize, got(c)
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
	f.Numbers = []recorder.Number{{Name: "size of the toolchain", Value: float64(bytes), Unit: "B"}, msNumber("time of the download", zip.Took(), 0)}
	if !fetched {
		f.Severity = recorder.Bad
		f.Title = fmt.Sprintf("%s asks for %s, which could not be had from %s", v.asksForToolchain(name), name, host(zip))
		if s := zip.Last().Status; s != 0 {
			f.Title += fmt.Sprintf(": %d", s)
		}
		f.Numbers = f.Numbers[1:]
	} else {
		f.Title = fmt.Sprintf("go downloaded the toolchain %s (%s) before its own work: %s", name, size(float64(bytes)), secs(f.Cost))
	}
	v.remedyToolchain(f, name)
	return f
}

// asksForToolchain names what wanted the go of that name: go.mod, or the command.
func (v *goView) asksForToolchain(name string) string {
	if v.commandNeeds(name) {
		return "the command"
	}
	return "go.mod"
}

// commandNeeds reports whether a module that the command names, with its version, wanted the
// go of that name. The go.mod of the working directory is asked first, also by go install.
func (v *goView) commandNeeds(name string) bool {
	return v.namesVersion() && slices.Contains([]string{"get", "install", "run", "mod download"}, v.verb()) && !v.goLineNeeds(name)
}

// remedyToolchain says what to do about the download of a toolchain. With the go that is
// installed a project does not work whose go line is newer, so that this one must not be
// told to go env -w GOTOOLCHAIN=local.
func (v *goView) remedyToolchain(f *recorder.Finding, name string) {
	// go install too does first what go.mod says, and would fetch what could not be had.
	install := []string{v.with("GOTOOLCHAIN", "local", "go install "+v.quote("golang.org/dl/"+name+"@latest")), v.quote(name) + " download"}
	switch {
	case v.commandNeeds(name):
		f.Remedy = fmt.Sprintf("The command needs %s. Install it for good (in the image, in CI): go takes the one that is in PATH. Or name an older version of the module.", name)
		f.Commands = install
	case v.goLineNeeds(name):
		f.Remedy = fmt.Sprintf("The go line of go.mod needs %s. Install it for good (in the image, in CI): go takes the one that is in PATH.", name)
		f.Commands = install
	default:
		f.Remedy = fmt.Sprintf("Try the go that is installed, for one run, or install %s for good (in the image, in CI).", name)
		f.Commands = append([]string{v.with("GOTOOLCHAIN", "local", v.command())}, install...)
		f.Caveat = "With GOTOOLCHAIN=local go does not work where go.mod, or a module that it requires, has a go line newer than the installed go."
	}
}

// goLineNeeds reports whether the go line of go.mod asked for the toolchain of that name, or
// for another one newer than what is installed.
func (v *goView) goLineNeeds(name string) bool {
	if v.Env.GoDirective == "" {
		return false
	}
	line, installed := "go"+v.Env.GoDirective, v.Setting("GOVERSION")
	return name == line || name == line+".0" || installed != "" && version.Compare(line, installed) > 0
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

// unique is ids, each once.
func unique(ids []uint64) []uint64 {
	var out []uint64
	seen := map[uint64]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
