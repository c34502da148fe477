//go:build unix

package ca

import (
	"fmt"
	"io/fs"
)

// checkKeyMode refuses a key that somebody else can read: whoever has it can pretend
// to be any server to whoever trusts the CA.
func checkKeyMode(path string, info fs.FileInfo) error {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return nil
	}
	return fmt.Errorf("CA key %s is open to other users (mode %04o, want 0600): run: chmod 600 %s",
		path, mode, shellQuote(path))
}
