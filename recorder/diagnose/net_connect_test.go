package diagnose

import (
	"testing"

	"modtap/recorder"
)

const proxyHost = "proxy.golang.org"

// resolverRuns is the command that asks another DNS server.
const resolverRuns = "modtap run --resolver 1.1.1.1:53 -- go mod download"

func TestDNS(t *testing.T) {
	failed := func(msg string, took float64) *world {
		w := newWorld()
		w.cannot(1, 20, proxyHost, "dns", msg, phases{dns: took})
		return w.ends(took+50, 1)
	}
	slow := func(host string, took float64) *world {
		w := wellConnected()
		w.opens(2, 100, host, phases{dns: took, connect: 10, tls: 20})
		return w.ends(took+300, 0)
	}
	windows := slow("sum.golang.org", 5020)
	windows.Session.OS = "windows/amd64"
	six := slow("sum.golang.org", 5020)
	six.conn(2).Addrs = []string{"192.0.2.1", "2001:db8::1"}
	var foreign world
	three := slow("sum.golang.org", 300)
	three.opens(3, 600, "github.com", phases{dns: 300, connect: 10, tls: 20})
	foreign.Input = three.ends(1200, 0).Input // as another program writes it
	foreign.Foreign, foreign.Conns, foreign.Process = true, nil, nil

	checkCases(t, []netCase{
		{"no such host", "dns-failure", failed("lookup proxy.golang.org: no such host", 30), &found{"bad", "DNS knows no host proxy.golang.org (once, after 30 ms)", 10, []uint64{1}, nil, []string{"nslookup proxy.golang.org", resolverRuns}}},
		{"no answer", "dns-failure", failed("dial tcp: lookup proxy.golang.org on 10.0.0.1:53: read udp 10.0.0.2:1->10.0.0.1:53: i/o timeout", 10000), &found{"bad", "No DNS answer for proxy.golang.org: given up after 10.0 s", 9980, []uint64{1}, nil, []string{"nslookup proxy.golang.org", resolverRuns}}},
		{"refused is another matter", "dns-failure", refusedDial(), nil},
		{"the client gave up", "dns-failure", func() *world {
			w := wellConnected()
			w.cannot(2, 100, "sum.golang.org", "canceled", "lookup sum.golang.org: operation was canceled", phases{dns: 3000})
			return w.ends(3200, 130)
		}(), nil},

		{"one of 2.5 s", "dns-slow", slow("sum.golang.org", 2500), &found{"bad", "1 of 2 DNS lookups slow: sum.golang.org took 2.5 s", 2499, []uint64{2}, nil, []string{"nslookup sum.golang.org", resolverRuns}}},
		{"another program's recording", "dns-slow", &foreign, &found{"warn", "DNS lookups take 300 ms (median of 3); 200 ms is slow", 598, []uint64{2, 3}, nil, []string{"nslookup sum.golang.org", resolverRuns}}},
		{"just below", "dns-slow", slow("sum.golang.org", 199), nil},
		{"a lost answer", "dns-slow", slow("sum.golang.org", 5020), nil},
		{"windows has no 5 s", "dns-slow", windows, &found{"bad", "1 of 2 DNS lookups slow: sum.golang.org took 5.02 s", 5019, []uint64{2}, nil, []string{"nslookup sum.golang.org", resolverRuns}}},

		{"5 s", "aaaa-stall", slow("sum.golang.org", 5020), &found{"bad", "The DNS lookup of sum.golang.org took 5.02 s: an answer was lost", 5019, []uint64{2}, nil, []string{"echo 'options single-request-reopen' | sudo tee -a /etc/resolv.conf", resolverRuns}}},
		{"10 s", "aaaa-stall", six, &found{"bad", "The DNS lookup of sum.golang.org took 5.02 s: an answer was lost", 5019, []uint64{2}, nil, []string{"echo 'options single-request-reopen' | sudo tee -a /etc/resolv.conf", resolverRuns}}},
		{"just below", "aaaa-stall", slow("sum.golang.org", 4890), nil},
		{"slow, not lost", "aaaa-stall", slow("sum.golang.org", 7000), nil},
		{"failed after 5 s", "aaaa-stall", failed("lookup proxy.golang.org on 10.0.0.1:53: i/o timeout", 5010), nil},
		{"windows", "aaaa-stall", windows, nil},
	})
}

func refusedDial() *world {
	w := newWorld()
	w.cannot(1, 20, proxyHost, "dial", "dial tcp 192.0.2.1:443: connect: connection refused", phases{dns: 1, connect: 2})
	return w.ends(60, 1)
}

