package intercept_test

import (
	"io"
	"os"
	"os/exec"
	"testing"
)

// burnEnv makes the test binary compute until its standard input ends.
const burnEnv = "MODTAP_TEST_BURN"

func TestBurn(t *testing.T) {
	if os.Getenv(burnEnv) == "" {
		t.Skip("is for tests that need a busy machine")
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for n := uint64(1); n != 0; n += 2 { // it never is
	}
}

// burn keeps n processors busy until the test ends, in processes of their own, as the go
// command and the compilers do.
func burn(t *testing.T, n int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		c := exec.Command(self, "-test.run=^TestBurn$")
		c.Env = append(os.Environ(), burnEnv+"=1", "GOMAXPROCS=1")
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			_ = c.Wait()
		})
	}
}
