package child

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/shell"
)

var shellTests = []struct {
	name string
	base []string
}{
	{"nothing set", []string{"PATH=/bin"}},
	{"a corporate network", []string{"PATH=/bin", "HTTPS_PROXY=http://u:p@corp:3128", "no_proxy=.corp,localhost", "SSL_CERT_FILE=/etc/corp.pem"}},
	{"settings of go", []string{"GOPROXY=https://a.test,direct", "GOSUMDB=off", "GIT_SSL_CAINFO=/etc/corp.pem", "https_proxy=http://corp:3128"}},
	{"entries for git", []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_VALUE_0=it's"}},
}

// shellProxies are what one shell may be told to use, one after another.
var shellProxies = []Proxy{
	testProxy,
	{URL: "http://127.0.0.1:8080", Bundle: "/t/bundle.pem", GOOS: "linux", Reverse: true, GOPROXY: "http://127.0.0.1:8080/T/0/a.test,direct"},
	{URL: "http://127.0.0.1:8080", Bundle: "/t/bundle.pem", CertDir: "/t", GOOS: "linux", GOPROXY: "http://127.0.0.1:8080/T/0/localhost", GOSUMDB: "db http://127.0.0.1:8080/T/1/localhost"},
}

func TestShellChangesAreUndoneByRestore(t *testing.T) {
	for _, tt := range shellTests {
		for _, p := range shellProxies {
			for _, next := range shellProxies {
				next.URL = "http://127.0.0.1:9999"
				next.GOPROXY = strings.ReplaceAll(next.GOPROXY, "8080", "9999")
				next.GOSUMDB = strings.ReplaceAll(next.GOSUMDB, "8080", "9999")
				t.Run(fmt.Sprintf("%s reverse=%v then %v", tt.name, p.Reverse, next.Reverse), func(t *testing.T) {
					changeAndRestore(t, tt.base, p, next)
				})
			}
		}
	}
}

func changeAndRestore(t *testing.T, base []string, p, next Proxy) {
	once := apply(base, ShellChanges(base, p))
	want := sorted(Environ(base, p))
	got := slices.DeleteFunc(slices.Clone(once), func(kv string) bool { return strings.HasPrefix(kv, "MODTAP_") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after one eval (-Environ +shell):\n%s", diff)
	}
	twice := apply(once, ShellChanges(once, p))
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("a second eval changed something:\n%s", diff)
	}
	if diff := cmp.Diff(sorted(base), sorted(Original(twice, "linux"))); diff != "" {
		t.Errorf("Original (-before +after):\n%s", diff)
	}
	moved := apply(twice, ShellChanges(twice, next))
	if diff := cmp.Diff(sorted(base), apply(moved, Restore(moved, "linux"))); diff != "" {
		t.Errorf("after --unset (-before +after):\n%s", diff)
	}
}

// TestScriptsTellNoPassword: what the shell has already need not be printed, neither to
// save it nor to restore it, and the shell ends up with the same values.
func TestScriptsTellNoPassword(t *testing.T) {
	base := []string{"HTTPS_PROXY=http://u:canary@corp:3128", "http_proxy=http://v:canary 'x@corp:3128", "NO_PROXY=.corp"}
	for _, s := range []struct {
		program string
		shell   shell.Shell
	}{{"sh", shell.Sh}, {"bash", shell.Sh}, {"fish", shell.Fish}, {"pwsh", shell.PowerShell}} {
		t.Run(s.program, func(t *testing.T) {
			once := apply(base, ShellChanges(base, testProxy))
			text := script(t, s.shell, ShellChanges(base, testProxy)) + "#\n" + script(t, s.shell, ShellChanges(once, testProxy))
			back := script(t, s.shell, Restore(once, "linux"))
			if strings.Contains(text+back, "canary") {
				t.Errorf("a password is printed:\n%s%s", text, back)
			}
			path, err := exec.LookPath(s.program)
			if err != nil || runtime.GOOS == "windows" {
				t.Skipf("%s is not installed", s.program)
			}
			dump := map[shell.Shell]string{shell.PowerShell: `[Console]::Write("$env:HTTPS_PROXY $env:http_proxy $env:NO_PROXY")`}[s.shell]
			if dump == "" {
				dump = `printf '%s %s %s' "$HTTPS_PROXY" "$http_proxy" "$NO_PROXY"`
			}
			c := exec.Command(path, "-c", text+back+dump)
			c.Env = append(base, "HOME="+t.TempDir(), "PATH="+t.TempDir())
			out, err := c.CombinedOutput()
			if want := "http://u:canary@corp:3128 http://v:canary 'x@corp:3128 .corp"; err != nil || string(out) != want {
				t.Errorf("after changing and restoring: %q (%v), want %q", out, err, want)
			}
		})
	}
}

func script(t *testing.T, s shell.Shell, c []Change) string {
	t.Helper()
	text, err := Script(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRestoreLeavesAShellThatWasNotChanged(t *testing.T) {
	if got := Restore([]string{"HTTPS_PROXY=http://corp:3128", "SSL_CERT_FILE=/x"}, "linux"); got != nil {
		t.Errorf("Restore = %v, want nothing", got)
	}
}

// apply does what a shell does with changes.
func apply(base []string, changes []Change) []string {
	e := newEnv(base, "linux")
	for _, c := range changes {
		if c.Unset {
			e.unset(c.Name)
		} else {
			e.set(c.Name, c.Value)
		}
	}
	return sorted(e.list())
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

var statementTests = []struct {
	shell  shell.Shell
	change Change
	want   string
}{
	{shell.Sh, Change{Name: "A", Value: "it's $HOME `x` \"q\" \\"}, `export A='it'\''s $HOME ` + "`x`" + ` "q" \'`},
	{shell.Sh, Change{Name: "A"}, `export A=''`},
	{shell.Sh, Change{Name: "A", Unset: true}, `unset A`},
	{shell.Sh, Change{Name: "A", Value: "u:p@h", Of: "B"}, `export A="$B"`},
	{shell.Fish, Change{Name: "A", Value: "u:p@h", Of: "B"}, `set -gx A "$B"`},
	{shell.PowerShell, Change{Name: "A", Value: "u:p@h", Of: "B"}, "${env:A} = ${env:B}"},
	{shell.Cmd, Change{Name: "A", Value: "u:p@h", Of: "B"}, `set "A=u:p@h"`},
	{shell.Fish, Change{Name: "A", Value: `it's \ $HOME`}, `set -gx A 'it\'s \\ $HOME'`},
	{shell.Fish, Change{Name: "A", Unset: true}, `set -e A`},
	{shell.PowerShell, Change{Name: "A", Value: "it's ’ $env:HOME"}, "${env:A} = 'it''s ’’ $env:HOME'"},
	{shell.PowerShell, Change{Name: "A", Unset: true}, `Remove-Item -ErrorAction SilentlyContinue 'Env:A'`},
	{shell.Cmd, Change{Name: "A", Value: `C:\a b\100% "x"`}, `set "A=C:\a b\100% "x""`},
	{shell.Cmd, Change{Name: "A", Unset: true}, `set "A="`},
}

func TestStatements(t *testing.T) {
	for _, tt := range statementTests {
		got, err := Script(tt.shell, []Change{tt.change})
		if err != nil || got != tt.want+"\n" {
			t.Errorf("%s of %+v = %q, %v; want %q", tt.shell, tt.change, got, err, tt.want)
		}
	}
	if _, err := Script(shell.Cmd, []Change{{Name: "A", Value: "a\nb"}}); err == nil {
		t.Error("cmd took a value with a line break")
	}
}

// TestShellsUnderstand runs the shells that are here on values that need quoting.
func TestShellsUnderstand(t *testing.T) {
	const value = "it's  a \"$HOME\" `id` \\n \\ % ! * ~ #\n‘second’ line"
	shells := []struct {
		program string
		shell   shell.Shell
		print   string
	}{
		{"sh", shell.Sh, `printf %s "$A"`}, {"dash", shell.Sh, `printf %s "$A"`}, {"bash", shell.Sh, `printf %s "$A"`}, {"zsh", shell.Sh, `printf %s "$A"`},
		{"fish", shell.Fish, `printf %s "$A"`}, {"pwsh", shell.PowerShell, `[Console]::Write($env:A)`},
	}
	for _, s := range shells {
		t.Run(s.program, func(t *testing.T) {
			if _, err := exec.LookPath(s.program); err != nil || runtime.GOOS == "windows" {
				t.Skipf("%s is not installed", s.program)
			}
			script, err := Script(s.shell, []Change{{Name: "A", Value: value}, {Name: "B", Unset: true}})
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(s.program, "-c", script+s.print).CombinedOutput()
			if err != nil || string(out) != value {
				t.Errorf("%s printed %q (%v), want %q", s.program, out, err, value)
			}
		})
	}
}

var defaultShellTests = []struct {
	goos string
	env  map[string]string
	want shell.Shell
}{
	{"linux", nil, shell.Sh},
	{"linux", map[string]string{"SHELL": "/usr/bin/fish"}, shell.Fish},
	{"darwin", map[string]string{"SHELL": "/bin/zsh"}, shell.Sh},
	{"windows", map[string]string{"SHELL": "/usr/bin/bash"}, shell.Sh},
	{"windows", map[string]string{"PSModulePath": `C:\a;C:\b;C:\c`}, shell.PowerShell},
	{"windows", map[string]string{"PSModulePath": `C:\a;C:\b`}, shell.Cmd},
}

func TestDefaultShell(t *testing.T) {
	for _, tt := range defaultShellTests {
		if got := defaultShell(func(k string) string { return tt.env[k] }, tt.goos); got != tt.want {
			t.Errorf("defaultShell(%v, %s) = %s, want %s", tt.env, tt.goos, got, tt.want)
		}
	}
}

func TestUserShell(t *testing.T) {
	for _, tt := range []struct {
		parent, login string
		want          shell.Shell
	}{
		{"fish", "/bin/bash", shell.Fish},
		{"pwsh", "/bin/bash", shell.PowerShell},
		{"zsh", "/usr/bin/fish", shell.Sh},
		{"sh", "/usr/bin/fish", shell.Fish},
		{"make", "/usr/bin/fish", shell.Fish},
		{"", "/bin/bash", shell.Sh},
	} {
		if got := userShell(tt.parent, func(string) string { return tt.login }, "linux"); got != tt.want {
			t.Errorf("started by %q, SHELL=%s: %s, want %s", tt.parent, tt.login, got, tt.want)
		}
	}
}

// TestParentName: the parent of a test is the go command, or whoever runs the test binary.
func TestParentName(t *testing.T) {
	if name := parentName(); name == "" && os.Getppid() > 0 && (runtime.GOOS == "linux" || runtime.GOOS == "windows" || runtime.GOOS == "darwin") {
		t.Error("it has no name")
	}
}
