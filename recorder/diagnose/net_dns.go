package diagnose

import (
	"fmt"
	"strings"

	"modtap/recorder"
)

// checkDNSFailure: a name was not resolved.
func checkDNSFailure(a *Analysis) *recorder.Finding {
	all := a.openings()
	normal := normals(all, opening.dns, dnsSlow, dnsNormal)
	var seen []occurrence
	unknown := false // the answer was that there is no such name
	for _, o := range all {
		if o.stage() != failedDNS {
			continue
		}
		took := max(o.dns(), 0)
		oc := o.occurrence(took, normal(o.host))
		if took == 0 && o.x != nil { // no mark: it was all DNS
			oc = o.occurrence(o.x.Server.End, normal(o.host))
		}
		oc.host = lookedUp(o)
		seen = append(seen, oc)
		unknown = unknown || strings.Contains(o.err.Msg, "no such host")
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{msNumber("time to the DNS error", took, 0), countNumber("failed lookups", len(seen), 0)}}, seen)
	name := hostName(host)
	if unknown {
		f.Title = fmt.Sprintf("DNS knows no host %s (%s, after %s)%s", name, times(len(its)), secs(took), othersThan(host, seen))
		f.Remedy = "Check the name, in GOPROXY and in the import path. A name inside a company is known to its DNS server alone: use the VPN, or that server. " +
			"Where only a proxy server reaches the internet, set HTTPS_PROXY: then it resolves the names."
	} else {
		f.Title = fmt.Sprintf("No DNS answer for %s: given up after %s%s", name, secs(took), othersThan(host, seen))
		f.Remedy = "The DNS server does not answer. Use another one: in /etc/resolv.conf, in the settings of the network, or for containers " +
			"with docker run --dns. The command below asks another server, for this run alone; if it works, the server is the cause."
	}
	f.Commands = []string{"nslookup " + a.quote(name), a.modtapRun("--resolver 1.1.1.1:53")}
	return a.failure(f)
}

// lookedUp is the name that was asked for: a parent proxy's, where there is one.
func lookedUp(o opening) string {
	if _, rest, ok := strings.Cut(o.err.Msg, "lookup "); ok {
		if name, _, _ := strings.Cut(rest, " "); name != "" {
			return strings.TrimSuffix(name, ":")
		}
	}
	if v := o.via(); v != "" {
		return netHost(v)
	}
	return o.host
}

// resent reports whether d is the time of lookups one of whose queries was lost: the
// resolver asks again after 5 s, and then after 10.
func resent(d recorder.Span) bool {
	for n := recorder.Span(1); n <= 2; n++ {
		if d >= n*dnsResend-(dnsResend-dnsTimeout) && d <= n*dnsResend+dnsResendTol {
			return true
		}
	}
	return false
}

// lostAnswer reports whether o is a case of aaaa-stall. Windows and foreign recordings
// have other resolvers, with other times.
func (a *Analysis) lostAnswer(o opening) bool {
	return a.goos() != "windows" && !a.In.Foreign && o.stage() != failedDNS && resent(o.dns())
}

// checkAAAAStall: a lookup ended well, but only after a query had been sent again.
func checkAAAAStall(a *Analysis) *recorder.Finding {
	all := a.openings()
	normal := normals(all, opening.dns, dnsSlow, dnsNormal)
	var seen []occurrence
	six := false
	for _, o := range all {
		if a.lostAnswer(o) {
			seen = append(seen, o.occurrence(o.dns(), normal(o.host)))
			six = six || o.conn != nil && hasIPv6(o.conn.Addrs)
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	took := its[0].took
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("The DNS lookup of %s took %s: an answer was lost%s", hostName(host), secs(took), othersThan(host, seen)),
		Numbers: []recorder.Number{msNumber("DNS lookup", took, dnsTimeout), countNumber("such lookups", len(seen), 0)},
		Remedy: "The addresses of IPv4 and IPv6 (A and AAAA) are asked for at once, and both answers are awaited; a query without an answer is sent again after 5 s. " +
			"Some routers and DNS servers drop one of the two. Make the resolver ask one after the other, or use another DNS server.",
	}, seen)
	if a.goos() == "linux" {
		f.Commands = append(f.Commands, "echo 'options single-request-reopen' | sudo tee -a /etc/resolv.conf")
	}
	f.Commands = append(f.Commands, a.modtapRun("--resolver 1.1.1.1:53"))
	if six {
		f.Caveat = "IPv6 addresses did come in the end, so which of the two answers was late is not known."
	} else {
		f.Caveat = "Which of the two answers was lost was not seen; a DNS server that is slow by 5 s looks the same."
	}
	return f
}

func hasIPv6(addrs []string) bool {
	for _, a := range addrs {
		if isIPv6(a) {
			return true
		}
	}
	return false
}

// checkDNSSlow: lookups are slow, for no reason that another finding names.
func checkDNSSlow(a *Analysis) *recorder.Finding {
	all := a.openings()
	normal := normals(all, opening.dns, dnsSlow, dnsNormal)
	var every []recorder.Span
	var seen []occurrence
	var longest recorder.Span
	for _, o := range all {
		d := o.dns()
		if d < 0 || o.stage() == failedDNS || a.lostAnswer(o) {
			continue
		}
		every = append(every, d)
		if d >= dnsSlow {
			seen = append(seen, o.occurrence(d, normal(o.host)))
			longest = max(longest, d)
		}
	}
	median := netMedian(every)
	if len(seen) == 0 || median < dnsSlow && longest < dnsSlowOnce {
		return nil
	}
	host, _ := worst(seen)
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{
		msNumber("DNS lookup, median", median, dnsSlow), msNumber("DNS lookup, longest", longest, dnsSlowOnce), countNumber("lookups", len(every), 0),
	}}, seen)
	switch {
	case len(every) == 1:
		f.Title = fmt.Sprintf("The DNS lookup of %s took %s; %s is slow", hostName(host), secs(longest), secs(dnsSlow))
	case median >= dnsSlow:
		f.Title = fmt.Sprintf("DNS lookups take %s (median of %d); %s is slow", secs(median), len(every), secs(dnsSlow))
	default:
		f.Title = fmt.Sprintf("%d of %d DNS lookups slow: %s took %s", len(seen), len(every), hostName(host), secs(longest))
	}
	f.Remedy = "Ask a DNS server that is nearer, or run one that remembers answers on this machine (systemd-resolved, dnsmasq). The second command asks another server, for this run alone; if it is faster, the server is the cause."
	f.Commands = []string{"nslookup " + a.quote(hostName(host)), a.modtapRun("--resolver 1.1.1.1:53")}
	return f
}
