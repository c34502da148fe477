package gittrace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What git 2.39 wrote for git ls-remote, with the lines that matter and one that does not.
const (
	sshTrace = `{"event":"version","sid":"1","thread":"main","time":"2026-11-28T09:30:03.245905Z","file":"common-main.c","line":50,"evt":"3","exe":"2.39.5"}
{"event":"child_start","sid":"1","thread":"main","time":"2026-11-28T09:30:03.246523Z","file":"run-command.c","line":722,"child_id":0,"child_class":"?","use_shell":true,"argv":["ssh","-G","-o","SendEnv=GIT_PROTOCOL","-p","2222","git@host.test"]}
{"event":"child_exit","sid":"1","thread":"main","time":"2026-11-28T09:30:03.255353Z","file":"run-command.c","line":979,"child_id":0,"pid":15789,"code":0,"t_rel":0.008824}
{"event":"child_start","sid":"1","thread":"main","time":"2026-11-28T09:30:04Z","file":"run-command.c","line":722,"child_id":1,"child_class":"transport/ssh","use_shell":true,"argv":["ssh","-o","SendEnv=GIT_PROTOCOL","-p","2222","git@host.test","git-upload-pack '/r.git'"]}
{"event":"child_exit","sid":"1","thread":"main","time":"2026-11-28T09:30:16.3Z","file":"run-command.c","line":979,"child_id":1,"pid":15790,"code":0,"t_rel":12.300000}
`
	httpsTrace = `{"event":"child_start","sid":"1","thread":"main","time":"2026-11-28T09:30:03.558341Z","file":"run-command.c","line":722,"child_id":0,"child_class":"remote-https","use_shell":false,"argv":["git","remote-https","origin","https://user:secret@git.test/x.git"]}
{"event":"child_start","sid":"1","thread":"main","time":"2026-11-28T09:30:03.567555Z","file":"run-command.c","line":722,"child_id":1,"child_class":"dashed","use_shell":false,"argv":["git-remote-https","origin","https://git.test/x.git"]}
`
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	sshRemote   = Remote{Transport: "ssh", Host: "git@host.test:2222", Start: at("2026-11-28T09:30:04Z"), Took: 12300 * time.Millisecond, Ended: true}
	httpsRemote = Remote{Transport: "https", Host: "git.test", URL: "https://git.test/x.git", Name: "origin", Start: at("2026-11-28T09:30:03.558341Z")}
)

func child(class string, argv ...string) string {
	return fmt.Sprintf(`{"event":"child_start","time":"2026-11-28T09:30:04Z","child_id":0,"child_class":%q,"argv":["%s"]}`, class, strings.Join(argv, `","`))
}

var parseTests = []struct {
	name string
	in   string
	want []Remote
}{
	{"nothing", "", nil},
	{"ssh, with a question to ssh before", sshTrace, []Remote{sshRemote}},
	{"https, killed before its end", httpsTrace, []Remote{httpsRemote}},
	{"a torn last line", sshTrace[:strings.LastIndex(sshTrace, `"t_rel"`)], []Remote{{Transport: "ssh", Host: sshRemote.Host, Start: sshRemote.Start}}},
	{"plink", child("transport/ssh", "plink", "-P", "22", "host", "git-upload-pack 'x'"), []Remote{{Transport: "ssh", Host: "host:22", Start: sshRemote.Start}}},
	{"a URL as the remote's name", child("remote-http", "git", "remote-http", "http://u:p@h.test/x", "http://u:p@h.test/x"), []Remote{{Transport: "http", Host: "h.test", URL: "http://h.test/x", Name: "http://h.test/x", Start: sshRemote.Start}}},
	{"a password that git left out", child("remote-https", "git", "remote-https", "origin", "https://u:<REDACTED>@git.test/x@y.git"), []Remote{{Transport: "https", Host: "git.test", URL: "https://git.test/x@y.git", Name: "origin", Start: sshRemote.Start}}},
	{"a helper of another kind", child("remote-codecommit", "git", "remote-codecommit", "x", "codecommit://x"), nil},
	{"too few arguments", child("transport/ssh", "ssh", "host") + "\n" + child("remote-https", "git", "remote-https"), nil},
	{"a host that does not print", child("transport/ssh", "ssh", `\u001b[31mhost`, "x"), nil},
	{"not a trace", "child_start\n{\"child_\n\x00", nil},
}

