package diagnose

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"modtap/recorder"
)

// stall says that the request id, the worst of n of its host, does not move.
func (l *Live) stall(id uint64, n int, now time.Time) {
	f := l.flights[id]
	silent := now.Sub(f.since).Truncate(time.Second)
	what := fmt.Sprintf("%s from %s: no byte for %s", f.what, f.host, liveAge(silent))
	if f.bytes > 0 {
		what += fmt.Sprintf(", after %s", size(float64(f.bytes)))
	}
	switch n {
	case 1:
	case 2:
		what += ", and another request"
	default:
		what += fmt.Sprintf(", and %d other requests", n-1)
	}
	a := l.analysis()
	l.say(recorder.Finding{
		ID: "stalled", Severity: recorder.Bad, Title: what,
		Numbers: []recorder.Number{{Name: "time without a byte", Value: recorder.Span(silent).Milliseconds(), Unit: "ms", Limit: stalled.Milliseconds()}},
		Remedy:  "go waits for an answer without a limit. Stop the command (Ctrl-C) and run it again: what is complete is kept.", Commands: []string{a.command()},
	}, id, 0)
}

func liveAge(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// analysis is what remedies write commands with.
func (l *Live) analysis() *Analysis {
	a := &Analysis{In: &Input{Session: l.session}, Env: &recorder.Environ{GoSum: -1}}
	if l.session != nil && l.session.Environ != nil {
		a.Env = l.session.Environ
	}
	return a
}

// conn looks at a connection: what proxy it goes through, whether its certificate verifies.
func (l *Live) conn(c *recorder.Conn) {
	if c.Via != "" && len(l.conns) < liveFlights {
		l.conns[c.ID] = c.Via
	}
	if c.Closed != "" {
		defer delete(l.conns, c.ID)
	}
	if c.Err != nil && wantsPassword(0, c.Err) {
		l.proxyAuth(c.Via, 0, c.ID)
	}
	if c.TLS == nil || c.TLS.Verdict == "" || !l.once("untrusted-ca", c.Target) {
		return
	}
	f := recorder.Finding{
		ID: "untrusted-ca", Severity: recorder.Bad,
		Title: fmt.Sprintf("the certificate of %s does not verify: %s", liveName(c.Target), c.TLS.Verdict),
	}
	if c.TLS.Issuer != "" {
		f.Title += fmt.Sprintf(" (issuer %q)", c.TLS.Issuer)
	}
	a := l.analysis()
	if a.Env.Go["GOINSECURE"] != "" {
		f.Caveat = "GOINSECURE may have go accept it."
	}
	f.Remedy = "Ask whoever runs that server, or what inspects your traffic, for a certificate that is good."
	if strings.Contains(c.TLS.Verdict, "unknown authority") {
		f.Remedy = "Where a proxy inspects TLS, have its CA trusted: put it into the system's store, or name a bundle that has it."
		f.Commands = []string{a.with("SSL_CERT_FILE", "/path/to/bundle.pem", a.with("GIT_SSL_CAINFO", "/path/to/bundle.pem", a.command()))}
	}
	l.say(f, 0, c.ID)
}

// liveName is host:port without the port that goes without saying.
func liveName(target string) string {
	if host, port, err := net.SplitHostPort(target); err == nil && port == "443" {
		return host
	}
	return target
}

// tunnel looks at a CONNECT: whether the client trusts modtap.
func (l *Live) tunnel(t *recorder.Tunnel) {
	if t.Err == nil || t.Err.Op != "client-tls" || !strings.Contains(t.Err.Msg, "does not trust modtap") || !l.once("untrusted-ca", "modtap") {
		return
	}
	who := "the command"
	if strings.HasPrefix(t.Agent, "git/") {
		who = "git"
	}
	l.say(recorder.Finding{
		ID: "untrusted-ca", Severity: recorder.Bad, Title: fmt.Sprintf("%s does not trust modtap's certificate for %s", who, liveName(t.Target)),
		Remedy: "Something under the command does not look at SSL_CERT_FILE. Let its connections pass unseen.", Commands: []string{l.analysis().modtapRun("--bypass " + l.analysis().quote(hostOnly(t.Target)))},
	}, 0, t.Conn)
}

func hostOnly(target string) string {
	if host, _, err := net.SplitHostPort(target); err == nil {
		return host
	}
	return target
}

// wantsPassword reports whether a proxy said 407: as an answer, or to a CONNECT, of whose
// answer an error has the words alone.
func wantsPassword(status int, err *recorder.Error) bool {
	return status == http.StatusProxyAuthRequired ||
		err != nil && err.Op == "proxy" && strings.Contains(err.Msg, http.StatusText(http.StatusProxyAuthRequired))
}

// refused looks at an exchange for a 407.
func (l *Live) refused(x *recorder.Exchange) {
	if wantsPassword(x.Status, x.Err) {
		l.proxyAuth(l.conns[x.Conn], x.ID, x.Conn)
	}
}

func (l *Live) proxyAuth(via string, exchange, conn uint64) {
	a := l.analysis()
	if via == "" { // a proxy that refused is not named on the connection
		via = a.Env.Proxy["HTTPS_PROXY"]
	}
	if via == "" && l.seen["proxy-auth"] != nil || !l.once("proxy-auth", via) {
		return
	}
	name, address := "the proxy", "PROXY:PORT"
	if via != "" {
		address = liveHost(via)
		name += " " + address
	}
	l.say(recorder.Finding{
		ID: "proxy-auth", Severity: recorder.Bad, Title: name + " wants a name and a password (407)",
		Remedy:   "Put name and password into its address; go can do Basic alone. For NTLM or Kerberos run a small proxy on this machine that can (px, alpaca or cntlm), and name that one.",
		Commands: []string{a.with("HTTPS_PROXY", "http://USER:PASSWORD@"+address, a.modtapRun(""))},
	}, exchange, conn)
}
