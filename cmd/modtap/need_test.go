package main

import (
	"os"
	"testing"
)

// need skips the test for want of something, or fails it where CI has promised that
// nothing is wanting.
func need(t *testing.T, ok bool, what string) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("MODTAP_REQUIRE") != "":
		t.Fatalf("needs %s", what)
	default:
		t.Skipf("needs %s", what)
	}
}
