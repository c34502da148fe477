package diagnose

import (
	"strings"
	"testing"

	"modtap/recorder"
)

const (
	mirrorFirst = "go env -w 'GOPROXY=https://goproxy.cn|https://proxy.golang.org,direct'"
	sumdbChina  = "go env -w GOSUMDB=sum.golang.google.cn"
)

// handshakes is a world whose handshakes with the proxy took so long.
func handshakes(connect float64, version string, took ...float64) *world {
	w := newWorld()
	at := 20.0
	for i, d := range took {
		w.opens(uint64(i+1), at, proxyHost, phases{connect: connect, tls: d})
		w.conn(uint64(i + 1)).TLS.Version = version
		at += connect + d + 50
	}
	return w.ends(at, 0)
}

// silentTLS is a world in which sum.golang.org connects and never shakes hands.
func silentTLS(in, out int64, others bool) *world {
	w := newWorld()
	at := 20.0
	if others {
		w.opens(1, at, proxyHost, phases{connect: 10, tls: 20})
		at += 100
	}
	c := w.cannot(2, at, "sum.golang.org", "timeout", "no TLS handshake with sum.golang.org:443: the client gave up after 10.001s", phases{connect: 10, tls: 10001})
	c.BytesIn, c.BytesOut = in, out
	return w.ends(at+10100, 1)
}

func TestTLS(t *testing.T) {
	abrupt := wellConnected()
	abrupt.cannot(2, 100, "sum.golang.org", "tls", "remote error: tls: handshake failure", phases{connect: 10, tls: 10})
	abrupt.ends(200, 1)
	own := silentTLS(0, 1500, true).set("GODEBUG", "http2client=0")
	windows := silentTLS(0, 1500, true)
	windows.Session.Environ.Shell = "powershell"
	smaller := "GODEBUG=tlsmlkem=0 "
	checkCases(t, []netCase{
		{"all", "tls-slow", handshakes(10, "TLS 1.3", 1900, 1900), &found{"bad", "TLS handshakes with proxy.golang.org take 1.9 s; 800 ms is much", 3600, []uint64{1, 2}, nil, []string{mirrorFirst}}},
		{"one of three", "tls-slow", handshakes(10, "TLS 1.3", 30, 30, 1900), &found{"warn", "1 of 3 TLS handshakes with proxy.golang.org took 1.9 s; 800 ms is much", 1870, []uint64{3}, nil, []string{mirrorFirst}}},
		{"just below", "tls-slow", handshakes(10, "TLS 1.3", 799), nil},
		{"a long way", "tls-slow", handshakes(450, "TLS 1.3", 850), nil},
		{"a long way, TLS 1.2", "tls-slow", handshakes(300, "TLS 1.2", 1150), nil},

		{"no host answers", "tls-timeout", silentTLS(0, 1500, false), &found{"bad", "No TLS handshake with sum.golang.org: given up after 10.0 s, once", 9900, []uint64{1}, nil, []string{sumdbChina, smaller + "go mod download"}}},
		{"something came back", "tls-timeout", silentTLS(90, 1500, true), &found{"bad", "No TLS handshake with sum.golang.org: given up after 10.0 s, once", 9980, []uint64{2}, nil, []string{sumdbChina, smaller + "go mod download"}}},
		{"slow, but it ends", "tls-timeout", handshakes(10, "TLS 1.3", 9000), nil},
		{"ended by the server", "tls-timeout", abrupt, nil},
		{"one host, a large hello", "tls-timeout", silentTLS(0, 1500, true), nil},

		{"one host, a large hello", "client-hello-dropped", silentTLS(0, 1500, true), &found{"bad", "sum.golang.org never answers a ClientHello of 1500 bytes; other hosts do", 9980, []uint64{2}, nil, []string{smaller + "modtap run -v -- go mod download", sumdbChina}}},
		{"the user's GODEBUG is kept", "client-hello-dropped", own, &found{"bad", "sum.golang.org never answers a ClientHello of 1500 bytes; other hosts do", 9980, []uint64{2}, nil, []string{"GODEBUG=http2client=0,tlsmlkem=0 modtap run -v -- go mod download", sumdbChina}}},
		{"PowerShell", "client-hello-dropped", windows, &found{"bad", "sum.golang.org never answers a ClientHello of 1500 bytes; other hosts do", 9980, []uint64{2}, nil, []string{"$env:GODEBUG='tlsmlkem=0'; modtap run -v -- go mod download", sumdbChina}}},
		{"something came back", "client-hello-dropped", silentTLS(90, 1500, true), nil},
		{"a small hello", "client-hello-dropped", silentTLS(0, 400, true), nil},
		{"no other host answers", "client-hello-dropped", silentTLS(0, 1500, false), nil},
	})
}

