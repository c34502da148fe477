package intercept_test

import (
	"os"
	"os/exec"
	"testing"
)

// needProgram skips the test for want of a program, or fails it where CI has promised that
// nothing is wanting. It returns the program's path.
func needProgram(t *testing.T, name, from string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("MODTAP_REQUIRE") != "":
		t.Fatalf("needs %s (%s)", name, from)
	default:
		t.Skipf("needs %s (%s)", name, from)
	}
	return path
}
