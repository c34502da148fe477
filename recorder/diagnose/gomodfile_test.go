package diagnose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"
)

// modFileTests are go.mod files, and whether they are read line by line.
var modFileTests = []struct {
	name, text string
	plain      bool
}{
	{"as go mod tidy writes it", "module example.com/a/v2\n\ngo 1.24.0\n\ntoolchain go1.24.1\n\nrequire (\n\texample.com/b v1.2.3\n\texample.com/c/v3 v3.0.0-20260102030405-0123456789ab // indirect\n)\n\nrequire example.com/d v2.0.0+incompatible // indirect; for a tool\n\nreplace example.com/d => ../d\n\nexclude (\n\texample.com/b v1.2.2\n)\n", true},
	{"comments", "// Deprecated: use v3.\nmodule example.com/a // here\n// go 1.2\n\nrequire ( \n\t// why\n\texample.com/b v1.2.3 //indirect\n\texample.com/c v1.2.3 // indirect too\n\texample.com/d v1.0.0 // indirect;\n)", true},
	{"gopkg.in", "module gopkg.in/x.v1\nrequire gopkg.in/yaml.v2 v2.4.0\n", true},
	{"a directive of the future", "require of a directive of the future\nrequire rsc.io/quote v1.5.2\n", false},
	{"no module line", "go 1.12\nrequire example.com/b v1.2.3\n", true},
	{"nothing", "", true},
	{"carriage returns", "module example.com/a\r\n\r\ngo 1.20\r\nrequire example.com/b v1.2.3 // indirect\r\n", false},
	{"quoted", "module \"example.com/a\"\nrequire \"example.com/b\" v1.2.3\n", false},
	{"an odd go line", "module example.com/a\ngo 1.17x\n", false},
	{"a version to be made canonical", "module example.com/a\nrequire example.com/b v1.2\n", false},
	{"a build tag", "module example.com/a\nrequire example.com/b v1.2.3+meta\n", false},
	{"a version of another major", "module example.com/a\nrequire example.com/b v2.0.0\n", false},
	{"a branch", "module example.com/a\nrequire example.com/b master\n", false},
	{"retracted", "module example.com/a\nretract [v1.0.0, v1.0.1]\n", false},
	{"two module lines", "module example.com/a\nmodule example.com/b\n", false},
	{"two go lines", "module example.com/a\ngo 1.20\ngo 1.21\n", false},
	{"a block that does not end", "module example.com/a\nrequire (\n\texample.com/b v1.2.3\n", false},
	{"a block on one line", "module example.com/a\nrequire ( example.com/b v1.2.3 )\n", false},
	{"an empty block on one line", "module example.com/a\nrequire ()\ngo 1.20\n", false},
	{"a comment behind a block", "module example.com/a\nrequire (\n\texample.com/b v1.2.3\n) // indirect\n", false},
	{"a comment before a block", "module example.com/a\nrequire ( // indirect\n\texample.com/b v1.2.3\n)\n", false},
	{"a comment of the old kind", "module example.com/a\nrequire example.com/b v1.2.3 /* indirect */\n", false},
	{"an unknown verb", "module example.com/a\nfuture example.com/b\n", false},
	{"no go.mod", "<html><body>not found</body></html>", false},
}

// parsed is what modfile makes of a go.mod.
func parsed(text string) (f modFile, ok bool) {
	p, err := modfile.ParseLax("go.mod", []byte(text), nil)
	if err != nil {
		return f, false
	}
	f.named = p.Module != nil
	if p.Go != nil {
		f.goLine = p.Go.Version
	}
	for _, r := range p.Require {
		f.requires = append(f.requires, require{r.Mod.Path, r.Mod.Version, r.Indirect})
	}
	return f, true
}

// TestReadModFile holds what is read to what golang.org/x/mod/modfile reads.
func TestReadModFile(t *testing.T) {
	for _, test := range modFileTests {
		want, wantOK := parsed(test.text)
		got, ok := readModFile([]byte(test.text))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(modFile{}, require{})); ok != wantOK || diff != "" {
			t.Errorf("%s: %v, want %v (-want +got):\n%s", test.name, ok, wantOK, diff)
		}
		if _, plain := scanModFile(test.text); plain != test.plain {
			t.Errorf("%s: read line by line: %v", test.name, plain)
		}
	}
}

// FuzzScanModFile: what is read line by line, modfile reads the same way.
func FuzzScanModFile(f *testing.F) {
	for _, test := range modFileTests {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := scanModFile(text)
		if !ok {
			return
		}
		want, wantOK := parsed(text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(modFile{}, require{})); !wantOK || diff != "" {
			t.Errorf("%q: modfile %v (-want +got):\n%s", text, wantOK, diff)
		}
	})
}