// dual is a world whose second connection tried IPv6 first; delay is what IPv4 started
// after.
func dual(delay float64, sixWorks bool) *world {
	w := wellConnected()
	w.opens(2, 100, "sum.golang.org", phases{dns: 1, connect: 20 + delay, tls: 30})
	c := w.conn(2)
	from := c.Marks.ConnectStart
	c.Dials = []recorder.Dial{{Addr: "[2001:db8::1]:443", Start: from}, {Addr: c.Remote, Start: from + ms(delay), Done: c.Marks.ConnectDone}}
	w.mods(1, 1000, 3, 10)
	if sixWorks {
		w.opens(3, 1200, "sum.golang.org", phases{connect: 30, tls: 30})
		six := w.conn(3)
		six.Remote, six.Dials[0].Addr = "[2001:db8::1]:443", "[2001:db8::1]:443"
	}
	return w.ends(1500, 0)
}

// hangsOnSix is a world in which TLS over IPv6 hangs.
func hangsOnSix(four bool) *world {
	w := wellConnected()
	c := w.cannot(2, 100, "sum.golang.org", "timeout", "net/http: TLS handshake timeout", phases{connect: 20, tls: 10000})
	c.Remote, c.Dials[0].Addr, c.Dials[0].Err = "[2001:db8::1]:443", "[2001:db8::1]:443", ""
	if four {
		w.opens(3, 10300, "sum.golang.org", phases{connect: 20, tls: 20})
	}
	return w.ends(10500, 0)
}

func TestIPv6(t *testing.T) {
	off := []string{"sudo sysctl -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"}
	win := dual(300, false)
	win.Session.OS = "windows/amd64"
	checkCases(t, []netCase{
		{"falls back", "ipv6-broken", dual(300, false), &found{"info", "IPv6 to sum.golang.org does not answer: 300 ms lost on 1 connection", 300, []uint64{2}, nil, off}},
		{"windows", "ipv6-broken", win, &found{"info", "IPv6 to sum.golang.org does not answer: 300 ms lost on 1 connection", 300, []uint64{2}, nil, []string{"netsh interface ipv6 set prefixpolicy ::ffff:0:0/96 46 4"}}},
		{"TLS hangs", "ipv6-broken", hangsOnSix(true), &found{"bad", "IPv6 to sum.golang.org connects, but TLS hangs on it (10.0 s); IPv4 works", 9980, []uint64{2}, nil, off}},
		{"no route costs nothing", "ipv6-broken", dual(1, false), nil},
		{"just below", "ipv6-broken", dual(249, false), nil},
		{"works at other times", "ipv6-broken", dual(300, true), nil},
		{"IPv4 is not better", "ipv6-broken", hangsOnSix(false), nil},
		{"explains the timeout", "tls-timeout", hangsOnSix(true), nil},
	})
}

// connects is a world whose second connection took so long to connect.
func connects(took float64, os string, tcp *recorder.TCP) *world {
	w := wellConnected()
	w.Session.OS = os + "/amd64"
	w.opens(2, 100, proxyHost, phases{connect: took, tls: 20})
	w.conn(2).TCP = tcp
	return w.ends(took+300, 0)
}

func TestSynLoss(t *testing.T) {
	mtr := "mtr -T -P 443 -rwc 100 proxy.golang.org"
	mirror := "go env -w 'GOPROXY=https://goproxy.cn|https://proxy.golang.org,direct'"
	probably := "SYN to proxy.golang.org probably lost: connect took 1.03 s instead of 10 ms"
	checkCases(t, []netCase{
		{"by time", "syn-loss", connects(1030, "linux", nil), &found{"warn", probably, 1020, []uint64{2}, nil, []string{mtr, mirror}}},
		{"by the kernel", "syn-loss", connects(1500, "linux", &recorder.TCP{SynRetrans: 1}), &found{"warn", "SYN to proxy.golang.org lost: connect took 1.5 s instead of 10 ms", 1490, []uint64{2}, nil, []string{mtr, mirror}}},
		{"old kernel", "syn-loss", connects(3000, "linux", &recorder.TCP{SynRetrans: -1}), &found{"bad", "SYN to proxy.golang.org probably lost: connect took 3.0 s instead of 10 ms", 2990, []uint64{2}, nil, []string{mtr, mirror}}},
		{"windows", "syn-loss", connects(3010, "windows", nil), &found{"bad", "SYN to proxy.golang.org probably lost: connect took 3.01 s instead of 10 ms", 3000, []uint64{2}, nil, []string{"pathping proxy.golang.org", mirror}}},
		{"the kernel says no", "syn-loss", connects(1030, "linux", &recorder.TCP{SynRetrans: 0}), nil},
		{"between the steps", "syn-loss", connects(1500, "linux", nil), nil},
		{"just below", "syn-loss", connects(920, "linux", nil), nil},
		{"windows has no 1 s", "syn-loss", connects(1030, "windows", nil), nil},
		{"never connected", "syn-loss", func() *world {
			w := newWorld()
			w.cannot(1, 20, proxyHost, "timeout", "dial tcp 192.0.2.1:443: i/o timeout", phases{connect: 7140})
			return w.ends(7300, 1)
		}(), nil},
	})
}

