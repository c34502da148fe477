package diagnose

import (
	"fmt"
	"math"
	"net/netip"
	"strings"

	"modtap/recorder"
)

func isIPv6(addr string) bool {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return ap.Addr().Unmap().Is6()
	}
	ip, err := netip.ParseAddr(addr)
	return err == nil && ip.Unmap().Is6()
}

// sixes is what became of IPv6 for one host.
type sixes struct {
	worked bool // a connection over it was good, TLS included
	four   bool // one over IPv4 was
}

func sixesOf(all []opening) map[string]sixes {
	out := map[string]sixes{}
	for _, o := range all {
		if o.conn == nil || o.conn.Remote == "" || !o.ok() {
			continue
		}
		s := out[o.host]
		if isIPv6(o.conn.Remote) {
			s.worked = s.worked || o.tls() < ipv6Stall
		} else {
			s.four = true
		}
		out[o.host] = s
	}
	return out
}

// fellBack is how long an opening waited for IPv6 before it took IPv4; 0: it did not.
func fellBack(o opening) recorder.Span {
	won := o.won()
	if won == nil || isIPv6(won.Addr) {
		return 0
	}
	for _, d := range o.conn.Dials {
		if isIPv6(d.Addr) && d.Start < won.Start {
			return won.Start - d.Start
		}
	}
	return 0
}

// checkIPv6: IPv6 is there by name, and does not work.
func checkIPv6(a *Analysis) *recorder.Finding {
	all := a.openings()
	by := sixesOf(all)
	normal := normals(all, opening.tls, tlsSlow, tlsNormal)
	var seen []occurrence
	stalls := 0
	for _, o := range all {
		if o.conn == nil || by[o.host].worked {
			continue
		}
		if d := fellBack(o); d >= happyEyeballs {
			seen = append(seen, o.occurrence(d, 0))
			continue
		}
		stalled := o.stage() == failedTLS || o.tls() >= ipv6Stall
		if isIPv6(o.conn.Remote) && by[o.host].four && stalled {
			stalls++
			seen = append(seen, o.occurrence(o.tls(), normal(o.host)))
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{msNumber("lost to IPv6, per connection", took, happyEyeballs), countNumber("connections", len(seen), 0)}}, seen)
	if stalls > 0 {
		f.Title = fmt.Sprintf("IPv6 to %s connects, but TLS hangs on it (%s); IPv4 works", host, secs(took))
	} else {
		f.Title = fmt.Sprintf("IPv6 to %s does not answer: %s lost on %s", host, secs(took), plural(len(its), "connection"))
	}
	f.Remedy = "Repair IPv6 on this network (ask whoever runs it for the route, and for ICMPv6 to pass), or switch it off on this machine."
	f.Commands = a.ipv6Off()
	if stalls > 0 {
		return a.failure(f)
	}
	return f
}

// ipv6Off switches IPv6 off, or behind IPv4.
func (a *Analysis) ipv6Off() []string {
	switch a.goos() {
	case "windows":
		return []string{"netsh interface ipv6 set prefixpolicy ::ffff:0:0/96 46 4"}
	case "darwin":
		return []string{"networksetup -setv6off Wi-Fi"}
	case "linux":
		return []string{"sudo sysctl -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"}
	}
	return nil
}

// synSteps are the steps of this system; all that we know where it is not known.
func (a *Analysis) synSteps() []recorder.Span {
	switch a.goos() {
	case "windows":
		return synStepsWindows
	case "darwin":
		return synStepsNew
	}
	return append(append([]recorder.Span{}, synStepsNew...), synStepsOld...)
}

// onStep reports whether a connect took as long as one whose SYNs were lost, its
// round trip aside.
func onStep(took, rtt recorder.Span, steps []recorder.Span) bool {
	for _, s := range steps {
		tolerance := max(synTolerance, recorder.Span(synShare*float64(s)))
		if math.Abs(float64(took-rtt-s)) <= float64(tolerance) || math.Abs(float64(took-s)) <= float64(tolerance) {
			return true
		}
	}
	return false
}

// synLost reports whether the SYN of o was lost, and whether the kernel has said so.
func (a *Analysis) synLost(o opening, rtt recorder.Span) (lost, proved bool) {
	took := o.connect()
	if took <= 0 || o.err != nil && o.stage() != failedTLS {
		return false, false
	}
	if o.conn != nil && o.conn.TCP != nil && o.conn.TCP.SynRetrans >= 0 {
		return o.conn.TCP.SynRetrans > 0, true
	}
	return onStep(took, min(rtt, took), a.synSteps()), false
}

