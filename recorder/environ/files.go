package environ

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// maxFile bounds what is read of a go.mod, go.work or go.sum.
const maxFile = 64 << 20

// files is what the files of the module say before the command changes them.
type files struct {
	goSum  int      // lines; -1: there is none
	goLine string   // of go.mod, as in 1.21; "": unknown
	wants  []string // toolchains, as in go1.21
}

// readFiles reads those of the module that dir belongs to.
func readFiles(dir string) files {
	f := files{goSum: -1}
	root := moduleRoot(dir)
	if root == "" {
		return f
	}
	if b := readFile(filepath.Join(root, "go.mod")); b != nil {
		if m, err := modfile.ParseLax("go.mod", b, nil); err == nil {
			if m.Go != nil {
				f.goLine = m.Go.Version
			}
			f.wants = wanted(m.Go, m.Toolchain)
		}
	}
	if b := readFile(filepath.Join(root, "go.sum")); b != nil {
		f.goSum = bytes.Count(b, []byte("\n"))
		if len(b) > 0 && b[len(b)-1] != '\n' {
			f.goSum++
		}
	}
	return f
}

// work returns the toolchains that are wanted, of the go.work that holds instead if one
// does.
func (f files) work(gowork string) []string {
	if gowork == "" || gowork == "off" {
		return f.wants
	}
	w, err := modfile.ParseWork("go.work", readFile(gowork), nil)
	if err != nil {
		return f.wants
	}
	return wanted(w.Go, w.Toolchain)
}

func wanted(goLine *modfile.Go, toolchain *modfile.Toolchain) (all []string) {
	if goLine != nil {
		all = append(all, "go"+goLine.Version)
	}
	if toolchain != nil {
		all = append(all, toolchain.Name)
	}
	return all
}

// moduleRoot is the nearest folder at or above dir with a go.mod; "" when none has one.
func moduleRoot(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		if fi, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && !fi.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// readFile returns what is in a file, nil when it cannot be read.
func readFile(name string) []byte {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil
	}
	return b
}
