package diagnose

import (
	"strings"

	"modtap/recorder/gomod"
)

// rules adds what the current call had to wait for, by what it asks for.
func (g *graph) rules() {
	x := g.a.Calls[g.n].First()
	kind := x.Go.Kind
	g.need(g.fallback(), whyFallback)
	g.need(g.unreached(), whyUnreached)
	switch kind {
	case gomod.Mod:
		g.mod(x.Go)
	case gomod.Zip:
		g.zip(x.Go)
	case gomod.Info:
		g.info(x.Go)
	case gomod.List:
		g.list(x.Go)
	case gomod.Latest:
		g.need(g.p.of(gomod.List, x.Go.Module, "", g.n), whyNoList)
	case gomod.SumdbSupported, gomod.SumdbLookup, gomod.SumdbTile:
		g.sumdb(x.Go)
	case gomod.ToolchainList, gomod.ToolchainInfo, gomod.ToolchainMod, gomod.ToolchainZip:
		g.toolchain()
	case gomod.GoGet, gomod.GitInfoRefs, gomod.GitUploadPack, gomod.RepoProbe, gomod.Hg, gomod.Svn, gomod.Bzr, gomod.Fossil:
		g.vcs(x.Go)
	}
	if len(g.deps) == 0 {
		g.need(g.p.of(gomod.ToolchainZip, x.Go.Module, x.Go.Version, g.n), whyToolchain)
	}
}

// fallback is the call for the same file that an earlier entry of GOPROXY did not answer.
func (g *graph) fallback() int {
	c := &g.a.Calls[g.n]
	if c.Entry <= 0 {
		return -1
	}
	f := fileOf(c)
	by := g.p.of(f.kind, f.module, f.version, g.n)
	if f.module == "" && f.kind != gomod.SumdbSupported || by < 0 {
		return -1
	}
	if d := &g.a.Calls[by]; d.Entry >= 0 && d.Entry < c.Entry && !good(d) {
		return by
	}
	return -1
}

// unreached is the last failed connection to an earlier entry of GOPROXY; -1: none. Such a
// connection names no file, so it is not known which one it was opened for.
func (g *graph) unreached() int {
	list := g.p.kind[string(gomod.Connect)]
	entry := g.a.Calls[g.n].Entry
	for i, seen := len(list)-1, 0; i >= 0 && seen < maxLook && entry > 0; i, seen = i-1, seen+1 {
		n := int(list[i])
		if c := &g.a.Calls[n]; n < g.n && c.Entry >= 0 && c.Entry < entry && !good(c) {
			return n
		}
	}
	return -1
}

// good reports whether the call was answered with what it asked for.
func good(c *Call) bool {
	x := c.Last()
	return x.Err == nil && x.Status >= 200 && x.Status < 300
}

func (g *graph) mod(r gomod.Request) {
	if g.tasks.owner[g.n] != int32(g.n) {
		g.need(int(g.tasks.after[g.n]), whyZip)
		g.need(int(g.tasks.owner[g.n]), whyZip)
		return
	}
	g.needTask(g.slots[gomod.Mod].take(g.n), whySlot)
	g.need(g.p.of(gomod.Info, r.Module, r.Version, g.n), whyInfo)
	if parent, ok := g.parents[file{gomod.Mod, r.Module, r.Version}]; ok {
		g.needTask(int(parent), whyRequired)
	}
}

func (g *graph) zip(r gomod.Request) {
	slot := g.slots[gomod.Zip].take(g.n)
	if g.download {
		g.needTask(slot, whySlot)
		g.need(g.p.last(string(gomod.Info), g.n), whyAllInfos)
		return
	}
	g.need(g.p.of(gomod.Info, r.Module, r.Version, g.n), whyInfo)
	if mod := g.p.of(gomod.Mod, r.Module, r.Version, g.n); mod >= 0 {
		g.needTask(mod, whyMod)
	}
	g.needTask(slot, whySlot)
	user := -1
	for _, mod := range g.users[r.Module] {
		u := g.a.Calls[mod].First().Go
		user = later(g.a.Calls, user, g.p.of(gomod.Zip, u.Module, u.Version, g.n))
	}
	g.need(user, whyImported)
}

func (g *graph) info(r gomod.Request) {
	g.need(g.p.of(gomod.List, r.Module, "", g.n), whyVersion)
	g.need(g.p.of(gomod.Latest, r.Module, "", g.n), whyVersion)
	if !g.download {
		slot := g.slots[gomod.Info].take(g.n)
		if g.p.of(gomod.Zip, r.Module, r.Version, g.n) >= 0 { // go build, go list: in parallel, when all else is there
			g.needTask(slot, whySlot)
			g.need(later(g.a.Calls, g.p.last(string(gomod.Zip), g.n), g.p.last(string(gomod.Mod), g.n)), whyAllZips)
		}
		return
	}
	if before := g.p.last(string(gomod.Info), g.n); before >= 0 {
		g.need(before, whySerial)
		return
	}
	g.need(later(g.a.Calls, g.p.last("mod", g.n), g.p.last("sumdb", g.n)), whyAllMods)
}

func (g *graph) list(r gomod.Request) {
	// `go list -m -u` looks for newer versions when it has the version's .info; no rule says
	// what made go look for a module at all.
	if info := g.p.last(string(gomod.Info), g.n); info >= 0 && g.a.Calls[info].First().Go.Module == r.Module {
		g.need(info, whyInfo)
	}
	g.need(g.probed(r.Module), whyProbed)
}

