package diagnose

import (
	"strings"

	"golang.org/x/mod/semver"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// prunedSince is the go directive from which on a go.mod lists all that its packages
// need, so that the go command does not read on from it (cmd/go/internal/gover).
const prunedSince = "v1.17"

// A requirement is one line of a module's go.mod.
type requirement struct {
	module   string // "path@version"
	indirect bool   // no package of the module imports one of it
}

// A goMod is what matters of a module's go.mod.
type goMod struct {
	requires []requirement
	pruned   bool // what it requires is not read because of it
}

// readGoMod reads the body of a .mod file; ok is false when it is none.
func readGoMod(body []byte) (m goMod, ok bool) {
	f, ok := readModFile(body)
	if !ok || !f.named {
		return goMod{}, false
	}
	for _, r := range f.requires {
		m.requires = append(m.requires, requirement{r.path + "@" + r.version, r.indirect})
	}
	m.pruned = f.graph() == graphPruned
	return m, true
}

// semverOf writes a Go version ("1.21", "1.21rc2") as a semantic version.
func semverOf(v string) string {
	end := strings.IndexFunc(v, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		v = v[:end]
	}
	return "v" + strings.TrimSuffix(v, ".")
}

// goMods reads every .mod file whose body was kept, by "path@version".
func (a *Analysis) goMods() map[string]goMod {
	mods := map[string]goMod{}
	for i := range a.In.Exchanges {
		x := &a.In.Exchanges[i]
		if x.Go.Kind != gomod.Mod {
			continue
		}
		if m, ok := readGoMod(bodyOf(x)); ok {
			mods[moduleOf(x)] = m
		}
	}
	return mods
}

// moduleOf is the "path@version" that x is about.
func moduleOf(x *recorder.Exchange) string { return x.Go.Module + "@" + x.Go.Version }

// prunes reports whether graphs are pruned under this go directive.
func prunes(directive string) bool { return semver.Compare(semverOf(directive), prunedSince) >= 0 }