func TestConnectionFailed(t *testing.T) {
	mirror := "go env -w 'GOPROXY=https://goproxy.cn|https://proxy.golang.org,direct'"
	dead := newWorld()
	c := dead.cannot(1, 20, proxyHost, "proxy", "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused", phases{connect: 3})
	c.Via = "http://10.0.0.9:3128"
	dead.Session.Environ.Proxy = map[string]string{"HTTPS_PROXY": "10.0.0.9:3128"} // or https_proxy; a scheme is not needed
	dead.ends(60, 1)
	flag := newWorld()
	flag.cannot(1, 20, proxyHost, "proxy", "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused", phases{connect: 3})
	flag.conn(1).Via = "http://10.0.0.9:3128"
	flag.ends(60, 1)
	windows := wellConnected()
	windows.Session.OS, windows.Session.Environ.Shell = "windows/amd64", "powershell"
	windows.cannot(2, 100, "go.corp.example:8443", "read", "read tcp 10.0.0.2:1->192.0.2.1:8443: read: connection reset by peer", phases{connect: 10, tls: 15})
	windows.ends(200, 1)
	reset := wellConnected()
	reset.cannot(2, 100, "sum.golang.org", "read", "read tcp 10.0.0.2:1->192.0.2.1:443: read: connection reset by peer", phases{connect: 10, tls: 15})
	reset.ends(200, 1)
	unused := wellConnected() // a speculative connection that the client gave up
	unused.Conns = append(unused.Conns, recorder.Conn{ID: 2, Target: proxyHost + ":443", Scheme: "https", Start: epoch, Marks: recorder.Marks{ConnectStart: 1, TLSStart: ms(10), TLSDone: ms(20), End: ms(20)}, Err: &recorder.Error{Op: "tls", Msg: "context canceled"}})
	unused.ends(100, 0)
	alone := wellConnected()
	alone.Conns = append(alone.Conns, recorder.Conn{ID: 2, Target: "sum.golang.org:443", Scheme: "https", Start: epoch, Marks: recorder.Marks{ConnectStart: 1, ConnectDone: ms(30), End: ms(30)}, Err: &recorder.Error{Op: "dial", Msg: "dial tcp: connect: network is unreachable"}})
	alone.ends(100, 0)
	checkCases(t, []netCase{
		{"refused", "connection-failed", refusedDial(), &found{"bad", "No connection to proxy.golang.org: connection refused, after 3.0 ms", 3, []uint64{1}, nil, []string{"curl -v telnet://proxy.golang.org:443", mirror}}},
		{"dead parent proxy", "connection-failed", dead, &found{"bad", "No connection to the proxy 10.0.0.9:3128: connection refused, after 3.0 ms", 3, []uint64{1}, nil, []string{"unset HTTPS_PROXY https_proxy"}}},
		{"dead --upstream-proxy", "connection-failed", flag, &found{"bad", "No connection to the proxy 10.0.0.9:3128: connection refused, after 3.0 ms", 3, []uint64{1}, nil, []string{"modtap run -- go mod download"}}},
		{"PowerShell has a curl of its own", "connection-failed", windows, &found{"bad", "TLS with go.corp.example:8443 fails: connection reset by peer, after 25 ms", 25, []uint64{2}, nil, []string{"curl.exe -v -o - https://go.corp.example:8443/"}}},
		{"TLS reset", "connection-failed", reset, &found{"bad", "TLS with sum.golang.org fails: connection reset by peer, after 25 ms", 25, []uint64{2}, nil, []string{"curl -v -o - https://sum.golang.org/", "go env -w GOSUMDB=sum.golang.google.cn"}}},
		{"no request waited for it", "connection-failed", alone, &found{"warn", "No connection to sum.golang.org: network is unreachable, after 30 ms", 0, nil, []uint64{2}, []string{"curl -v telnet://sum.golang.org:443", "go env -w GOSUMDB=sum.golang.google.cn"}}},
		{"given up by the client", "connection-failed", unused, nil},
		{"DNS is another matter", "connection-failed", func() *world {
			w := newWorld()
			w.cannot(1, 20, proxyHost, "dns", "lookup proxy.golang.org: no such host", phases{dns: 30})
			return w.ends(90, 1)
		}(), nil},
	})
}