// probed is the last question to an earlier GOPROXY entry about a prefix of the same path
// that ended: every prefix is asked of one entry at once, then of the next
// (cmd/go/internal/modload/query.go, queryPrefixModules).
func (g *graph) probed(path string) int {
	list := g.p.kind[string(gomod.List)]
	entry := g.a.Calls[g.n].Entry
	for i, seen := len(list)-1, 0; i >= 0 && seen < maxLook && entry > 0; i, seen = i-1, seen+1 {
		n := int(list[i])
		if c := &g.a.Calls[n]; n < g.n && c.Entry >= 0 && c.Entry < entry && within(c.First().Go.Module, path) {
			return n
		}
	}
	return -1
}

func (g *graph) sumdb(r gomod.Request) {
	switch r.Kind {
	case gomod.SumdbSupported:
		g.need(later(g.a.Calls, g.p.last("mod", g.n), later(g.a.Calls, g.p.last("zip", g.n), g.p.last("toolchain", g.n))), whyVerify)
	case gomod.SumdbLookup:
		own := later(g.a.Calls, g.p.of(gomod.Mod, r.Module, r.Version, g.n), g.p.of(gomod.Zip, r.Module, r.Version, g.n))
		if own < 0 {
			own = g.p.of(gomod.ToolchainZip, r.Module, r.Version, g.n)
		}
		g.need(own, whyLookup)
		g.need(g.p.last(string(gomod.SumdbSupported), g.n), whySupported)
		if g.p.last(string(gomod.SumdbLookup), g.n) < 0 {
			g.need(g.p.last(string(gomod.SumdbTile), g.n), whyHead)
		}
		if own < 0 {
			g.need(g.p.last(string(gomod.GitUploadPack), g.n), whyFetched)
		}
	case gomod.SumdbTile:
		g.tile()
	}
}

// tile: the record's lookup, or the round of tiles before of the same task.
func (g *graph) tile() {
	lead := g.tasks.owner[g.n]
	lookup := string(gomod.SumdbLookup)
	for i, seen := len(g.p.kind[lookup])-1, 0; i >= 0 && seen < maxLook; i, seen = i-1, seen+1 {
		if by := g.p.kind[lookup][i]; g.tasks.owner[by] == lead {
			g.need(int(by), whyTile)
			break
		}
	}
	tile := string(gomod.SumdbTile)
	for i, seen := len(g.p.kind[tile])-1, 0; i >= 0 && seen < maxLook; i, seen = i-1, seen+1 {
		if by := g.p.kind[tile][i]; g.tasks.owner[by] == lead {
			g.need(int(by), whyTiles)
			break
		}
	}
	if len(g.deps) > 0 {
		return
	}
	if by := later(g.a.Calls, g.p.last(lookup, g.n), g.p.last(tile, g.n)); by >= 0 {
		g.need(by, whyTiles)
		return
	}
	g.need(g.p.last(string(gomod.SumdbSupported), g.n), whyHead)
}

// maxLook bounds how many calls are looked at for one rule: what was asked long ago is
// not what a call waits for.
const maxLook = 64

func (g *graph) toolchain() {
	g.need(g.p.last("toolchain", g.n), whyVersion)
}

// vcs is direct mode: the page with the go-import tag, then git, one request after another
// in a repository (cmd/go/internal/vcs, modfetch/codehost).
func (g *graph) vcs(r gomod.Request) {
	switch r.Kind {
	case gomod.GoGet:
		g.need(g.refused(r.Module), whyDirect)
		if by := g.p.last(string(gomod.GoGet), g.n); by >= 0 && within(g.a.Calls[by].First().Go.Module, r.Module) {
			g.need(by, whyRoot)
		}
	case gomod.RepoProbe:
		g.need(g.p.last(string(gomod.GitInfoRefs), g.n), whyProbe)
	default:
		if by := g.sameRepo(r.Repo); by >= 0 {
			g.need(by, whyGit)
			return
		}
		g.need(g.p.last(string(gomod.GoGet), g.n), whyPage)
		if len(g.deps) == 0 {
			g.need(g.refused(r.Module), whyDirect)
		}
	}
}

// sameRepo is the last request to a repository that ended; -1: none.
func (g *graph) sameRepo(repo string) int {
	list := g.p.kind["git"]
	for i, seen := len(list)-1, 0; i >= 0 && seen < maxLook; i, seen = i-1, seen+1 {
		n := int(list[i])
		if n < g.n && repo != "" && g.a.Calls[n].First().Go.Repo == repo {
			return n
		}
	}
	return -1
}

// refused is the last call that ended in which a GOPROXY entry did not have a module that
// path is in; -1: none.
func (g *graph) refused(path string) int {
	for i, seen := g.p.done-1, 0; i >= 0 && seen < maxLook; i, seen = i-1, seen+1 {
		n := int(g.p.byEnd[i])
		c := &g.a.Calls[n]
		if s := c.Last().Status; n < g.n && c.Entry >= 0 && (s == 404 || s == 410) && within(path, c.First().Go.Module) {
			return n
		}
	}
	return -1
}

// within reports whether one of two import paths is the other or a part of it.
func within(p, q string) bool {
	if p == "" || q == "" {
		return false
	}
	if len(p) < len(q) {
		p, q = q, p
	}
	return p == q || strings.HasPrefix(p, q+"/")
}
