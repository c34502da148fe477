package diagnose

import (
	"fmt"
	"strings"
	"testing"

	"modtap/recorder"
)

// viaProxy is a world in which a parent proxy answers a CONNECT to host with status.
func viaProxy(host string, status int, text string, took float64) *world {
	w := newWorld()
	c := w.cannot(1, 20, host, "proxy", text, phases{connect: 2})
	w.Exchanges[0].Status = status
	w.Exchanges[0].Server.End += ms(took)
	c.Marks.ProxyStart, c.Marks.ProxyDone, c.Marks.End = c.Marks.ConnectDone, c.Marks.ConnectDone+ms(took), c.Marks.ConnectDone+ms(took)
	c.Via, c.Dials[0].Err = "http://proxy.corp.example:3128", ""
	w.Session.Environ.Proxy = map[string]string{"HTTPS_PROXY": "http://proxy.corp.example:3128", "NO_PROXY": "localhost"}
	return w.ends(took+80, 1)
}

func TestProxyAuth(t *testing.T) {
	shells := map[string]string{
		"sh":         "export HTTPS_PROXY=http://USER:PASSWORD@proxy.corp.example:3128 https_proxy=http://USER:PASSWORD@proxy.corp.example:3128",
		"fish":       "set -gx HTTPS_PROXY http://USER:PASSWORD@proxy.corp.example:3128\nset -gx https_proxy http://USER:PASSWORD@proxy.corp.example:3128",
		"powershell": "$env:HTTPS_PROXY='http://USER:PASSWORD@proxy.corp.example:3128'",
		"cmd":        `set "HTTPS_PROXY=http://USER:PASSWORD@proxy.corp.example:3128"`,
	}
	var cases []netCase
	for shell, command := range shells {
		w := viaProxy(proxyHost, 407, "Proxy Authentication Required", 20)
		if w.Session.Environ.Shell = shell; shell == "powershell" || shell == "cmd" {
			w.Session.OS = "windows/amd64"
		}
		cases = append(cases, netCase{shell, "proxy-auth", w, &found{"bad", "The proxy proxy.corp.example:3128 wants a name and a password (407, once)", 22, []uint64{1}, nil, strings.Split(command, "\n")}})
	}
	ntlm := viaProxy(proxyHost, 407, "Proxy Authentication Required", 20)
	ntlm.Exchanges[0].Response.Header = []recorder.Header{{Name: "Proxy-Authenticate", Value: "NTLM"}}
	both := viaProxy(proxyHost, 407, "Proxy Authentication Required", 20)
	both.Exchanges[0].Response.Header = []recorder.Header{{Name: "Proxy-Authenticate", Value: "Negotiate"}, {Name: "Proxy-Authenticate", Value: `Basic realm="corp"`}}
	flag := viaProxy(proxyHost, 407, "Proxy Authentication Required", 20)
	flag.Session.Environ.Proxy = map[string]string{"HTTPS_PROXY": "http://another.example:3128"}
	cases = append(cases,
		netCase{"NTLM or Basic", "proxy-auth", both, &found{"bad", "The proxy proxy.corp.example:3128 wants a name and a password (407, once)", 22, []uint64{1}, nil, []string{shells["sh"]}}},
		netCase{"NTLM", "proxy-auth", ntlm, &found{"bad", "The proxy proxy.corp.example:3128 wants a name and a password (407, once)", 22, []uint64{1}, nil, []string{"export HTTPS_PROXY=http://127.0.0.1:3128 https_proxy=http://127.0.0.1:3128"}}},
		netCase{"of --upstream-proxy", "proxy-auth", flag, &found{"bad", "The proxy proxy.corp.example:3128 wants a name and a password (407, once)", 22, []uint64{1}, nil, []string{"modtap run --upstream-proxy http://USER:PASSWORD@proxy.corp.example:3128 -- go mod download"}}},
		netCase{"forbids", "proxy-auth", viaProxy(proxyHost, 403, "Forbidden", 20), nil},
		netCase{"no proxy", "proxy-auth", refusedDial(), nil},
		netCase{"explains the failed connection", "connection-failed", viaProxy(proxyHost, 407, "Proxy Authentication Required", 20), nil},
	)
	checkCases(t, cases)
}

