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

// needLab skips the test unless the fault lab was asked for: MODTAP_LAB=N repeats every
// measurement N times. The lab is a step of its own in CI.
func needLab(t *testing.T, minutes int) {
	t.Helper()
	if os.Getenv("MODTAP_LAB") == "" {
		t.Skipf("takes about %d min: MODTAP_LAB=1", minutes)
	}
}
