package diagnose

import (
	"fmt"
	"strings"

	"modtap/recorder"
)

// tlsRounds is how many round trips a handshake takes that agreed on t.
func tlsRounds(t *recorder.TLS) recorder.Span {
	if t != nil && t.Version == "TLS 1.3" {
		return 1
	}
	return 2
}

// checkTLSSlow: handshakes end well, but late, and the way's length does not explain it.
func checkTLSSlow(a *Analysis) *recorder.Finding {
	all := a.openings()
	rtt := rtts(all)
	normal := normals(all, opening.tls, tlsSlow, tlsNormal)
	var seen []occurrence
	count := map[string]int{}
	for _, o := range all {
		took := o.tls()
		if took < 0 || !o.ok() {
			continue
		}
		count[o.host]++
		var t *recorder.TLS
		if o.conn != nil {
			t = o.conn.TLS
		}
		if took < tlsSlow || took < 2*tlsRounds(t)*rtt[o.host] {
			continue
		}
		seen = append(seen, o.occurrence(took, normal(o.host)))
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{
		msNumber("TLS handshake", took, tlsSlow), countNumber("slow handshakes", len(its), 0), countNumber("handshakes", count[host], 0),
	}}, seen)
	switch {
	case len(its) == count[host] && len(its) > 1:
		f.Title = fmt.Sprintf("TLS handshakes with %s take %s; %s is much", host, secs(took), secs(tlsSlow))
	case len(its) == count[host]:
		f.Title = fmt.Sprintf("The TLS handshake with %s took %s; %s is much", host, secs(took), secs(tlsSlow))
	default:
		f.Title = fmt.Sprintf("%d of %d TLS handshakes with %s took %s; %s is much", len(its), count[host], host, secs(took), secs(tlsSlow))
	}
	if rtt[host] > 0 {
		f.Numbers = append(f.Numbers, msNumber("round trip", rtt[host], 0))
	}
	f.Remedy = "The server, or something on the way that reads TLS (a firewall, a virus scanner), is slow to answer. Compare from another network; use a mirror that is nearer; let inspection leave " + hostName(host) + " alone."
	f.Commands = a.aroundOr(host, a.getCommand(host))
	return f
}

// tlsHung reports that a handshake was given up for want of an answer.
func tlsHung(o opening) bool {
	return o.stage() == failedTLS && !isVerdict(o) &&
		(o.err.Op == "timeout" || strings.Contains(o.err.Msg, "timeout") || strings.Contains(o.err.Msg, "canceled") || o.tls() >= tlsGivenUp)
}

// checkTLSTimeout: a handshake that never ended.
func checkTLSTimeout(a *Analysis) *recorder.Finding {
	all := a.openings()
	normal := normals(all, opening.tls, tlsSlow, tlsNormal)
	var seen []occurrence
	good := 0
	for _, o := range all {
		if tlsHung(o) {
			seen = append(seen, o.occurrence(o.tls(), normal(o.host)))
		} else if o.ok() && o.tls() > 0 {
			good++
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("No TLS handshake with %s: given up after %s, %s%s", host, secs(took), times(len(its)), othersThan(host, seen)),
		Numbers: []recorder.Number{msNumber("until the handshake was given up", took, tlsTimeout), countNumber("such handshakes", len(seen), 0), countNumber("handshakes that ended well", good, 0)},
		Remedy:  "The connection opens and then nothing answers: the network or a firewall swallows it, or the server hangs. Try another network, or go around " + hostName(host) + ".",
		Caveat:  "A firewall that drops large ClientHello messages looks the same; the last command sends a smaller one. modtap's ClientHello is not exactly that of the go command.",
	}, seen)
	f.Commands = append(a.around(host), a.withGodebug("tlsmlkem=0", a.command()))
	return a.failure(f)
}

// checkClientHello: one host never answers a large ClientHello, while others do.
func checkClientHello(a *Analysis) *recorder.Finding {
	all := a.openings()
	normal := normals(all, opening.tls, tlsSlow, tlsNormal)
	good := map[string]bool{}
	silent := map[string]bool{}
	var seen []occurrence
	var sent int64
	for _, o := range all {
		if o.ok() && o.tls() > 0 {
			good[o.host] = true
		}
		if o.stage() != failedTLS || isVerdict(o) {
			continue
		}
		silent[o.host] = true
		c := o.conn
		if c == nil || c.BytesIn != 0 || c.BytesOut < helloBig || o.connect() > ms(1000) {
			return nil // a handshake that failed in another way
		}
		sent = c.BytesOut
		seen = append(seen, o.occurrence(o.tls(), normal(o.host)))
	}
	if len(silent) != 1 || len(good) == 0 || good[seen[0].host] {
		return nil
	}
	host := seen[0].host
	took := netMedian(tooks(seen))
	f := a.evidenceOf(&recorder.Finding{
		Title: fmt.Sprintf("%s never answers a ClientHello of %d bytes; other hosts do", host, sent),
		Numbers: []recorder.Number{
			{Name: "ClientHello", Value: float64(sent), Unit: "B", Limit: helloBig}, msNumber("until it was given up", took, 0),
			countNumber("such handshakes", len(seen), 0), countNumber("hosts that answered", len(good), 0),
		},
		Remedy: "Since Go 1.24 a ClientHello has a post-quantum key share and no longer fits one packet; old firewalls drop it. The command leaves the key share out for one run. " +
			"If it helps, whoever runs the firewall must update it.",
		Caveat: "A server that is silent for another reason looks the same: only the command tells. modtap's ClientHello is not exactly that of the go command.",
	}, seen)
	f.Commands = append([]string{a.withGodebug("tlsmlkem=0", a.modtapRun("-v"))}, a.around(host)...)
	return a.failure(f)
}

