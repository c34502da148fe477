package diagnose

import (
	"strings"
	"testing"

	"modtap/recorder"
)

func in(shell, os string) *Analysis {
	w := newWorld()
	w.Session.Environ.Shell, w.Session.OS = shell, os+"/amd64"
	return analyse(&w.Input)
}

func TestCommands(t *testing.T) {
	list := "https://a.example|https://b.example,direct"
	for _, c := range []struct{ shell, set, env, run, quoted, unset string }{
		{
			"sh", "go env -w 'GOPROXY=" + list + "'", "export NO_PROXY=localhost,.corp.example", "GOFLAGS='-mod=mod -v' go mod download",
			`'it'\''s $5'`, "unset HTTPS_PROXY",
		}, {
			"fish", "go env -w 'GOPROXY=" + list + "'", "set -gx NO_PROXY localhost,.corp.example", "env GOFLAGS='-mod=mod -v' go mod download",
			`'it\'s $5'`, "set -e HTTPS_PROXY",
		}, {
			"powershell", "go env -w 'GOPROXY=" + list + "'", "$env:NO_PROXY='localhost,.corp.example'", "$env:GOFLAGS='-mod=mod -v'; go mod download",
			`'it''s $5'`, "Remove-Item Env:HTTPS_PROXY",
		}, {
			"cmd", `go env -w "GOPROXY=` + list + `"`, `set "NO_PROXY=localhost,.corp.example"`, `set "GOFLAGS=-mod=mod -v" && go mod download`,
			`"it's $5"`, `set "HTTPS_PROXY="`,
		},
	} {
		a := in(c.shell, "linux")
		for _, g := range [][2]string{
			{a.goEnvW("GOPROXY", list), c.set}, {a.setVar("NO_PROXY", "localhost,.corp.example"), c.env},
			{a.with("GOFLAGS", "-mod=mod -v", a.command()), c.run}, {a.quote("it's $5"), c.quoted}, {a.unsetVar("HTTPS_PROXY"), c.unset},
		} {
			if g[0] != g[1] {
				t.Errorf("%s: %s\nwant %s", c.shell, g[0], g[1])
			}
		}
	}
}

