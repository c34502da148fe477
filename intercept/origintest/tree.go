package origintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// A Module is one module of a [Tree]. Its list has every version that is no pseudo-version,
// so a module with pseudo-versions alone answers an empty list and is only found by @latest.
type Module struct {
	Path     string
	Versions []Version
}

// A Version is one version of a [Module]. The zero value of every field but Version is fine.
type Version struct {
	Version  string
	Time     time.Time         // zero: a fixed day in 2024
	Go       string            // go directive, default 1.21; before 1.17 the graph is not pruned
	Requires []string          // "path@version"; the package of this module imports each
	Retract  []string          // versions that this go.mod retracts
	NoGoMod  bool              // no go.mod in the zip, as +incompatible versions have
	Size     int               // bytes of filling in the zip, before compression
	Files    int               // number of files of filling, default 1
	Content  map[string]string // further files of the zip, by their paths in the module
	// Incompressible makes the filling random, so that the zip is as large as Size says.
	Incompressible bool
}

// A Tree is the content of a module proxy, built once and safe to share between origins.
type Tree struct {
	files map[string]file   // escaped URL path without a leading slash
	zips  map[string]string // storage object name to the path of the zip
	sums  map[string]string // "path@version" to its go.sum lines
}

type file struct {
	kind string // Content-Type
	data []byte
}

// NewTree builds every file that the modules have on a proxy: list, info, mod, zip, @latest.
func NewTree(modules []Module) (*Tree, error) {
	t := &Tree{files: map[string]file{}, zips: map[string]string{}, sums: map[string]string{}}
	for _, m := range modules {
		if err := t.add(m); err != nil {
			return nil, fmt.Errorf("build module %s: %w", m.Path, err)
		}
	}
	return t, nil
}

// Zip returns the zip of a module version, or nil: what a test compares a download with.
func (t *Tree) Zip(modpath, version string) []byte {
	esc, err := module.EscapePath(modpath)
	if err != nil {
		return nil
	}
	return t.files[esc+"/@v/"+escapeVersion(version)+".zip"].data
}

// Sum returns the two go.sum lines of a module version, or "" when the tree lacks it.
func (t *Tree) Sum(modpath, version string) string { return t.sums[modpath+"@"+version] }

const (
	textType = "text/plain; charset=UTF-8"
	jsonType = "application/json"
	zipType  = "application/zip"
)

func (t *Tree) add(m Module) error {
	esc, err := module.EscapePath(m.Path)
	if err != nil {
		return err
	}
	var list []string
	for _, v := range m.Versions {
		if !module.IsPseudoVersion(v.Version) {
			list = append(list, v.Version)
		}
		if err := t.addVersion(esc, m.Path, v); err != nil {
			return err
		}
	}
	semver.Sort(list)
	var text string
	if len(list) > 0 {
		text = strings.Join(list, "\n") + "\n"
	}
	t.files[esc+"/@v/list"] = file{textType, []byte(text)}
	if latest := latest(m.Versions); latest != "" {
		t.files[esc+"/@latest"] = t.files[esc+"/@v/"+escapeVersion(latest)+".info"]
	}
	return nil
}

func (t *Tree) addVersion(esc, modpath string, v Version) error {
	if v.Time.IsZero() {
		v.Time = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	}
	mv := module.Version{Path: modpath, Version: v.Version}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{v.Version, v.Time})
	if err != nil {
		return err
	}
	gomod := v.goMod(modpath)
	files := v.contents(modpath, gomod)
	var buf bytes.Buffer
	if err := zip.Create(&buf, mv, files); err != nil {
		return err
	}
	sum, err := sums(mv, gomod, files)
	if err != nil {
		return err
	}
	base := esc + "/@v/" + escapeVersion(v.Version)
	t.files[base+".info"] = file{jsonType, info}
	t.files[base+".mod"] = file{textType, []byte(gomod)}
	t.files[base+".zip"] = file{zipType, buf.Bytes()}
	t.zips[storageObject(modpath, v.Version)] = base + ".zip"
	t.sums[mv.String()] = sum
	return nil
}

// sums computes the go.sum lines from the files themselves: the zip need not be read again.
func sums(mv module.Version, gomod string, files []zip.File) (string, error) {
	var names []string
	open := map[string]func() (io.ReadCloser, error){}
	for _, f := range files {
		name := mv.String() + "/" + f.Path()
		names = append(names, name)
		open[name] = f.Open
	}
	h1, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return open[name]() })
	if err != nil {
		return "", err
	}
	hmod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(gomod)), nil
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s\n", mv.Path, mv.Version, h1, mv.Path, mv.Version, hmod), nil
}

// goMod is the go.mod file that the proxy answers, even if the zip has none.
func (v Version) goMod(modpath string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n", modpath)
	if v.NoGoMod {
		return b.String()
	}
	if v.Go == "" {
		v.Go = "1.21"
	}
	fmt.Fprintf(&b, "\ngo %s\n", v.Go)
	for _, r := range v.Requires {
		p, ver, _ := strings.Cut(r, "@")
		fmt.Fprintf(&b, "\nrequire %s %s\n", p, ver)
	}
	for _, r := range v.Retract {
		fmt.Fprintf(&b, "\nretract %s // published by mistake\n", r)
	}
	return b.String()
}

// contents are the files of the zip: a package that imports what the go.mod requires, so
// that go mod tidy keeps the requirements, and the filling.
func (v Version) contents(modpath, gomod string) []zip.File {
	var src strings.Builder
	src.WriteString("// Package pkg is generated test data.\npackage pkg\n\n")
	for _, r := range v.Requires {
		p, _, _ := strings.Cut(r, "@")
		fmt.Fprintf(&src, "import _ %q\n", p)
	}
	fmt.Fprintf(&src, "\n// ID names this version.\nconst ID = %q\n", modpath+"@"+v.Version)
	files := []zip.File{
		memFile{"LICENSE", []byte("generated test data, public domain\n")},
		memFile{"pkg.go", []byte(src.String())},
	}
	if !v.NoGoMod {
		files = append(files, memFile{"go.mod", []byte(gomod)})
	}
	for _, name := range slices.Sorted(maps.Keys(v.Content)) {
		files = append(files, memFile{name, []byte(v.Content[name])})
	}
	return append(files, v.filling(modpath)...)
}

// latest is what @latest answers: the highest release, else the highest pre-release,
// else the highest pseudo-version.
func latest(versions []Version) string {
	rank := func(v string) int {
		switch {
		case module.IsPseudoVersion(v):
			return 0
		case semver.Prerelease(v) != "":
			return 1
		}
		return 2
	}
	if len(versions) == 0 {
		return ""
	}
	return slices.MaxFunc(versions, func(a, b Version) int {
		if d := rank(a.Version) - rank(b.Version); d != 0 {
			return d
		}
		return semver.Compare(a.Version, b.Version)
	}).Version
}

func escapeVersion(v string) string {
	esc, err := module.EscapeVersion(v)
	if err != nil {
		return v
	}
	return esc
}

// memFile is a file of a zip that lives in memory.
type memFile struct {
	name string
	data []byte
}

func (f memFile) Path() string { return f.name }

func (f memFile) Lstat() (fs.FileInfo, error) { return memInfo{f}, nil }

func (f memFile) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }

type memInfo struct{ f memFile }

func (i memInfo) Name() string       { return path.Base(i.f.name) }
func (i memInfo) Size() int64        { return int64(len(i.f.data)) }
func (i memInfo) Mode() fs.FileMode  { return 0o644 }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return false }
func (i memInfo) Sys() any           { return nil }
