package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// coldCache makes an empty module cache that close removes, with those that killed runs
// left behind. It lies beside the user's other caches, not in the folder for temporary
// files: unzipping into memory would not take the time that it takes on the disk.
func (s *session) coldCache() (string, error) {
	parent, err := s.cacheDir()
	if err == nil {
		err = os.MkdirAll(parent, 0o700)
	}
	if err != nil {
		parent = "" // the folder for temporary files
	}
	dir, release, err := leasedDir(parent, "cold-*")
	if err != nil {
		return "", fmt.Errorf("make an empty module cache: %w", err)
	}
	s.later(func() {
		release()
		if err := removeModuleCache(dir); err != nil {
			s.warn("the module cache of this run stays: %v", err)
		}
		if parent != "" {
			removeStale(parent, coldName) // now, when it keeps no command waiting
		}
	})
	return filepath.Join(dir, "mod"), nil
}

// removeModuleCache removes dir. The go command makes everything in a module cache
// read-only, so it has to be made writable first, folders before what is in them.
func removeModuleCache(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && (d.IsDir() || d.Type().IsRegular()) {
			_ = os.Chmod(path, 0o700) // if it does not help, RemoveAll says so
		}
		return nil
	})
	return os.RemoveAll(dir)
}