// checkSynLoss: the first packet of a connection had to be sent again.
func checkSynLoss(a *Analysis) *recorder.Finding {
	all := a.openings()
	rtt := rtts(all)
	normal := normals(all, opening.connect, ms(900), connectNormal)
	proof := false
	var seen []occurrence
	for _, o := range all {
		if o.via() != "" {
			o.host = netHost(o.via()) // whose SYN it is
		}
		base := rtt[o.host]
		if base >= ms(900) {
			base = 0 // the only connect is the slow one
		}
		lost, proved := a.synLost(o, base)
		if lost {
			seen = append(seen, o.occurrence(o.connect(), normal(o.host)))
			proof = proof || proved
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{
		msNumber("connect", took, 0), msNumber("connect, normally", normal(host), 0), countNumber("such connects", len(seen), 0), countNumber("connects", len(all), 0),
	}}, seen)
	word := "lost"
	if !proof {
		word = "probably lost"
		f.Caveat = "This is concluded from the time: systems send a SYN again after fixed times, and connecting took one of them. The kernel was not asked, or does not say."
	}
	f.Title = fmt.Sprintf("SYN to %s %s: connect took %s instead of %s", host, word, secs(took), secs(normal(host)))
	f.Remedy = "The network drops packets, or a firewall limits new connections. Find where with the command below, on another network too, and show it to whoever runs the network. " +
		"Another mirror may be reached another way; HTTP/2 and a smaller GOMAXPROCS need fewer connections."
	f.Commands = append([]string{a.pathCommand(host)}, a.around(host)...)
	return f
}

// checkConnectionFailed: a connection did not come about, for no reason that another
// finding names.
func checkConnectionFailed(a *Analysis) *recorder.Finding {
	all := a.openings()
	var seen []occurrence
	last := map[string]opening{}
	for _, o := range all {
		stage := o.stage()
		if stage == "" || stage == failedDNS || a.namedElsewhere(o) {
			continue
		}
		took := o.took()
		if took == 0 && o.x != nil {
			took = o.x.Server.End
		}
		last[o.host] = o
		seen = append(seen, o.occurrence(took, 0))
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	o := last[host]
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{countNumber("failed connections", len(seen), 0), msNumber("until it failed", took, 0)}}, seen)
	f.Title = fmt.Sprintf("%s: %s, after %s%s", failedWhat(o), failedHow(o.err), secs(took), othersThan(host, seen))
	a.connectionRemedy(f, o)
	return a.failure(f)
}

// namedElsewhere reports whether another finding names why o failed.
func (a *Analysis) namedElsewhere(o opening) bool {
	return o.stage() == failedTLS && (tlsHung(o) || isVerdict(o)) || isProxyAuth(o) || o.stage() == failedProxy && isForbidden(o)
}

// failedWhat says what failed, as the beginning of a sentence.
func failedWhat(o opening) string {
	switch o.stage() {
	case failedTLS:
		return "TLS with " + o.host + " fails"
	case failedProxy:
		if strings.Contains(o.err.Msg, "proxyconnect") {
			return "No connection to " + o.peer()
		}
		return "The way to " + o.host + " through " + o.peer() + " fails"
	}
	return "No connection to " + o.peer()
}

// failedHow is the end of the error text, which says how.
func failedHow(err *recorder.Error) string {
	msg := strings.TrimSpace(err.Msg)
	for _, known := range []string{"connection refused", "i/o timeout", "network is unreachable", "no route to host", "connection reset by peer", "EOF"} {
		if strings.HasSuffix(msg, known) {
			return known
		}
	}
	if i := strings.LastIndex(msg, ": "); i >= 0 && i+2 < len(msg) {
		msg = msg[i+2:]
	}
	return netClip(msg, 60)
}

// netClip shortens s to n characters.
func netClip(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return string(r)
}

func (a *Analysis) connectionRemedy(f *recorder.Finding, o opening) {
	host := hostName(o.host)
	switch {
	case o.stage() == failedProxy && strings.Contains(o.err.Msg, "proxyconnect"):
		if a.parentOfFlag(o.via()) {
			f.Remedy = "The proxy server of --upstream-proxy does not answer. Correct its address or, on a network that needs none, leave the flag out."
			f.Commands = []string{a.modtapRun("")}
			return
		}
		f.Remedy = "The proxy server of HTTPS_PROXY does not answer. Correct its address or, on a network that needs none, take the variable away."
		f.Commands = a.unsetProxy("HTTPS_PROXY")
		return
	case o.stage() == failedProxy:
		f.Remedy = "The proxy server does not reach " + host + ". Ask whoever runs it to let " + host + " pass, or use a mirror that it reaches."
	case o.stage() == failedTLS:
		f.Remedy = "Something on the way ends TLS with " + host + ", or the server does. Compare from another network; where it works there, ask whoever runs this one to let " + host + " pass."
		f.Commands = []string{a.getCommand(o.host)}
	default:
		f.Remedy = "Nothing answers there, or a firewall is in between. Check host and port, then ask whoever runs the network to let port " + portOf(o.host) + " of " + host + " pass, or go another way."
		f.Commands = []string{a.portCommand(o.host)}
	}
	f.Commands = append(f.Commands, a.around(o.host)...)
}
