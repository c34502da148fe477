package diagnose

import (
	"slices"
	"testing"
)

// TestProbes: the commands that look at the network, on each system and for a target with a
// port of its own.
func TestProbes(t *testing.T) {
	const target = "go.corp.example:8443"
	for _, c := range []struct{ os, shell, port, path, chain, mtu string }{
		{
			"linux", "sh", "curl -v telnet://go.corp.example:8443", "mtr -T -P 8443 -rwc 100 go.corp.example",
			"openssl s_client -showcerts -connect go.corp.example:8443 -servername go.corp.example </dev/null", "ping -4 -c 3 -M do -s 1472 go.corp.example",
		}, {
			"darwin", "fish", "curl -v telnet://go.corp.example:8443", "sudo mtr -T -P 8443 -rwc 100 go.corp.example",
			"openssl s_client -showcerts -connect go.corp.example:8443 -servername go.corp.example </dev/null", "ping -c 3 -D -s 1472 go.corp.example",
		}, {
			"linux", "powershell", "curl -v telnet://go.corp.example:8443", "mtr -T -P 8443 -rwc 100 go.corp.example",
			"'Q' | openssl s_client -showcerts -connect go.corp.example:8443 -servername go.corp.example", "ping -4 -c 3 -M do -s 1472 go.corp.example",
		}, {
			"windows", "powershell", "Test-NetConnection go.corp.example -Port 8443", "pathping go.corp.example",
			`curl.exe -vk -o NUL -w "%{certs}" https://go.corp.example:8443/`, "ping -4 -f -l 1472 go.corp.example",
		}, {
			"windows", "cmd", "curl.exe -v telnet://go.corp.example:8443", "pathping go.corp.example",
			`curl.exe -vk -o NUL -w "%{certs}" https://go.corp.example:8443/`, "ping -4 -f -l 1472 go.corp.example",
		},
	} {
		a := in(c.shell, c.os)
		for _, g := range [][2]string{
			{a.portCommand(target), c.port}, {a.pathCommand(target), c.path}, {a.chainCommand(target), c.chain}, {a.mtuCommand(hostName(target)), c.mtu},
		} {
			if g[0] != g[1] {
				t.Errorf("%s on %s: %s\nwant %s", c.shell, c.os, g[0], g[1])
			}
		}
	}
	if got, want := in("sh", "linux").chainCommand("[2001:db8::1]:8443"), "openssl s_client -showcerts -connect '[2001:db8::1]:8443' </dev/null"; got != want {
		t.Errorf("an address: %s", got)
	}
	if got, want := in("sh", "linux").portCommand("[2001:db8::1]:8443"), "curl -v 'telnet://[2001:db8::1]:8443'"; got != want {
		t.Errorf("an address: %s", got)
	}
}

// TestProxyVariables: they have two names, but on Windows.
func TestProxyVariables(t *testing.T) {
	for _, c := range []struct {
		os, shell  string
		set, unset []string
	}{
		{"linux", "sh", []string{"export HTTPS_PROXY=http://p:1 https_proxy=http://p:1"}, []string{"unset HTTPS_PROXY https_proxy"}},
		{"darwin", "fish", []string{"set -gx HTTPS_PROXY http://p:1", "set -gx https_proxy http://p:1"}, []string{"set -e HTTPS_PROXY https_proxy"}},
		{"linux", "powershell", []string{"$env:HTTPS_PROXY='http://p:1'", "$env:https_proxy='http://p:1'"}, []string{"Remove-Item Env:HTTPS_PROXY", "Remove-Item Env:https_proxy"}},
		{"windows", "powershell", []string{"$env:HTTPS_PROXY='http://p:1'"}, []string{"Remove-Item Env:HTTPS_PROXY"}},
		{"windows", "cmd", []string{`set "HTTPS_PROXY=http://p:1"`}, []string{`set "HTTPS_PROXY="`}},
		{"windows", "sh", []string{"export HTTPS_PROXY=http://p:1"}, []string{"unset HTTPS_PROXY"}},
	} {
		a := in(c.shell, c.os)
		if set, unset := a.setProxy("HTTPS_PROXY", "http://p:1"), a.unsetProxy("HTTPS_PROXY"); !slices.Equal(set, c.set) || !slices.Equal(unset, c.unset) {
			t.Errorf("%s on %s: %q and %q", c.shell, c.os, set, unset)
		}
		if empty := a.setProxy("HTTPS_PROXY", ""); !slices.Equal(empty, c.unset) {
			t.Errorf("%s on %s: to nothing by %q", c.shell, c.os, empty)
		}
	}
}