// isVerdict reports that the server's certificate did not verify.
func isVerdict(o opening) bool {
	return o.conn != nil && o.conn.TLS != nil && o.conn.TLS.Verdict != "" || o.err != nil && strings.Contains(o.err.Msg, "x509:")
}

// checkUntrustedCA: a certificate that does not verify; a server's, or modtap's own.
func checkUntrustedCA(a *Analysis) *recorder.Finding {
	var seen []occurrence
	verdicts := map[string]string{}
	issuers := map[string]string{}
	refused := false
	for _, o := range a.openings() {
		if !isVerdict(o) {
			continue
		}
		if o.conn != nil && o.conn.TLS != nil && o.conn.TLS.Verdict != "" {
			verdicts[o.host], issuers[o.host] = o.conn.TLS.Verdict, o.conn.TLS.Issuer
		} else {
			verdicts[o.host] = o.err.Msg
		}
		refused = refused || o.err != nil
		took := o.took()
		if o.err == nil {
			took = 0 // the client went on
		}
		seen = append(seen, o.occurrence(took, 0))
	}
	if len(seen) == 0 {
		return a.distrustsModtap()
	}
	host, its := worst(seen)
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{countNumber("such connections", len(seen), 0), countNumber("of them to "+host, len(its), 0)}}, seen)
	a.verdictWords(f, host, verdicts[host], commonName(issuers[host]))
	if !refused {
		f.Severity = recorder.Info
		f.Caveat = "The command went on all the same, as with GOINSECURE."
		return f
	}
	return a.failure(f)
}

// verdictWords says what is wrong with the certificate of host, and what to do.
func (a *Analysis) verdictWords(f *recorder.Finding, host, verdict, issuer string) {
	by := ""
	if issuer != "" {
		by = fmt.Sprintf(" (issuer %q)", netClip(issuer, 40))
	}
	switch {
	case strings.Contains(verdict, "expired or is not yet valid"):
		f.Title = "The certificate of " + host + " is out of date" + by
		f.Remedy = "Check the clock of this machine. If it is right, ask whoever runs " + hostName(host) + " (or the proxy that inspects TLS) to renew the certificate; until then go another way."
		f.Commands = append([]string{a.dateCommand()}, a.around(host)...)
	case strings.Contains(verdict, "certificate is valid for") || strings.Contains(verdict, "not valid for any names"):
		f.Title = "The certificate of " + host + " is for another name" + by
		f.Remedy = "Check the host in GOPROXY. A login page of the network (open a browser) or a wrong DNS answer looks like this too."
		f.Commands = a.aroundOr(host, a.getCommand(host))
	default:
		f.Title = host + " is signed by an authority that is not trusted here"
		if issuer != "" {
			f.Title = fmt.Sprintf("%s is signed by %q, not trusted here", host, netClip(issuer, 40))
		}
		f.Remedy = "Something on the way opens TLS and signs it again, or the server is a company's own. If the issuer is your company's, get its CA certificate (ask IT) and trust it: "
		a.trustRemedy(f, host)
	}
}

// trustRemedy completes the remedy with how this system is made to trust a CA; host may have
// a port.
func (a *Analysis) trustRemedy(f *recorder.Finding, host string) {
	switch a.goos() {
	case "windows":
		f.Remedy += "on Windows in the user's root store."
		f.Commands = []string{"certutil -user -addstore Root corp-ca.pem"}
	case "darwin":
		f.Remedy += "on macOS in the login keychain."
		f.Commands = []string{"security add-trusted-cert -k ~/Library/Keychains/login.keychain-db corp-ca.pem"}
	default:
		f.Remedy += "on Linux in the system's store, which go and git both read; in a container image, COPY it and run the second command."
		f.Commands = []string{"sudo cp corp-ca.pem /usr/local/share/ca-certificates/corp-ca.crt", "sudo update-ca-certificates"}
	}
	f.Remedy += " If you do not know the issuer, do not trust it: somebody reads along. A server may also leave out an intermediate certificate; its owner must add it. See who signs it with the last command."
	f.Commands = append(f.Commands, a.chainCommand(host))
}

// dateCommand shows the clock.
func (a *Analysis) dateCommand() string {
	switch a.shell() {
	case "cmd":
		return "echo %date% %time%"
	case "powershell":
		return "Get-Date"
	}
	return "date -u"
}

// distrustsModtap: the child does not trust modtap's own certificate.
func (a *Analysis) distrustsModtap() *recorder.Finding {
	var seen []occurrence
	for x := range a.exchanges {
		if x.Err != nil && x.Err.Op == "client-tls" {
			seen = append(seen, occurrence{host: netHost(x.URL), x: x, took: x.Server.End, excess: x.Server.End})
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, _ := worst(seen)
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("The command does not trust modtap's certificate for %s (%s)", host, times(len(seen))),
		Numbers: []recorder.Number{countNumber("refused handshakes", len(seen), 0)},
		Remedy: "Nothing is wrong with the server: modtap's own certificate was refused, so these requests cannot be read. A program with its own list of authorities, or go before 1.27 on Windows and macOS, does so. " +
			"Reverse mode needs no certificate; --bypass relays one host unread.",
		Commands: []string{a.modtapRun("--mode reverse"), a.modtapRun("--bypass " + a.quote(hostName(host)))},
	}, seen)
	return a.failure(f)
}

// commonName is the CN of a distinguished name as Go writes it, else its O, else all of it.
func commonName(dn string) string {
	org := ""
	for _, part := range strings.Split(dn, ",") {
		if name, ok := strings.CutPrefix(part, "CN="); ok {
			return name
		}
		if name, ok := strings.CutPrefix(part, "O="); ok && org == "" {
			org = name
		}
	}
	if org != "" {
		return org
	}
	return dn
}
