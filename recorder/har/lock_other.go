//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package har

import "os"

// openLocked opens path; these systems have no lock that ends with its process.
func openLocked(path string, flag int) (*os.File, error) { return os.OpenFile(path, flag, 0o600) }

func remove(path string) error { return os.Remove(path) }
