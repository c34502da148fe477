package diagnose

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"modtap/recorder"
)

// isProxyAuth reports that a parent proxy wanted credentials.
func isProxyAuth(o opening) bool {
	return o.x != nil && o.x.Status == http.StatusProxyAuthRequired ||
		o.err != nil && strings.Contains(o.err.Msg, "Proxy Authentication Required")
}

// isForbidden reports that a parent proxy refused a CONNECT by policy.
func isForbidden(o opening) bool {
	return o.stage() == failedProxy && (o.x != nil && o.x.Status == http.StatusForbidden || strings.HasSuffix(o.err.Msg, "Forbidden"))
}

// proxyOf is the parent proxy that o went through, as far as it is known.
func (a *Analysis) proxyOf(o opening) string {
	if v := o.via(); v != "" {
		return v
	}
	return a.Env.Proxy["HTTPS_PROXY"]
}

// checkProxyAuth: a parent proxy answers 407.
func checkProxyAuth(a *Analysis) *recorder.Finding {
	var seen []occurrence
	proxy, schemes := "", []string(nil)
	add := func(o opening) {
		seen = append(seen, o.occurrence(o.x.Server.End, 0))
		if proxy == "" {
			proxy = a.proxyOf(o)
		}
		if len(schemes) == 0 {
			schemes = authSchemes(o.x)
		}
	}
	for x := range a.exchanges { // of plain HTTP too, which opens nothing
		if x.Status == http.StatusProxyAuthRequired || x.Err != nil && strings.Contains(x.Err.Msg, "Proxy Authentication Required") {
			add(opening{host: netHost(x.URL), x: x, conn: a.Conn(x.Conn), marks: &x.Server, err: x.Err})
		}
	}
	if len(seen) == 0 {
		return nil
	}
	name := "The proxy"
	if proxy != "" {
		name = "The proxy " + netHost(proxy)
	}
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("%s wants a name and a password (407, %s)", name, times(len(seen))),
		Numbers: []recorder.Number{countNumber("answers 407", len(seen), 0)},
	}, seen)
	address := "PROXY:PORT"
	if proxy != "" {
		address = netHost(proxy)
	}
	value := "http://USER:PASSWORD@" + address
	basic := slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, "basic") })
	local := "run a small proxy on this machine that can (px, alpaca or cntlm), and name that one."
	switch {
	case basic:
		f.Remedy = "Put name and password into the address: the proxy takes Basic, which go can do."
	case len(schemes) > 0:
		f.Remedy = "The proxy takes " + strings.Join(schemes, " or ") + ", and go can do Basic alone: " + local
		value = "http://127.0.0.1:3128"
	default:
		f.Remedy = "Put name and password into the address; go can do Basic alone. Where the proxy wants NTLM or Kerberos, " + local
	}
	if a.parentOfFlag(proxy) {
		f.Remedy += " It comes from --upstream-proxy."
		f.Commands = []string{a.modtapRun("--upstream-proxy " + a.quote(value))}
	} else {
		f.Commands = a.setProxy("HTTPS_PROXY", value)
	}
	return a.failure(f)
}

// authSchemes are the ways of telling who one is that a proxy takes: Basic, NTLM,
// Negotiate.
func authSchemes(x *recorder.Exchange) []string {
	var out []string
	for _, h := range x.Response.Header {
		if h.Name != "Proxy-Authenticate" {
			continue
		}
		if s, _, _ := strings.Cut(strings.TrimSpace(h.Value), " "); s != "" && !slices.Contains(out, netClip(s, 20)) {
			out = append(out, netClip(s, 20))
		}
	}
	return out
}

func isSumdb(x *recorder.Exchange) bool { return strings.HasPrefix(string(x.Go.Kind), "sumdb-") }

// netCapital begins a sentence.
func netCapital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// checkRateLimited: 429, or 503 that says when to come again.
func checkRateLimited(a *Analysis) *recorder.Finding {
	var seen []occurrence
	count := map[string]int{}
	retry := ""
	for x := range a.exchanges {
		host := netHost(x.URL)
		count[host]++
		after := x.Response.Get("Retry-After")
		if x.Status != http.StatusTooManyRequests && (x.Status != http.StatusServiceUnavailable || after == "") {
			continue
		}
		if after != "" {
			retry = after
		}
		took := max(x.Client.End, x.Server.End)
		seen = append(seen, occurrence{host: host, x: x, conn: a.Conn(x.Conn), took: took, excess: took})
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("%s limits the rate: %d of %d requests got %d", host, len(its), count[host], its[0].x.Status),
		Numbers: []recorder.Number{countNumber("refused requests", len(its), 0), countNumber("requests", count[host], 0)},
		Remedy:  "Ask for less at once, or wait. go does not try again by itself, but sends each refused request twice.",
	}, seen)
	if retry != "" {
		f.Remedy += " The server says to come again after " + netClip(retry, 40)
		if strings.Trim(retry, "0123456789") == "" {
			f.Remedy += " s"
		}
		f.Remedy += "."
	}
	f.Commands = []string{a.withGodebug("cmdgonetlimit=4", a.command())}
	if list := a.goproxyOn(host); list != "" {
		f.Commands = append(f.Commands, a.goEnvW("GOPROXY", list))
	}
	return a.failure(f)
}

// failedDirect are the openings without a parent proxy that failed before TLS.
func (a *Analysis) failedDirect() (seen []occurrence, good int) {
	for _, o := range a.openings() {
		if o.via() != "" {
			continue
		}
		switch s := o.stage(); {
		case s == "" && o.ok():
			good++
		case s == failedDNS || s == failedDial:
			took := o.took()
			if took == 0 && o.x != nil {
				took = o.x.Server.End
			}
			seen = append(seen, o.occurrence(took, 0))
		}
	}
	return seen, good
}