func TestParse(t *testing.T) {
	for _, tt := range parseTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Parse([]byte(tt.in))); diff != "" {
				t.Errorf("remotes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadDir(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("20261128T093003-1", sshTrace)
	write("20261128T093003-2", httpsTrace)
	want := Trace{Remotes: []Remote{httpsRemote, sshRemote}, Processes: 2}
	if diff := cmp.Diff(want, ReadDir(dir)); diff != "" {
		t.Errorf("the trace (-want +got):\n%s", diff)
	}
	write("20261128T093003-3", strings.Repeat("x", maxFile+1))
	write("git-trace2-discard", "")
	if got := ReadDir(dir); !got.Incomplete || len(got.Remotes) != 2 || got.Processes != 3 {
		t.Errorf("with too much: %+v", got)
	}
	if got := ReadDir(filepath.Join(dir, "nosuch")); !cmp.Equal(got, Trace{}) {
		t.Errorf("without a folder: %+v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range parseTests {
		f.Add([]byte(tt.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range Parse(b) {
			if r.Start.IsZero() || r.Took < 0 || !printable(r.Host+r.URL+r.Name) || (r.Transport == "ssh") != (r.URL == "") || strings.Contains(r.URL, "@") && strings.HasPrefix(r.URL, "https://user") {
				t.Errorf("%+v", r)
			}
		}
	})
}

var keyTests = []struct {
	keys []string
	want string
}{
	{nil, "http.proxy"},
	{[]string{"http.proxy"}, "http.proxy"},
	{[]string{"http.https://*.test/.proxy"}, "http.https://*.test/.proxy"},
	{[]string{"http.https://git.test/.proxy", "http.https://other.test/.proxy"}, "http.https://git.test/.proxy"},
	{[]string{"http.https://git.test.proxy", "http.https://git.test/x.proxy"}, "http.https://git.test/x.proxy"},
	{[]string{"http.https://git.tes.proxy", "http.https://other.test/.proxy"}, "http.proxy"},
}

func TestKeyFor(t *testing.T) {
	for _, tt := range keyTests {
		if got := keyFor(tt.keys, "https://git.test/x/y.git"); got != tt.want {
			t.Errorf("keyFor(%q) = %q, want %q", tt.keys, got, tt.want)
		}
	}
}

func TestTooOld(t *testing.T) {
	for answer, want := range map[string]bool{
		"git version 2.39.5\n": false, "git version 2.22.0": false, "git version 2.50.1 (Apple Git-155)": false,
		"git version 3.0.0": false, "git version 2.45.1.windows.1": false,
		"git version 2.21.4": true, "git version 1.8.3.1": true, "hub": true,
	} {
		if got := tooOld(answer); got != want {
			t.Errorf("%q: %v", answer, got)
		}
	}
}

// home is an environment with git's settings in a folder of its own.
func home(t *testing.T, config string) (getenv func(string) string, env []string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gitconfig"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "more"), []byte("[trace2]\n\teventTarget = /tmp/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{"HOME": dir, "USERPROFILE": dir, "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": dir, "PATH": os.Getenv("PATH")}
	for k, v := range vars {
		env = append(env, k+"="+v)
	}
	return func(k string) string { return vars[k] }, env
}

func TestUsers(t *testing.T) {
	for _, tt := range []struct{ name, config, want string }{
		{"no settings about it", "[user]\n\tname = x\n", ""},
		{"set", "[trace2]\n\teventTarget = /tmp/x\n", "trace2.eventTarget"},
		{"set in a file that is included", "[Include]\n\tpath = more\n", "trace2.eventTarget"},
		{"another setting of trace2", "[trace2]\n\tnormalTarget = /tmp/x\n", ""},
	} {
		getenv, env := home(t, tt.config)
		if got := Users(getenv, env); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := Users(func(k string) string { return map[string]string{"GIT_TRACE2_EVENT": "/x"}[k] }, nil); got != "GIT_TRACE2_EVENT" {
		t.Errorf("the variable: %q", got)
	}
}

func TestProxyFor(t *testing.T) {
	const ours = "http://127.0.0.1:1"
	for _, tt := range []struct{ name, config, wantKey, wantValue string }{
		{"ours alone", "", "", ""},
		{"a plain http.proxy loses to ours", "[http]\n\tproxy = http://corp\n", "", ""},
		{"one for the host", "[http \"https://git.test/\"]\n\tproxy = http://corp\n[http \"https://other.test/\"]\n\tproxy = http://corp\n", "http.https://git.test/.proxy", "http://corp"},
		{"none for the host", "[http \"https://git.test\"]\n\tproxy = \"\"\n", "http.https://git.test.proxy", ""},
		{"one for another host", "[http \"https://other.test/\"]\n\tproxy = http://corp\n", "", ""},
		{"one for the remote", "[remote \"origin\"]\n\tproxy = http://corp\n", "remote.origin.proxy", "http://corp"},
	} {
		_, env := home(t, tt.config)
		env = append(env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.proxy", "GIT_CONFIG_VALUE_0="+ours)
		p, ok := ProxyFor(t.Context(), env, t.TempDir(), httpsRemote, ours)
		if ok != (tt.wantKey != "") || p.Key != tt.wantKey || p.Value != tt.wantValue || ok && filepath.Base(p.File) != ".gitconfig" {
			t.Errorf("%s: %+v, %v; want %s=%s", tt.name, p, ok, tt.wantKey, tt.wantValue)
		}
	}
}
