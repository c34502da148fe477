package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// leaseFile lies in every folder that goes when its modtap ends, which holds a lock on it.
// The lock ends with the process, however that ends: a folder whose lock is free was left
// behind.
const leaseFile = "modtap.lock"

// The folders that a kill -9 leaves behind, as os.MkdirTemp names them.
var (
	tempName = regexp.MustCompile(`^modtap-\d+$`) // the trust bundle, in the folder for temporary files
	coldName = regexp.MustCompile(`^cold-\d+$`)   // a module cache, in the cache folder
)

// leasedDir makes a folder of a name of its own in parent ("": the one for temporary
// files) that is ours until release.
func leasedDir(parent, pattern string) (dir string, release func(), err error) {
	dir, err = os.MkdirTemp(parent, pattern) // mode 0700
	if err != nil {
		return "", nil, err
	}
	// It gets its name when it is locked: nobody may find it free before.
	fresh := filepath.Join(dir, leaseFile+".new")
	f, err := lockFile(fresh, true)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(dir, leaseFile))
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return dir, func() {}, nil // it is never taken for stale
	}
	if err != nil {
		if f != nil {
			f.Close()
		}
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("lock %s: %w", dir, cause(err))
	}
	return dir, func() { f.Close() }, nil
}

// removeStale removes the folders of parent that a killed modtap of this user left behind:
// those with such a name and a lock that nobody holds. What cannot be removed stays.
func removeStale(parent string, name *regexp.Regexp) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return // then there is nothing to find
	}
	for _, e := range entries {
		dir := filepath.Join(parent, e.Name())
		if !name.MatchString(e.Name()) || !e.IsDir() || !ours(e) {
			continue
		}
		lock := filepath.Join(dir, leaseFile)
		f, err := lockFile(lock, false)
		if err != nil {
			continue // somebody uses it, or it is none of ours
		}
		free := sameFile(f, lock) // or another modtap has removed it meanwhile
		f.Close()                 // Windows removes nothing that is open
		if free {
			_ = removeModuleCache(dir)
		}
	}
}

// ours reports whether e belongs to this user.
func ours(e fs.DirEntry) bool {
	fi, err := e.Info()
	return err == nil && ownedByUser(fi)
}

func sameFile(f *os.File, path string) bool {
	a, err := f.Stat()
	b, berr := os.Lstat(path)
	return err == nil && berr == nil && os.SameFile(a, b)
}
