package origintest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// Every zip must pass the go command's own check, and every sum must be the zip's.
func TestTreeIsCorrect(t *testing.T) {
	tree := DefaultTree()
	for name, sum := range tree.sums {
		path, version, _ := strings.Cut(name, "@")
		file := filepath.Join(t.TempDir(), "m.zip")
		if err := os.WriteFile(file, tree.Zip(path, version), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := zip.CheckZip(module.Version{Path: path, Version: version}, file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h1, err := dirhash.HashZip(file, dirhash.Hash1)
		if err != nil {
			t.Fatal(err)
		}
		if want := path + " " + version + " " + h1 + "\n"; !strings.HasPrefix(sum, want) {
			t.Errorf("sum of %s is %q, want a beginning %q", name, sum, want)
		}
		esc, _ := module.EscapePath(path)
		mod := tree.files[esc+"/@v/"+escapeVersion(version)+".mod"].data
		if _, err := modfile.Parse("go.mod", mod, nil); err != nil {
			t.Errorf("go.mod of %s: %v", name, err)
		}
	}
}

var latestTests = []struct {
	name     string
	versions []string
	want     string
}{
	{"no versions", nil, ""},
	{"the highest release", []string{"v1.0.0", "v1.10.0", "v1.9.0"}, "v1.10.0"},
	{"a release before a higher pre-release", []string{"v1.0.0", "v1.1.0-rc.1"}, "v1.0.0"},
	{"a pre-release before a higher pseudo-version", []string{"v1.1.0-rc.1", "v1.2.1-0.20240501120000-0123456789ab"}, "v1.1.0-rc.1"},
	{"a pseudo-version where there is no other", []string{"v0.0.0-20240501120000-0123456789ab"}, "v0.0.0-20240501120000-0123456789ab"},
	{"incompatible", []string{"v1.0.0", "v2.0.0+incompatible"}, "v2.0.0+incompatible"},
}

func TestLatest(t *testing.T) {
	for _, tt := range latestTests {
		t.Run(tt.name, func(t *testing.T) {
			var vs []Version
			for _, v := range tt.versions {
				vs = append(vs, Version{Version: v})
			}
			if got := latest(vs); got != tt.want {
				t.Errorf("latest = %q, want %q", got, tt.want)
			}
		})
	}
}

var shapeTests = []struct {
	name  string
	shape Shape
	roots int
	depth int
}{
	{"default", Shape{}, 4, 3},
	{"flat", Shape{Modules: 5, Depth: 1}, 5, 1},
	{"a chain", Shape{Modules: 6, Depth: 6}, 1, 6},
	{"one module", Shape{Modules: 1}, 1, 1},
	{"uneven layers", Shape{Modules: 7, Depth: 2}, 4, 2},
}

func TestShape(t *testing.T) {
	for _, tt := range shapeTests {
		t.Run(tt.name, func(t *testing.T) {
			reqs := map[string][]string{}
			for _, m := range tt.shape.Generate() {
				reqs[m.Path+"@v1.0.0"] = m.Versions[0].Requires
			}
			roots := tt.shape.Roots()
			if len(roots) != tt.roots {
				t.Errorf("roots = %v, want %d", roots, tt.roots)
			}
			seen := map[string]bool{}
			depth := 0
			for layer := roots; len(layer) > 0; depth++ {
				var next []string
				for _, m := range layer {
					if _, ok := reqs[m]; !ok {
						t.Fatalf("%s is required but does not exist", m)
					}
					if !seen[m] {
						next = append(next, reqs[m]...)
					}
					seen[m] = true
				}
				layer = next
			}
			if depth != tt.depth || len(seen) != len(reqs) {
				t.Errorf("depth %d, reachable %d; want %d, %d", depth, len(seen), tt.depth, len(reqs))
			}
		})
	}
}

func TestSizeIsTheSizeOfAnIncompressibleZip(t *testing.T) {
	m := Module{Path: ModuleBase + "/big", Versions: []Version{{Version: "v1.0.0", Size: 300_000, Files: 7, Incompressible: true}}}
	tree, err := NewTree([]Module{m})
	if err != nil {
		t.Fatal(err)
	}
	z := tree.Zip(m.Path, "v1.0.0")
	if len(z) < 300_000-7 || len(z) > 310_000 {
		t.Errorf("zip has %d bytes, want about 300,000", len(z))
	}
	again, err := NewTree([]Module{m})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(z, again.Zip(m.Path, "v1.0.0")) {
		t.Error("the same module gave another zip")
	}
	if diff := cmp.Diff(tree.sums, again.sums); diff != "" {
		t.Error(diff)
	}
}
