package child

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is the child of its own tests.
func TestMain(m *testing.M) {
	switch os.Getenv("CHILD_TEST") {
	case "exit7":
		os.Exit(7)
	case "hang":
		os.Stdout.WriteString("ready\n")
		time.Sleep(time.Minute) // ended by the test's signal
		os.Exit(1)
	}
	work(os.Getenv("CHILD_TEST"))
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, mode string, stdout *bytes.Buffer) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := Command{Path: self, Args: []string{"self"}, Env: append(os.Environ(), "CHILD_TEST="+mode)}
	if stdout != nil {
		c.Stdout = stdout
	}
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWaitPassesTheExitCodeOn(t *testing.T) {
	s := Catch()
	defer s.Stop()
	r := start(t, "exit7", nil).Wait(s)
	if r.ExitCode != 7 || r.Signal != "" {
		t.Errorf("got exit code %d, signal %q; want 7 and none", r.ExitCode, r.Signal)
	}
	if r.End.Before(r.Start) || (r.User+r.System) <= 0 && runtime.GOOS != "windows" {
		t.Errorf("times are not plausible: %+v", r)
	}
}

func TestLook(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	tests := []struct {
		name string
		want error
	}{
		{"nosuchcmd", ErrNotFound},
		{filepath.Join(dir, "nosuchfile"), ErrNotFound},
		{"", ErrNotFound},
	}
	if runtime.GOOS != "windows" { // there every file may be run
		tests = append(tests, []struct {
			name string
			want error
		}{{plain, ErrNotExecutable}, {"plain", ErrNotExecutable}, {dir, ErrNotExecutable}}...)
	}
	for _, tt := range tests {
		_, err := Look(tt.name)
		if !errors.Is(err, tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Look(%q) = %v, want one line that says %v", tt.name, err, tt.want)
		}
	}
}

func TestStartOfWhatIsNoProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows decides by the file's name")
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"garbage": "\x00\x01\x02", "orphan": "#!/nonexistent/interpreter\n"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := Start(Command{Path: file, Args: []string{file}, Env: os.Environ()})
		if !errors.Is(err, ErrNotExecutable) {
			t.Errorf("Start(%s) = %v, want %v", name, err, ErrNotExecutable)
		}
	}
}