// TestReadersShell: commands are for the shell of who reads, whatever a recording says.
func TestReadersShell(t *testing.T) {
	w := newWorld()
	w.Session.Environ.Shell = "cmd"
	w.Input.Shell = "sh"
	if got, want := analyse(&w.Input).quote("h$(id)"), "'h$(id)'"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestCommandWithASecret is not said to be run again as it was recorded.
func TestCommandWithASecret(t *testing.T) {
	w := newWorld().argv("sh", "-c", "TOKEN="+recorder.Redacted+" go mod download")
	a := analyse(&w.Input)
	if got := a.command(); got != "COMMAND" {
		t.Errorf("run %s", got)
	}
	f := &recorder.Finding{Commands: []string{a.command(), a.with("GOMAXPROCS", "16", a.command())}}
	if a.finish(f); len(f.Commands) != 1 || f.Commands[0] != "GOMAXPROCS=16 COMMAND" {
		t.Errorf("commands %q", f.Commands)
	}
}

// TestCmdRunsNoValue: what a recording has for a value is nothing that cmd acts on.
func TestCmdRunsNoValue(t *testing.T) {
	a := in("cmd", "windows")
	value := `https://a.test/"&calc&",%X:a=b%`
	if got, want := a.with("GOPROXY", value, a.command()), `set ^"GOPROXY=https^://a.test/^"^&calc^&^",^%X^:a=b^%^" && go mod download`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	} else if left := a.leftSet(got); len(left) != 1 || left[0] != "GOPROXY" {
		t.Errorf("%s leaves %q set", got, left)
	}
	if got, want := a.setVar("GOPROXY", "a\r\n&calc"), `set "GOPROXY=a &calc"`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestEnvironmentVariables: go env -w does not change what the environment says.
func TestEnvironmentVariables(t *testing.T) {
	const note = "GOPROXY is an environment variable here, which goes before what go env -w sets: for good, change it where it is set."
	for _, c := range []struct{ shell, set, unset string }{
		{"sh", "export GOPROXY=https://a.example,direct", "unset GOPROXY"},
		{"fish", "set -gx GOPROXY https://a.example,direct", "set -e GOPROXY"},
		{"powershell", "$env:GOPROXY='https://a.example,direct'", "Remove-Item Env:GOPROXY"},
		{"cmd", `set "GOPROXY=https://a.example,direct"`, `set "GOPROXY="`},
	} {
		a := in(c.shell, "linux")
		a.Env.FromEnv = []string{"GOPROXY"}
		set, unset, other := a.goEnvW("GOPROXY", "https://a.example,direct"), a.setTo("GOPROXY", ""), a.goEnvW("GOSUMDB", "off")
		if set != c.set || unset != c.unset || other != "go env -w GOSUMDB=off" {
			t.Errorf("%s: %s, %s and %s", c.shell, set, unset, other)
		}
		if got := a.variables([]string{set}); got != note {
			t.Errorf("%s: of %s it says %q", c.shell, set, got)
		}
		if got := a.variables([]string{other, a.setVar("NO_PROXY", "x")}); got != "" {
			t.Errorf("%s: of other commands it says %q", c.shell, got)
		}
	}
	w := stopping(twoProxies, answers502)
	w.Session.Environ.FromEnv = []string{"GOFLAGS", "GOPROXY"}
	f := Run(w.Input).Findings[0]
	if f.ID != "fallback-stopped" || !strings.HasSuffix(f.Remedy, note) || len(f.Commands) != 1 || !strings.HasPrefix(f.Commands[0], "export GOPROXY=") {
		t.Errorf("the finding is %+v", f)
	}
}

// TestUnknownShell: on Windows it is taken for PowerShell.
func TestUnknownShell(t *testing.T) {
	if got := in("", "windows").quote("a,b"); got != "'a,b'" {
		t.Errorf("got %s", got)
	}
}

// TestCommandIsCalled: in PowerShell a quoted first word is a string, unless & calls it; as
// words of another command it is not called.
func TestCommandIsCalled(t *testing.T) {
	for _, c := range []struct{ shell, command, under string }{
		{"powershell", `& 'C:\Program Files\Go\bin\go.exe' build '-o=a.exe'`, `modtap run -v -- 'C:\Program Files\Go\bin\go.exe' build '-o=a.exe'`},
		{"cmd", `"C:\Program Files\Go\bin\go.exe" build -o=a.exe`, `modtap run -v -- "C:\Program Files\Go\bin\go.exe" build -o=a.exe`},
	} {
		a := in(c.shell, "windows")
		a.In.Session.Argv = []string{`C:\Program Files\Go\bin\go.exe`, "build", "-o=a.exe"}
		if command, under := a.command(), a.modtapRun("-v"); command != c.command || under != c.under {
			t.Errorf("%s: %s\nand %s", c.shell, command, under)
		}
	}
	if a := in("powershell", "windows"); a.command() != "go mod download" {
		t.Errorf("a plain word: %s", a.command())
	}
}

// TestOneRunLeavesVariables: in cmd and PowerShell, which is said, and is no lasting change.
func TestOneRunLeavesVariables(t *testing.T) {
	const (
		one = "GOPROXY stays set in the window where its command runs: go on in a new one afterwards."
		two = "GOPROXY and GONOSUMDB stay set in the window where their command runs: go on in a new one afterwards."
		env = "GOPROXY is an environment variable here, which goes before what go env -w sets: for good, change it where it is set."
	)
	for _, shell := range []string{"powershell", "cmd", "sh", "fish"} {
		a := in(shell, "linux")
		a.Env.FromEnv = []string{"GOPROXY"}
		run := a.with("GOPROXY", "it's x; y", a.command())
		both := a.with("GOPROXY", "direct", a.with("GONOSUMDB", "*", a.command()))
		set := a.setVar("GOPROXY", "it's x; y")
		for _, c := range []struct {
			commands   []string
			want, unix string
		}{
			{[]string{run}, one, ""}, {[]string{both, run}, two, ""}, {[]string{set}, env, env}, {[]string{set, run}, env + " " + one, env}, {[]string{"go mod tidy"}, "", ""},
		} {
			want := c.want
			if shell == "sh" || shell == "fish" {
				want = c.unix
			}
			if got := a.variables(c.commands); got != want {
				t.Errorf("%s: of %q it says %q", shell, c.commands, got)
			}
		}
	}
}

func TestRepeat(t *testing.T) {
	for shell, want := range map[string]string{
		"sh": runAgain, "cmd": "go mod download || go mod download || go mod download",
		"fish":       "for i in 1 2 3; go mod download; and break; sleep 15; end",
		"powershell": "foreach ($i in 1..3) { go mod download; if ($LASTEXITCODE -eq 0) { break }; Start-Sleep 15 }",
	} {
		a := in(shell, "linux")
		if got := a.repeat(a.command()); got != want {
			t.Errorf("%s: %s", shell, got)
		}
	}
}