// answers is a world in which host answers so to the zips of n modules, twice each, and well
// to all else.
func answers(goproxy, host string, status, n, exit int) *world {
	w := newWorld()
	w.set("GOPROXY", goproxy)
	w.opens(1, 20, host, phases{connect: 10, tls: 20})
	at := 100.0
	for i := range n {
		for range 2 {
			w.get(1, at, fmt.Sprintf("https://%s/example.com/m%d/@v/v1.0.0.zip", host, i), status, 20, phases{wait: 30})
			at += 40
		}
	}
	return w.ends(at+10, exit)
}

func TestRefusals(t *testing.T) {
	comma := "https://a.example,https://b.example,direct"
	bar := "go env -w 'GOPROXY=https://a.example|https://b.example,direct'"
	shield := "https://a.example,https://proxy.golang.org,direct" // no bar: an outage would tell everyone's what is private
	list := newWorld()
	for i := range 6 {
		list.get(1, 100+60*float64(i), fmt.Sprintf("https://a.example/example.com/m/p%d/@v/list", i), 403, 20, phases{wait: 50})
	}
	list.ends(500, 0)
	later := answers(comma, "a.example", 503, 3, 1)
	for i := range later.Exchanges {
		later.Exchanges[i].Response.Header = []recorder.Header{{Name: "Retry-After", Value: "30"}}
	}
	checkCases(t, []netCase{
		{"a comma stops", "forbidden", answers(comma, "a.example", 403, 2, 1), &found{"bad", "a.example forbids 2 of 3 modules (403), as example.com/m0", 120, []uint64{2, 3, 4, 5}, nil, []string{bar}}},
		{"a comma that shields", "forbidden", answers(shield, "a.example", 403, 2, 1), &found{"bad", "a.example forbids 2 of 3 modules (403), as example.com/m0", 120, []uint64{2, 3, 4, 5}, nil, nil}},
		{"429 behind a shield", "rate-limited", answers(shield, "a.example", 429, 3, 1), &found{"bad", "a.example limits the rate: 6 of 7 requests got 429", 180, ids(2, 7, 1), nil, []string{"GODEBUG=cmdgonetlimit=4 go mod download"}}},
		{"the last entry", "forbidden", answers("https://proxy.golang.org", proxyHost, 403, 1, 1), &found{"bad", "proxy.golang.org forbids example.com/m0 (403), 1 of 2 modules", 60, []uint64{2, 3}, nil, []string{"go env -w 'GOPROXY=https://goproxy.cn|https://proxy.golang.org'"}}},
		{"the parent proxy", "forbidden", viaProxy(proxyHost, 403, "Forbidden", 20), &found{"bad", "The proxy proxy.corp.example:3128 forbids proxy.golang.org (403, once)", 22, []uint64{1}, nil, []string{mirrorFirst}}},
		{"no such path", "forbidden", list, nil},
		{"not found", "forbidden", answers(comma, "a.example", 404, 2, 0), nil},
		{"explains the failed connection", "connection-failed", viaProxy(proxyHost, 403, "Forbidden", 20), nil},

		{"429", "rate-limited", answers(comma, "a.example", 429, 3, 1), &found{"bad", "a.example limits the rate: 6 of 7 requests got 429", 180, ids(2, 7, 1), nil, []string{"GODEBUG=cmdgonetlimit=4 go mod download", bar}}},
		{"503 and when to come again", "rate-limited", later, &found{"bad", "a.example limits the rate: 6 of 7 requests got 503", 180, ids(2, 7, 1), nil, []string{"GODEBUG=cmdgonetlimit=4 go mod download", bar}}},
		{"it went on", "rate-limited", answers(comma, "a.example", 429, 1, 0), &found{"warn", "a.example limits the rate: 2 of 3 requests got 429", 60, ids(2, 3, 1), nil, []string{"GODEBUG=cmdgonetlimit=4 go mod download", bar}}},
		{"503 alone", "rate-limited", answers(comma, "a.example", 503, 3, 1), nil},
		{"forbidden", "rate-limited", answers(comma, "a.example", 403, 3, 1), nil},
	})
}

