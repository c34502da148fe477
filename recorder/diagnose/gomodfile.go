package diagnose

import (
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// A modFile is what a dependency's go.mod says that matters to the go command here.
type modFile struct {
	named    bool   // it has a module line
	goLine   string // its go directive, "" without one
	requires []require
}

// A require is one requirement of a go.mod.
type require struct {
	path, version string
	indirect      bool // marked so by a comment
}

// readModFile reads the go.mod of a dependency; ok is false where it is none. Recordings
// have tens of thousands of them, of which nearly all are laid out as `go mod tidy` does
// it: those are read line by line, the others by golang.org/x/mod/modfile, which takes
// twenty times as long.
func readModFile(body []byte) (f modFile, ok bool) {
	if f, ok := scanModFile(string(body)); ok {
		return f, true
	}
	parsed, err := modfile.ParseLax("go.mod", body, nil)
	if err != nil {
		return modFile{}, false
	}
	f.named = parsed.Module != nil
	if parsed.Go != nil {
		f.goLine = parsed.Go.Version
	}
	for _, r := range parsed.Require {
		f.requires = append(f.requires, require{r.Mod.Path, r.Mod.Version, r.Indirect})
	}
	return f, true
}

// A modGraph is how far the go command reads on from a module's go.mod.
type modGraph uint8

const (
	graphUnknown modGraph = iota // the file was not kept, or is none
	graphWhole                   // to all that it requires, and so on: its go line is before 1.17
	graphPruned                  // no further
)

func (f *modFile) graph() modGraph {
	if f.goLine != "" && prunes(f.goLine) {
		return graphPruned
	}
	return graphWhole
}

// scanModFile reads a go.mod that has nothing but plain lines. What it takes it reads as
// modfile.ParseLax does; false: it is not for it.
func scanModFile(text string) (f modFile, ok bool) {
	block := "" // the verb of the block that the line is in
	for line := range strings.SplitSeq(text, "\n") {
		code, comment, commented := strings.Cut(line, "//")
		word, rest := field(code)
		if !plain(code, comment) {
			return f, false
		}
		if word == "" {
			continue
		}
		switch arg, more := field(rest); {
		case block != "" && word == ")":
			if arg != "" || commented {
				return f, false
			}
			block = ""
		case block != "":
			if !f.line(block, code, comment) {
				return f, false
			}
		case arg == "(":
			if more, _ = field(more); more != "" || commented || word == "module" || word == "go" {
				return f, false
			}
			block = word
		default:
			if !f.line(word, rest, comment) {
				return f, false
			}
		}
	}
	return f, block == ""
}

// line takes one statement, or one line of a block; false: it is not a plain one.
func (f *modFile) line(verb, args, comment string) bool {
	first, rest := field(args)
	second, rest := field(rest)
	third, _ := field(rest)
	if strings.ContainsAny(args, "()") {
		return false
	}
	switch verb {
	case "toolchain", "exclude", "replace", "godebug", "tool": // the main module's alone
		return true
	case "module":
		if f.named || first == "" || second != "" {
			return false
		}
		f.named = true
		return true
	case "go":
		if f.goLine != "" || second != "" || !modfile.GoVersionRE.MatchString(first) {
			return false
		}
		f.goLine = first
		return true
	case "require":
		if second == "" || third != "" || module.CanonicalVersion(second) != second {
			return false
		}
		_, major, ok := module.SplitPathVersion(first)
		if !ok || module.CheckPathMajor(second, major) != nil {
			return false
		}
		mark, more := field(comment)
		indirect := mark == "indirect;" && strings.TrimSpace(more) != "" || mark == "indirect" && strings.TrimSpace(more) == ""
		f.requires = append(f.requires, require{first, second, indirect})
		return true
	}
	return false
}

// field cuts the first word off s.
func field(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// plain reports whether a line is all ASCII, and has only such characters before its
// comment as mean themselves.
func plain(code, comment string) bool {
	for i := range len(code) {
		switch c := code[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '-' <= c && c <= '9': // with . and /
		case c != ' ' && c != '\t' && strings.IndexByte("_~+=>!()", c) < 0:
			return false
		}
	}
	for i := range len(comment) {
		if c := comment[i]; c < ' ' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}