// certificate is a world in which a certificate did not verify; the client took it or not.
func certificate(verdict, issuer string, took bool) *world {
	w := newWorld()
	if took {
		w.opens(1, 20, proxyHost, phases{connect: 10, tls: 40})
	} else {
		w.cannot(1, 20, proxyHost, "tls", "tls: failed to verify certificate: "+verdict, phases{connect: 10, tls: 40})
	}
	w.conn(1).Err = nil
	w.conn(1).TLS = &recorder.TLS{Version: "TLS 1.3", ALPN: "h2", Issuer: issuer, Verdict: verdict}
	code := 1
	if took {
		code = 0
	}
	return w.ends(100, code)
}

func TestUntrustedCA(t *testing.T) {
	unknown := "x509: certificate signed by unknown authority"
	zscaler := "CN=Zscaler Intermediate Root CA,OU=Zscaler Inc.,O=Zscaler Inc.,L=San Jose,ST=California,C=US"
	linux := []string{"sudo cp corp-ca.pem /usr/local/share/ca-certificates/corp-ca.crt", "sudo update-ca-certificates", "openssl s_client -showcerts -connect proxy.golang.org:443 -servername proxy.golang.org </dev/null"}
	windows := certificate(unknown, zscaler, false)
	windows.Session.OS = "windows/amd64"
	ours := newWorld()
	ours.cannot(1, 20, proxyHost, "client-tls", "the client does not trust modtap's certificate for proxy.golang.org (remote error: tls: bad certificate)", phases{connect: 10, tls: 40})
	ours.conn(1).Err, ours.conn(1).TLS = nil, &recorder.TLS{Version: "TLS 1.3"}
	ours.ends(100, 1)
	title := `proxy.golang.org is signed by "Zscaler Intermediate Root CA", not trusted here`
	checkCases(t, []netCase{
		{"inspected", "untrusted-ca", certificate(unknown, zscaler, false), &found{"bad", title, 50, []uint64{1}, nil, linux}},
		{"windows", "untrusted-ca", windows, &found{"bad", title, 50, []uint64{1}, nil, []string{"certutil -user -addstore Root corp-ca.pem", `curl.exe -vk -o NUL -w "%{certs}" https://proxy.golang.org:443/`}}},
		{"GOINSECURE", "untrusted-ca", certificate(unknown, zscaler, true), &found{"info", title, 0, []uint64{1}, nil, linux}},
		{"expired", "untrusted-ca", certificate("x509: certificate has expired or is not yet valid: current time …", "CN=R11,O=Let's Encrypt,C=US", false), &found{"bad", `The certificate of proxy.golang.org is out of date (issuer "R11")`, 50, []uint64{1}, nil, []string{"date -u", mirrorFirst}}},
		{"another name", "untrusted-ca", certificate("x509: certificate is valid for login.hotel.example, not proxy.golang.org", "CN=Hotel", false), &found{"bad", `The certificate of proxy.golang.org is for another name (issuer "Hotel")`, 50, []uint64{1}, nil, []string{mirrorFirst}}},
		{"modtap's own", "untrusted-ca", ours, &found{"bad", "The command does not trust modtap's certificate for proxy.golang.org (once)", 50, []uint64{1}, nil, []string{"modtap run --mode reverse -- go mod download", "modtap run --bypass proxy.golang.org -- go mod download"}}},
		{"all well", "untrusted-ca", wellConnected().ends(100, 0), nil},
		{"TLS failed in another way", "untrusted-ca", silentTLS(0, 1500, true), nil},
		{"explains the failed connection", "connection-failed", certificate(unknown, zscaler, false), nil},
		{"explains the failed connection", "connection-failed", ours, nil},
	})
}

