package diagnose

import (
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// defaultGOVCS is what the go command adds to GOVCS (cmd/go/internal/vcs/vcs.go).
const defaultGOVCS = "private:all,public:git|hg"

// vcsAllowed reports whether GOVCS lets the go command use vcs for the repository of root.
// A list that the go command would not read allows everything, as it says so itself.
func (a *Analysis) vcsAllowed(root, vcs string) bool {
	list := defaultGOVCS
	if v := a.Setting("GOVCS"); v != "" {
		list = v + "," + list
	}
	private := module.MatchPrefixPatterns(a.Setting("GOPRIVATE"), root)
	for item := range strings.SplitSeq(list, ",") {
		pattern, allowed, ok := strings.Cut(strings.TrimSpace(item), ":")
		if !ok {
			return true
		}
		pattern = strings.TrimSpace(pattern)
		switch {
		case pattern == "private" && !private, pattern == "public" && private:
			continue
		case pattern != "private" && pattern != "public" && !module.MatchPrefixPatterns(pattern, root):
			continue
		}
		for name := range strings.SplitSeq(allowed, "|") {
			if name = strings.TrimSpace(name); name == "all" || name == vcs {
				return true
			}
		}
		return false
	}
	return false
}

// programName is the name of a program without the ending that Windows gives it.
func programName(name string) string {
	name = strings.ToLower(name[strings.LastIndexAny(name, `/\`)+1:])
	return strings.TrimSuffix(name, ".exe")
}

// helpers are the programs that GOAUTH runs; git is one of them when it has to ask git.
func (a *Analysis) helpers() []string {
	var names []string
	for item := range strings.SplitSeq(a.Setting("GOAUTH"), ";") {
		words := strings.Fields(item)
		if len(words) == 0 || words[0] == "netrc" || words[0] == "off" {
			continue
		}
		if name := programName(words[0]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