// TestForbiddenAdvice: only where a comma may go does the remedy speak of it.
func TestForbiddenAdvice(t *testing.T) {
	for list, want := range map[string]bool{"https://goproxy.io,https://proxy.golang.org,direct": true, "https://a.example,https://proxy.golang.org,direct": false} {
		w := newWorld().set("GOPROXY", list)
		w.twice(10, fileAt(parseEntries(list)[0].host(), quote, "info"), 403, 40).ends(200, 1)
		if f := Run(w.Input).Findings[0]; f.ID != "forbidden" || strings.Contains(f.Remedy, "comma") != want || (len(f.Commands) == 2) != want {
			t.Errorf("%s: %+v", list, f)
		}
	}
}

// behindSystem is a world whose system has a proxy, and whose direct connections fail.
func behindSystem(system string, good int) *world {
	w := newWorld()
	w.Session.OS, w.Session.Environ.Shell, w.Session.Environ.SystemProxy = "windows/amd64", "powershell", system
	w.cannot(1, 20, proxyHost, "timeout", "dial tcp 192.0.2.1:443: connectex: A connection attempt failed because the connected party did not properly respond after a period of time", phases{connect: 21000})
	for i := range good {
		w.opens(uint64(i+2), 21100+100*float64(i), "sum.golang.org", phases{connect: 10, tls: 20})
	}
	return w.ends(21500, 1)
}

func TestSystemProxy(t *testing.T) {
	set := behindSystem("proxy.corp.example:8080", 0)
	set.Session.Environ.Proxy = map[string]string{"HTTPS_PROXY": "http://proxy.corp.example:8080"}
	title := "1 of 1 direct connections fail; the system's proxy is not used"
	checkCases(t, []netCase{
		{"address", "system-proxy-unused", behindSystem("proxy.pacific.example:8080", 0), &found{"bad", title, 21000, []uint64{1}, nil, []string{"$env:HTTPS_PROXY='http://proxy.pacific.example:8080'"}}},
		{"script", "system-proxy-unused", behindSystem("pac+http://wpad.corp.example/proxy.pac", 1), &found{"bad", "1 of 2 direct connections fail; the system's proxy is not used", 21000, []uint64{1}, nil, []string{"$env:HTTPS_PROXY='http://PROXY:PORT'"}}},
		{"explains the failed connection", "connection-failed", behindSystem("proxy.corp.example:8080", 0), nil},
		{"it is used", "system-proxy-unused", set, nil},
		{"direct works as a rule", "system-proxy-unused", behindSystem("proxy.corp.example:8080", 3), nil},
		{"there is none", "system-proxy-unused", refusedDial(), nil},
	})
}

