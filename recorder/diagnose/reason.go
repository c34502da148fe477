package diagnose

import (
	"strconv"
	"strings"

	"modtap/recorder/gomod"
)

// A Reason is why a call waited for another: a rule of the go command. In it, {it} stands
// for the call that waited, {by} for the one that it waited
// for, {task} for the .mod or .zip that this one belongs to, {p} for GOMAXPROCS.
type Reason string

// The rules, go-command.md §3.1.
const (
	whyGuess     Reason = "after {by}" // no rule fits: it is what ended last before
	whyFirst     Reason = "first request"
	whyFallback  Reason = "the GOPROXY entry before answered {status}"
	whyUnreached Reason = "there was no connection to the GOPROXY entry before"
	whyProbed    Reason = "go asks the next GOPROXY entry when this one has answered for every prefix"
	whyDirect    Reason = "no GOPROXY entry had it, so go asks {host} itself"
	whySlot      Reason = "slot of GOMAXPROCS={p} freed by {task}"
	whyLookup    Reason = "lookup of {it} needs its .{kind}"
	whySupported Reason = "go first asks whether the proxy has the checksum database"
	whyVerify    Reason = "the first file to verify is {by}"
	whyHead      Reason = "go first checks the state of the checksum database that it knows"
	whyTile      Reason = "the tile proves the record of {by}"
	whyTiles     Reason = "go needs {by} to know which tile is next"
	whySerial    Reason = "go asks for .info one after another"
	whyAllMods   Reason = "go asks for .info when all .mod are there"
	whyAllZips   Reason = "go asks for .info when the .zip are there"
	whyAllInfos  Reason = "go asks for .zip when all .info are there"
	whyRequired  Reason = "{task} requires it"
	whyImported  Reason = "a package of {by} may import it"
	whyVersion   Reason = "{by} told the version"
	whyInfo      Reason = "{it} follows its .info"
	whyMod       Reason = "{it} follows its .mod"
	whyZip       Reason = "{it} follows its .zip"
	whyNoList    Reason = "{by} has no version that go can use"
	whyPage      Reason = "the page {by} named the repository"
	whyRoot      Reason = "the page {by} named another root"
	whyGit       Reason = "git asks one after another"
	whyFetched   Reason = "{it} needs what git fetched"
	whyProbe     Reason = "git failed, so go looks at the page"
	whyToolchain Reason = "nothing goes on before the toolchain is there"
)

// why words the reason why call n waited for by; -1 is no call.
func (a *Analysis) why(n, by int, r Reason) string {
	if by < 0 {
		return string(whyFirst)
	}
	it, pred := &a.Calls[n], &a.Calls[by]
	var out strings.Builder
	for text := string(r); text != ""; {
		before, rest, found := strings.Cut(text, "{")
		out.WriteString(before)
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		out.WriteString(a.word(name, it, pred, by))
		text = after
	}
	return out.String()
}

// word is what a placeholder of a Reason stands for.
func (a *Analysis) word(name string, it, pred *Call, by int) string {
	switch name {
	case "it":
		return subject(it)
	case "task":
		return label(&a.Calls[a.lead[by]])
	case "p":
		return strconv.Itoa(a.Env.MaxProcs)
	case "kind":
		return pred.First().Go.Kind.Step()
	case "status":
		return strconv.Itoa(pred.Last().Status)
	case "host":
		return it.URL.Hostname()
	}
	return label(pred)
}

// subject is what a call is about: "rsc.io/quote@v1.5.2".
func subject(c *Call) string {
	g := c.First().Go
	switch {
	case g.Module != "" && g.Version != "":
		return g.Module + "@" + g.Version
	case g.Module != "":
		return g.Module
	}
	return label(c)
}

// label names a call: "zip rsc.io/quote@v1.5.2", or the method and URL of what is not the
// go command's.
func label(c *Call) string {
	g := c.First().Go
	if g.Kind == gomod.Other || g.Kind == "" || g.Kind == gomod.Connect {
		name := c.URL.Host + c.URL.Path
		if g.Kind == gomod.Connect {
			name = c.URL.Host
		}
		if name == "" {
			name = c.URL.Opaque
		}
		return c.First().Method + " " + name
	}
	return g.String()
}