// checkSystemProxy: the system's settings name a proxy that go does not look at, and
// direct connections fail.
func checkSystemProxy(a *Analysis) *recorder.Finding {
	system := a.Env.SystemProxy
	if system == "" || a.Env.Proxy["HTTPS_PROXY"] != "" || a.Env.Proxy["ALL_PROXY"] != "" {
		return nil
	}
	seen, good := a.failedDirect()
	if len(seen) == 0 || good > len(seen) {
		return nil
	}
	_, its := worst(seen)
	took := netMedian(tooks(its))
	f := a.evidenceOf(&recorder.Finding{
		Title:   fmt.Sprintf("%d of %d direct connections fail; the system's proxy is not used", len(seen), len(seen)+good),
		Numbers: []recorder.Number{countNumber("failed direct connections", len(seen), 0), msNumber("until they failed", took, 0)},
		Remedy:  "The settings of the system name " + netClip(system, 100) + ". Browsers use it; go looks at HTTPS_PROXY alone.",
	}, seen)
	if address := proxyAddress(system); address != "" {
		f.Commands = a.setProxy("HTTPS_PROXY", address)
	} else {
		f.Remedy += " It is a script: open its address in a browser and take the proxy from it (what stands after PROXY)."
		f.Commands = a.setProxy("HTTPS_PROXY", "http://PROXY:PORT")
	}
	return a.failure(f)
}

// proxyAddress is the address for HTTPS_PROXY in a system setting as [recorder.Environ] has
// it; "" when it is a script's.
func proxyAddress(setting string) string {
	switch {
	case strings.HasPrefix(setting, "pac+"):
		return ""
	case strings.Contains(setting, "://"):
		return setting
	}
	return "http://" + setting
}

// checkNoProxy: a host of the company's own is asked through the parent proxy, or one of
// the internet past it.
func checkNoProxy(a *Analysis) *recorder.Finding {
	var inside, outside []occurrence
	proxy, how := "", ""
	for _, o := range a.openings() {
		s := o.stage()
		if s == "" || isProxyAuth(o) {
			continue
		}
		took := o.took()
		if took == 0 && o.x != nil {
			took = o.x.Server.End
		}
		switch {
		case o.via() != "" && s == failedProxy && !strings.Contains(o.err.Msg, "proxyconnect") && a.internal(o.host, o.via()):
			inside, proxy, how = append(inside, o.occurrence(took, 0)), netHost(o.via()), failedHow(o.err)
		case o.via() == "" && (s == failedDial || s == failedDNS) && a.Env.Proxy["HTTPS_PROXY"] != "" && noProxyHas(a.Env.Proxy["NO_PROXY"], hostName(o.host)):
			outside = append(outside, o.occurrence(took, 0))
		}
	}
	old := a.Env.Proxy["NO_PROXY"]
	if len(inside) > 0 {
		host, its := worst(inside)
		f := a.evidenceOf(&recorder.Finding{
			Title:    fmt.Sprintf("%s goes through %s: %s", host, proxy, how),
			Numbers:  []recorder.Number{countNumber("failed connections", len(its), 0), msNumber("until it failed", netMedian(tooks(its)), 0)},
			Remedy:   "The host looks like one inside the company, which the proxy does not reach. Leave it out of what goes through the proxy.",
			Commands: a.setProxy("NO_PROXY", strings.TrimPrefix(old+","+hostName(host), ",")),
		}, inside)
		return a.failure(f)
	}
	if len(outside) == 0 {
		return nil
	}
	host, its := worst(outside)
	f := a.evidenceOf(&recorder.Finding{
		Title:    fmt.Sprintf("NO_PROXY keeps %s from the proxy; directly it fails after %s", host, secs(netMedian(tooks(its)))),
		Numbers:  []recorder.Number{countNumber("failed connections", len(its), 0), msNumber("until it failed", netMedian(tooks(its)), 0)},
		Remedy:   "Take the pattern that matches " + hostName(host) + " out of NO_PROXY.",
		Commands: a.setProxy("NO_PROXY", noProxyWithout(old, hostName(host))),
	}, outside)
	return a.failure(f)
}

// internal reports whether host looks like one inside the network that proxy serves.
func (a *Analysis) internal(host, proxy string) bool {
	name := hostName(host)
	if internalHost(name) {
		return true
	}
	for _, list := range []string{a.Setting("GOPRIVATE"), a.Setting("GONOPROXY")} {
		for _, pattern := range strings.Split(list, ",") {
			first, _, _ := strings.Cut(strings.TrimSpace(pattern), "/")
			if ok, err := path.Match(first, name); err == nil && ok && first != "" {
				return true
			}
		}
	}
	p := strings.Split(hostName(netHost(proxy)), ".")
	return len(p) >= 3 && strings.HasSuffix(name, "."+strings.Join(p[1:], ".")) // its neighbour
}

// noProxyHas reports whether a NO_PROXY list names host, as net/http would read it; IP
// ranges aside.
func noProxyHas(list, host string) bool { return list != "" && noProxyWithout(list, host) != list }

// noProxyWithout is the list without the patterns that match host.
func noProxyWithout(list, host string) string {
	var keep []string
	changed := false
	for _, p := range strings.Split(list, ",") {
		name := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(p), "*"), "."))
		if name != "" && (host == name || strings.HasSuffix(host, "."+name)) || strings.TrimSpace(p) == "*" {
			changed = true
			continue
		}
		keep = append(keep, p)
	}
	if !changed {
		return list
	}
	return strings.Join(keep, ",")
}
