package diagnose

import (
	"strings"
	"testing"
)

// TestExplainIn: what is written for sh is said for cmd and PowerShell too, before what may
// be wrong.
func TestExplainIn(t *testing.T) {
	for _, c := range []struct{ shell, id, want string }{
		{"powershell", "latency-bound", "In PowerShell `NAME=VALUE COMMAND` is `$env:NAME='VALUE'; COMMAND` (NAME stays set in that window)."},
		{"powershell", "no-proxy", "In PowerShell `export NAME=VALUE` is `$env:NAME='VALUE'`."},
		{"powershell", "server-error", "In PowerShell the loop is `foreach ($i in 1..3) { COMMAND; if ($LASTEXITCODE -eq 0) { break }; Start-Sleep 15 }`."},
		{"cmd", "tls-timeout", "In cmd `NAME=VALUE COMMAND` is `set \"NAME=VALUE\" && COMMAND` (NAME stays set in that window); single quotes are double ones."},
		{"cmd", "fallback-stopped", "In cmd single quotes are double ones."},
		{"powershell", "fallback-stopped", ""}, {"powershell", "untrusted-ca", ""}, {"cmd", "system-proxy-unused", ""}, {"sh", "latency-bound", ""}, {"fish", "tls-timeout", ""},
		{"fish", "server-error", "In fish the loop is `for i in 1 2 3; COMMAND; and break; sleep 15; end`."},
	} {
		plain, _ := Explain(c.id)
		got, ok := ExplainIn(c.shell, c.id)
		want := plain
		if c.want != "" {
			want = strings.Replace(plain, "\n## When it is wrong\n", "\n"+c.want+"\n\n## When it is wrong\n", 1)
		}
		if !ok || got != want {
			t.Errorf("%s in %s:\n%s", c.id, c.shell, got)
		}
	}
	for _, id := range IDs() { // nothing is lost of any
		plain, _ := Explain(id)
		if got, _ := ExplainIn("cmd", id); !strings.Contains(got, "\n## When it is wrong\n") || len(got) < len(plain) {
			t.Errorf("%s: %s", id, got)
		}
	}
	if _, ok := ExplainIn("cmd", "nothing"); ok {
		t.Error("there is no such finding")
	}
}