func TestNoProxy(t *testing.T) {
	private := viaProxy("git.example.org", 504, "Gateway Timeout", 5000).set("GOPRIVATE", "git.example.org/team,*.x.example")
	kept := refusedDial()
	kept.Session.Environ.Proxy = map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "localhost,.golang.org"}
	alone := refusedDial() // an empty NO_PROXY would let no_proxy count
	alone.Session.Environ.Proxy = map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".golang.org"}
	dead := viaProxy("goproxy.corp.example", 502, "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused", 5)
	checkCases(t, []netCase{
		{"neighbour of the proxy", "no-proxy", viaProxy("goproxy.corp.example", 503, "Service Unavailable", 100), &found{"bad", "goproxy.corp.example goes through proxy.corp.example:3128: Service Unavailable", 102, []uint64{1}, nil, []string{"export NO_PROXY=localhost,goproxy.corp.example no_proxy=localhost,goproxy.corp.example"}}},
		{"private address", "no-proxy", viaProxy("10.1.2.3", 503, "Service Unavailable", 100), &found{"bad", "10.1.2.3 goes through proxy.corp.example:3128: Service Unavailable", 102, []uint64{1}, nil, []string{"export NO_PROXY=localhost,10.1.2.3 no_proxy=localhost,10.1.2.3"}}},
		{"GOPRIVATE", "no-proxy", private, &found{"bad", "git.example.org goes through proxy.corp.example:3128: Gateway Timeout", 5002, []uint64{1}, nil, []string{"export NO_PROXY=localhost,git.example.org no_proxy=localhost,git.example.org"}}},
		{"the reverse", "no-proxy", kept, &found{"bad", "NO_PROXY keeps proxy.golang.org from the proxy; directly it fails after 3.0 ms", 3, []uint64{1}, nil, []string{"export NO_PROXY=localhost no_proxy=localhost"}}},
		{"nothing else is in it", "no-proxy", alone, &found{"bad", "NO_PROXY keeps proxy.golang.org from the proxy; directly it fails after 3.0 ms", 3, []uint64{1}, nil, []string{"unset NO_PROXY no_proxy"}}},
		{"outside", "no-proxy", viaProxy(proxyHost, 503, "Service Unavailable", 100), nil},
		{"password", "no-proxy", viaProxy("goproxy.corp.example", 407, "Proxy Authentication Required", 100), nil},
		{"dead proxy", "no-proxy", dead, nil},
		{"explains the failed connection", "connection-failed", viaProxy("goproxy.corp.example", 503, "Service Unavailable", 100), nil},
	})
}

// TestProbesAreNotForbidden: of a search for a module's path a mirror may answer 403 to the
// prefixes and the packages beside it, whatever the command failed of.
func TestProbesAreNotForbidden(t *testing.T) {
	w := newWorld()
	w.opens(1, 20, proxyHost, phases{connect: 10, tls: 20})
	w.get(1, 60, "https://proxy.golang.org/github.com/o/r/@v/list", 200, 20, phases{wait: 30})
	for i, path := range []string{"github.com/o", "github.com/o/r/internal/x"} {
		w.get(1, 100+40*float64(i), "https://proxy.golang.org/"+path+"/@v/list", 403, 20, phases{wait: 30})
	}
	checkCases(t, []netCase{{"probes", "forbidden", w.ends(300, 1), nil}})
	x := w.get(1, 200, "https://proxy.golang.org/github.com/o/private/@v/list", 403, 20, phases{wait: 30})
	x.Response.Mime, x.Response.Body = "text/plain; charset=utf-8", []byte("Not for you.\n")
	f := Run(w.Input).Findings[0]
	if f.ID != "forbidden" || f.Title != "proxy.golang.org forbids github.com/o/private (403)" ||
		!strings.Contains(f.Remedy, `It says: "Not for you".`) || len(f.Evidence) != 1 {
		t.Errorf("%+v", f)
	}
}

// TestInternal: what no public resolver knows is inside, and so is the proxy's neighbour.
func TestInternal(t *testing.T) {
	w := newWorld().set("GONOPROXY", "*.x.example")
	a := analyse(&w.Input)
	for host, want := range map[string]bool{
		"goproxy": true, "go.private:8443": true, "GO.Home": true, "go.intra": true, "10.1.2.3": true, "[fd00::1]:443": true, "git.corp.example": true, "a.x.example": true,
		"proxy.golang.org": false, "192.0.2.1": false, "[2001:db8::1]:443": false, "example": true, "corp.example.org": false,
	} {
		if got := a.internal(host, "http://proxy.corp.example:3128"); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}
