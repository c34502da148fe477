package origintest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"golang.org/x/mod/zip"
)

// ModuleBase is the path that every generated module begins with.
const ModuleBase = "example.golang.test"

// A Shape describes a generated graph of modules example.golang.test/m0, m1, … The zero
// value has 12 modules with 2 versions each in a graph 3 deep, with small zips.
type Shape struct {
	Modules  int    // default 12
	Versions int    // of each module, v1.0.0, v1.1.0, …; default 2
	Depth    int    // length of the longest chain of requirements, default 3
	Go       string // go directive of every go.mod, default 1.21
	Size     int    // filling of each zip in bytes, default 2,000
	Files    int    // files of filling in each zip, default 1
	Big      int    // this many modules, the first ones, have BigSize random bytes
	BigSize  int    // default 5,000,000
}

func (s Shape) withDefaults() Shape {
	def := func(p *int, d int) {
		if *p == 0 {
			*p = d
		}
	}
	def(&s.Modules, 12)
	def(&s.Versions, 2)
	def(&s.Depth, 3)
	def(&s.Size, 2000)
	def(&s.BigSize, 5_000_000)
	s.Depth = min(s.Depth, s.Modules)
	return s
}

// width is the number of modules in a layer; the last layer may have fewer.
func (s Shape) width() int { return (s.Modules + s.Depth - 1) / s.Depth }

// Generate returns the modules of the shape. Those of one layer require one or two of the
// next, at v1.0.0, so that upgrades exist for go list -m -u.
func (s Shape) Generate() []Module {
	s = s.withDefaults()
	var modules []Module
	for i := range s.Modules {
		m := Module{Path: s.path(i)}
		for k := range s.Versions {
			v := Version{
				Version:  fmt.Sprintf("v1.%d.0", k),
				Go:       s.Go,
				Requires: s.requires(i),
				Size:     s.Size,
				Files:    s.Files,
			}
			if i < s.Big {
				v.Size, v.Incompressible = s.BigSize, true
			}
			m.Versions = append(m.Versions, v)
		}
		modules = append(modules, m)
	}
	return modules
}

// All names every module ("path@version"), as the go.mod of a tidy main module does: with it
// go mod download fetches them all.
func (s Shape) All() []string {
	s = s.withDefaults()
	var all []string
	for i := range s.Modules {
		all = append(all, s.path(i)+"@v1.0.0")
	}
	return all
}

// Roots names the modules of the first layer. A main module that requires these alone gets
// the rest by go mod tidy; go mod download does not look further, as graphs are pruned.
func (s Shape) Roots() []string {
	s = s.withDefaults()
	var roots []string
	for i := range min(s.width(), s.Modules) {
		roots = append(roots, s.path(i)+"@v1.0.0")
	}
	return roots
}

func (s Shape) path(i int) string { return fmt.Sprintf("%s/m%d", ModuleBase, i) }

func (s Shape) requires(i int) []string {
	w := s.width()
	next := (i/w + 1) * w // first module of the next layer
	var reqs []string
	for _, j := range []int{i%w + next, (i+1)%w + next} {
		if j < min(next+w, s.Modules) && (len(reqs) == 0 || w > 1) {
			reqs = append(reqs, s.path(j)+"@v1.0.0")
		}
	}
	return reqs
}

// Specials returns modules that are unusual in one way each:
//
//	example.golang.test/Upper         an upper-case path (sent as !upper)
//	example.golang.test/incompatible  v2.0.0+incompatible, no go.mod
//	example.golang.test/untagged      a pseudo-version, empty list, found by @latest
//	example.golang.test/retracted     v1.1.0 is retracted by v1.2.0, with v1.2.0 itself
//	example.golang.test/major/v2      a major version suffix
func Specials() []Module {
	return []Module{
		{Path: ModuleBase + "/Upper", Versions: []Version{{Version: "v1.0.0"}, {Version: "v1.3.2-RC.1"}}},
		{Path: ModuleBase + "/incompatible", Versions: []Version{
			{Version: "v1.0.0", NoGoMod: true},
			{Version: "v2.0.0+incompatible", NoGoMod: true},
		}},
		{Path: ModuleBase + "/untagged", Versions: []Version{{Version: "v0.0.0-20240501120000-0123456789ab"}}},
		{Path: ModuleBase + "/retracted", Versions: []Version{
			{Version: "v1.0.0"},
			{Version: "v1.1.0"},
			{Version: "v1.2.0", Retract: []string{"v1.1.0", "v1.2.0"}},
		}},
		{Path: ModuleBase + "/major/v2", Versions: []Version{{Version: "v2.0.0"}, {Version: "v2.1.0"}}},
	}
}

// DefaultTree returns the tree of an [Origin] that was given none: the zero [Shape] and
// [Specials]. It is built once in a process.
func DefaultTree() *Tree { return defaultTree() }

var defaultTree = sync.OnceValue(func() *Tree {
	t, err := NewTree(append(Shape{}.Generate(), Specials()...))
	if err != nil {
		panic(err) // the modules are constants of this package
	}
	return t
})

// filling is v.Size bytes in v.Files files, the same on every run.
func (v Version) filling(modpath string) []zip.File {
	if v.Size <= 0 {
		return nil
	}
	rng := rand.NewChaCha8(sha256.Sum256([]byte(modpath + "@" + v.Version)))
	n := max(v.Files, 1)
	var files []zip.File
	for i := range n {
		size := v.Size / n
		name := fmt.Sprintf("testdata/d%02d/f%04d.txt", i%20, i)
		data := make([]byte, size)
		if v.Incompressible {
			name = strings.TrimSuffix(name, "txt") + "bin"
			_, _ = rng.Read(data)
		} else {
			words(rng, data)
		}
		files = append(files, memFile{name, data})
	}
	return files
}

// words fills data with text that compresses as source code does, about 4 to 1.
func words(rng *rand.ChaCha8, data []byte) {
	const line = "func (c *Client) Do(ctx context.Context, req *Request) error { return nil } // "
	for i := 0; i < len(data); {
		i += copy(data[i:], line)
		var tail [8]byte
		_, _ = rng.Read(tail[:])
		i += copy(data[i:], hex.EncodeToString(tail[:])+"\n")
	}
}

// storageObject is the name that a zip has in object storage, as proxy.golang.org does it:
// 16 hex digits, then the path with ':' for '/'.
func storageObject(modpath, version string) string {
	h := sha256.Sum256([]byte(modpath + "@" + version))
	return hex.EncodeToString(h[:8]) + "-" + strings.ReplaceAll(modpath, "/", ":") + "-" + version + ".zip"
}
