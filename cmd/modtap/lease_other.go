//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package main

import (
	"errors"
	"io/fs"
	"os"
)

// lockFile is not possible: these systems have no lock that ends with its process, so
// nothing is ever found to be stale.
func lockFile(string, bool) (*os.File, error) { return nil, errors.ErrUnsupported }

func ownedByUser(fs.FileInfo) bool { return false }