// http1 is a world of n requests over HTTP/1.1 on so many connections, one after another.
func http1(host, issuer, closed string, conns, n int) *world {
	w := newWorld()
	at := 20.0
	for i := range n {
		c := uint64(i*conns/n + 1)
		p := phases{wait: 10}
		if w.conn(c) == nil {
			p.connect, p.tls = 20, 100
		}
		x := w.opens(c, at, host, p)
		x.Proto = "HTTP/1.1"
		t := w.conn(c)
		t.TLS.ALPN, t.TLS.Issuer, t.Closed = "http/1.1", issuer, closed
		at += p.connect + p.tls + 12
	}
	return w.ends(at, 0)
}

func ids(from, to uint64, step int) []uint64 {
	var out []uint64
	for i := from; i <= to; i += uint64(step) {
		out = append(out, i)
	}
	return out[:min(len(out), maxEvidence)]
}

func TestReuse(t *testing.T) {
	four := "GOMAXPROCS=4 go mod download"
	wide := http1("go.corp.example", "CN=Corp CA", "server", 20, 40)
	wide.Session.Environ.MaxProcs = 20
	through := http1(proxyHost, "", "client", 20, 40)
	for i := range through.Conns {
		through.Conns[i].Via = "http://proxy.corp:3128"
	}
	through.Session.Environ.Proxy = map[string]string{"HTTPS_PROXY": "http://proxy.corp:3128", "NO_PROXY": "localhost"}
	git := wellConnected()
	for i := range uint64(20) {
		git.get(10+i, 500+100*float64(i), "https://github.com/rsc/quote.git/info/refs?service=git-upload-pack", 200, 2000, phases{connect: 20, tls: 30, wait: 30, receive: 1})
	}
	checkCases(t, []netCase{
		{"the server closes", "no-reuse", http1("go.corp.example", "CN=Corp CA", "server", 20, 40), &found{"warn", "20 TLS handshakes for 40 requests to go.corp.example; 1 in 5 is much", 1920, ids(9, 40, 2), nil, []string{"GOMAXPROCS=2 go mod download"}}},
		{"1 in 5", "no-reuse", http1("go.corp.example", "CN=Corp CA", "server", 8, 40), nil},
		{"no more than go may have at once", "no-reuse", wide, nil},
		{"git has its own", "no-reuse", git.ends(3000, 0), nil},
		{"HTTP/1.1 is why", "no-reuse", http1("go.corp.example", "CN=Corp CA", "client", 20, 40), nil},

		{"inspected", "http1-downgrade", http1(proxyHost, "CN=Zscaler Intermediate Root CA,O=Zscaler Inc.", "client", 20, 40), &found{"bad", `proxy.golang.org: HTTP/1.1 through "Zscaler Intermediate Root CA", 20 handshakes`, 2280, ids(3, 40, 2), nil, []string{four}}},
		{"through a parent proxy", "http1-downgrade", through, &found{"bad", "proxy.golang.org: HTTP/1.1 through the proxy proxy.corp:3128, 20 handshakes", 2280, ids(3, 40, 2), nil, []string{"export NO_PROXY=localhost,proxy.golang.org no_proxy=localhost,proxy.golang.org", four}}},
		{"a server without HTTP/2", "http1-downgrade", http1("go.corp.example", "CN=Corp CA", "client", 20, 40), &found{"bad", "go.corp.example speaks HTTP/1.1 alone: 20 TLS handshakes for 40 requests", 2280, ids(3, 40, 2), nil, []string{four}}},
		{"public certificate", "http1-downgrade", http1(proxyHost, "CN=WR2,O=Google Trust Services,C=US", "client", 20, 40), nil},
		{"the user's own setting", "http1-downgrade", http1(proxyHost, "CN=Corp CA", "client", 20, 40).set("GODEBUG", "http2client=0"), nil},
		{"few connections", "http1-downgrade", http1("go.corp.example", "CN=Corp CA", "client", 4, 40), nil},
		{"HTTP/2", "http1-downgrade", wellConnected().ends(100, 0), nil},
	})
	if f := http1(proxyHost, "CN=Corp CA", "client", 1, 40).network("http1-downgrade"); f == nil || f.Severity != recorder.Info || !strings.Contains(f.Title, ", 1 handshake") {
		t.Errorf("one connection: %+v", f)
	}
}
