package diagnose

import (
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// nearly is how soon a call must follow what freed it for their order alone to be a
// reason, and for a rule to be believed that other calls speak against.
const nearly = 20 * jitter

// unpackWithin is how long a small .zip may take to be unpacked on a disk that is busy.
const unpackWithin = 1000 * jitter

// A graph finds what each call had to wait for. It looks at the calls in the order of
// starting.
type graph struct {
	a       *Analysis
	p       *progress
	tasks   *tasks
	parents map[file]int32     // .mod: the first one to be over that requires it
	users   map[string][]int32 // module that has a .zip: the .mod files that require it
	slots   map[gomod.Kind]*pool
	// download: all .mod, then each .info by itself, then all .zip. It is what `go mod
	// download` does, and what a recording without a command looks like when it is one.
	download bool

	rate float64 // of unpacking, nanoseconds per byte

	n    int   // the call
	deps []Dep // of it, so far
}

// depend fills in Preds, Pred and Why of every call.
func (a *Analysis) depend() {
	if len(a.Calls) == 0 {
		return
	}
	g := &graph{a: a, tasks: a.tasks(), p: a.progress(nil), download: a.downloads(), rate: a.unpackRate()}
	a.lead = g.tasks.owner
	g.readMods()
	g.slots = map[gomod.Kind]*pool{
		gomod.Mod:  {g: g, size: a.Env.MaxProcs},
		gomod.Zip:  {g: g, size: a.Env.MaxProcs, always: g.download},
		gomod.Info: {g: g, size: a.Env.MaxProcs},
	}
	if a.Env.MaxProcs == 0 {
		g.slots[gomod.Zip].size = a.most(gomod.Zip)
	}
	for n := range a.Calls {
		g.n, g.deps = n, g.deps[:0]
		g.p.begin(n)
		a.Calls[n].opening = a.openingOf(&a.Calls[n])
		g.rules()
		g.settle()
	}
}

// need adds a call that the current one waits for, if it can be one: it had begun before
// and ended by the start of the current one. -1 is none.
func (g *graph) need(by int, why Reason) {
	if by < 0 || by >= g.n || g.a.Calls[by].End > g.p.now+jitter {
		return
	}
	for _, d := range g.deps {
		if d.Call == by {
			return
		}
	}
	g.deps = append(g.deps, Dep{Call: by, Why: why})
}

// needTask adds the last call of the task that lead leads.
func (g *graph) needTask(lead int, why Reason) {
	if lead < 0 {
		return
	}
	if last := int(g.tasks.last[lead]); last < g.n && g.a.Calls[last].End <= g.p.now+jitter {
		lead = last
	}
	g.need(lead, why)
}

// settle chooses the binding one of the call's dependencies, the one that ended last, and
// gives each its lag.
func (g *graph) settle() {
	c := &g.a.Calls[g.n]
	best := g.binding()
	if best < 0 || g.doubtful(best) {
		if by := g.p.latest(g.n, c.Start-c.opening); by >= 0 && (best < 0 || g.a.Calls[by].End > g.a.Calls[g.deps[best].Call].End+jitter) {
			g.need(by, whyGuess)
			best = g.binding()
		}
	}
	if best < 0 {
		c.Why = string(whyFirst)
		return
	}
	g.deps[0], g.deps[best] = g.deps[best], g.deps[0]
	c.Pred = g.deps[0].Call
	c.Why = g.a.why(g.n, c.Pred, g.deps[0].Why)
	lag := c.Start - g.a.Calls[c.Pred].End
	for i := range g.deps {
		// The work between an answer and the next request is done whichever answer came
		// last; what lies behind a slot is another module's, and not waited for otherwise.
		g.deps[i].Lag = lag
		if i > 0 && g.deps[0].Why == whySlot {
			g.deps[i].Lag = min(0, c.Start-g.a.Calls[g.deps[i].Call].End)
		}
	}
	c.Preds = slices.Clone(g.deps)
}

// binding is the index in deps of the one that ended last; of several, the first.
func (g *graph) binding() int {
	best := -1
	for i, d := range g.deps {
		if best < 0 || g.a.Calls[d.Call].End > g.a.Calls[g.deps[best].Call].End {
			best = i
		}
	}
	return best
}

// doubtful reports whether the rule that binds leaves a wait which it does not explain.
func (g *graph) doubtful(best int) bool {
	d := g.deps[best]
	switch d.Why {
	case whySlot, whySerial, whyAllInfos, whyLookup, whyTile, whyTiles, whySupported, whyHead, whyGit:
		return false
	case whyImported, whyMod:
		return g.p.now-g.a.Calls[d.Call].End > nearly+2*g.unpacking(int(g.tasks.owner[d.Call]))
	case whyZip: // the same worker asks for it, when the .zip is unpacked
		return g.p.now-g.a.Calls[d.Call].End > unpackWithin+2*g.unpacking(int(g.tasks.owner[d.Call]))
	}
	return g.p.now-g.a.Calls[d.Call].End > nearly
}

// downloads reports whether the run has the phases of `go mod download`.
func (a *Analysis) downloads() bool {
	if words := a.goCommand(); len(words) > 0 {
		return len(words) == 2 && words[0] == "mod" && words[1] == "download"
	}
	infos := 0
	for i := range a.Calls {
		if a.Calls[i].First().Go.Kind == gomod.Info {
			infos++
		}
	}
	return infos >= 5 && a.most(gomod.Info) == 1
}

// goCommand is the go command's subcommand and arguments without flags: "mod", "download";
// nil where another program was run, or none.
func (a *Analysis) goCommand() []string {
	s := a.In.Session
	if s == nil || len(s.Argv) == 0 {
		return nil
	}
	name := s.Argv[0]
	name = strings.TrimSuffix(strings.ToLower(name[strings.LastIndexAny(name, `/\`)+1:]), ".exe")
	if name != "go" && !strings.HasPrefix(name, "go1.") { // of golang.org/dl
		return nil
	}
	var words []string
	for i := 1; i < len(s.Argv); i++ {
		switch w := s.Argv[i]; {
		case w == "-C" || w == "--C":
			i++ // the folder
		case !strings.HasPrefix(w, "-"):
			words = append(words, w)
		}
	}
	return words
}

// most is how many calls of a kind were ever in flight at once.
func (a *Analysis) most(kind gomod.Kind) int {
	var ends []recorder.Span // of those in flight
	most := 0
	for i := range a.Calls {
		c := &a.Calls[i]
		if c.First().Go.Kind != kind {
			continue
		}
		ends = slices.DeleteFunc(ends, func(end recorder.Span) bool { return end <= c.Start+jitter })
		ends = append(ends, c.End)
		most = max(most, len(ends))
	}
	return most
}

// openingOf is how long, just before it was asked, c waited for its connection's opening:
// the connection was opened for it or for another, and c is among the first that it took.
// Its own opening, when modtap could tell, is in the exchange's phases.
func (a *Analysis) openingOf(c *Call) recorder.Span {
	x := c.First()
	k := a.conns[x.Conn]
	if k == nil || !x.Server.Reused {
		return 0
	}
	start, ready := a.at(k.Start), a.readyAt(k)
	if ready <= start || start >= c.Start || ready > c.Start+jitter || c.Start-ready > claimed {
		return 0
	}
	return c.Start - start
}

// claimed is how soon after its connection was there a request must come to have waited
// for it.
const claimed = 30 * jitter

// openedBy is when a connection to a server could take requests, as an offset from its
// start; 0: never.
func openedBy(k *recorder.Conn) recorder.Span {
	return max(k.Marks.ConnectDone, k.Marks.ProxyDone, k.Marks.TLSDone)
}

// readyAt is when the child could use a connection, for which its own handshake with
// modtap must have ended too.
func (a *Analysis) readyAt(k *recorder.Conn) recorder.Span {
	ready := a.at(k.Start) + openedBy(k)
	if t := a.tunnels[k.Tunnel]; t != nil && t.Conn == k.ID && t.TLSDone > 0 {
		ready = max(ready, a.at(t.Start)+t.TLSDone)
	}
	return ready
}
