//go:build !unix

package main

// fileLimit is not known: these systems have none that a user could raise.
func fileLimit() (limit uint64, known bool) { return 0, false }
