// Package rules decides what to change about a request: send it to a mirror, delay it.
// It is pure: a request's facts go in, a [Decision] comes out.
//
// What must never happen here: I/O, or a decision that the record does not name.
package rules

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"modtap/recorder/gomod"
)

// A Set is an ordered list of rules. Its methods are safe on a nil Set, which has none.
type Set struct {
	mirrors []mirror
	delays  []delay
}

type mirror struct {
	name     string
	from, to *url.URL // from.Scheme "" matches both
}

type delay struct {
	name  string
	match match
	wait  time.Duration
}

// A Request is what rules may look at.
type Request struct {
	Method string
	URL    *url.URL // absolute
	Go     gomod.Request
}

// A Decision is what is to be done with a request.
type Decision struct {
	Rules []string      // names of the rules that apply, for the record
	To    *url.URL      // where to send it instead; nil: where it was going
	Delay time.Duration // how long to wait before sending it
}

// Parse makes a Set of --mirror FROM=TO and --delay MATCH=DURATION flags. An error says
// in one line what is wrong with which flag.
func Parse(mirrors, delays []string) (*Set, error) {
	s := &Set{}
	for _, f := range mirrors {
		m, err := parseMirror(f)
		if err != nil {
			return nil, fmt.Errorf("--mirror %s: %w", f, err)
		}
		s.mirrors = append(s.mirrors, m)
	}
	for _, f := range delays {
		d, err := parseDelay(f)
		if err != nil {
			return nil, fmt.Errorf("--delay %s: %w", f, err)
		}
		s.delays = append(s.delays, d)
	}
	return s, nil
}

func parseMirror(f string) (mirror, error) {
	// TO may hold "=" in its path or query, FROM may not.
	from, to, ok := strings.Cut(f, "=")
	if !ok || from == "" || to == "" {
		return mirror{}, fmt.Errorf("want FROM=TO, such as proxy.golang.org=https://goproxy.cn")
	}
	m := mirror{name: "mirror " + f}
	var err error
	if m.from, err = base(from); err != nil {
		return mirror{}, err
	}
	if !strings.Contains(from, "://") {
		m.from.Scheme = ""
	}
	if m.to, err = base(to); err != nil {
		return mirror{}, err
	}
	if m.from.User != nil {
		return mirror{}, fmt.Errorf("FROM is what requests name: it takes no user or password")
	}
	if m.to.User != nil { // the name is recorded
		bare := *m.to
		bare.User = nil
		m.name = "mirror " + from + "=" + bare.String()
	}
	return m, nil
}

// base parses a base URL; without a scheme it is https, as for GOPROXY.
func base(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not a URL", s)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not a base URL (http or https, a host, perhaps a path)", s)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath = strings.TrimSuffix(u.RawPath, "/")
	return u, nil
}

func parseDelay(f string) (delay, error) {
	at := strings.LastIndex(f, "=")
	if at <= 0 {
		return delay{}, fmt.Errorf("want MATCH=DURATION, such as kind:zip=200ms")
	}
	wait, err := time.ParseDuration(f[at+1:])
	if err != nil || wait < 0 {
		return delay{}, fmt.Errorf("%q is not a duration such as 200ms or 1.5s", f[at+1:])
	}
	m, err := parseMatch(f[:at])
	return delay{name: "delay " + f, match: m, wait: wait}, err
}

// MayRewrite reports whether a rule may send a request for host (host:port) elsewhere.
// If so nothing must be dialled for its tunnel: the host need not even resolve.
func (s *Set) MayRewrite(hostport string) bool {
	if s == nil {
		return false
	}
	for _, m := range s.mirrors {
		if sameHost(m.from, "https", hostport) {
			return true
		}
	}
	return false
}

// Decide says what applies to r. The first mirror that matches wins; delays add up.
func (s *Set) Decide(r Request) Decision {
	var d Decision
	if s == nil {
		return d
	}
	for _, m := range s.mirrors {
		if to, ok := m.rewrite(r.URL); ok {
			d.To = to
			d.Rules = append(d.Rules, m.name)
			break
		}
	}
	for _, w := range s.delays {
		if w.match.matches(r) {
			d.Delay += w.wait
			d.Rules = append(d.Rules, w.name)
		}
	}
	return d
}

// sameHost reports whether hostport, with scheme's default port, is what from names.
func sameHost(from *url.URL, scheme, hostport string) bool {
	if from.Scheme != "" && from.Scheme != scheme {
		return false
	}
	u := url.URL{Host: hostport}
	if !strings.EqualFold(u.Hostname(), from.Hostname()) {
		return false
	}
	return port(u.Port(), scheme) == port(from.Port(), scheme)
}

func port(p, scheme string) string {
	switch {
	case p != "":
		return p
	case scheme == "http":
		return "80"
	}
	return "443"
}

// rewrite replaces from's base by to's; the rest of the path and the query stay byte for byte.
func (m mirror) rewrite(u *url.URL) (*url.URL, bool) {
	if !sameHost(m.from, u.Scheme, u.Host) {
		return nil, false
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), m.from.EscapedPath())
	if !ok || (rest != "" && rest[0] != '/') {
		return nil, false
	}
	raw := m.to.EscapedPath() + rest
	p, err := url.PathUnescape(raw)
	if err != nil {
		return nil, false
	}
	to := *u
	to.Scheme, to.Host, to.User, to.Path, to.RawPath = m.to.Scheme, m.to.Host, m.to.User, p, raw
	return &to, true
}

// A match is a list of key:glob terms that must all hold.
type match []term

// A term is one word: one of its globs must match, or, negated, none.
type term struct {
	not   bool
	key   string
	globs []string
}

// parseMatch reads terms separated by blanks, written as in the filters of the viewers
// (recorder/query): kind:zip,mod host:*.golang.org -module:k8s.io/* path:/x/* method:GET.
// They ask for what is known before a request is sent. A term without a key is a host.
func parseMatch(s string) (match, error) {
	var m match
	for f := range strings.FieldsSeq(s) {
		t, err := parseTerm(f)
		if err != nil {
			return nil, err
		}
		m = append(m, t)
	}
	if len(m) == 0 {
		return nil, fmt.Errorf("the match is empty (use * for every request)")
	}
	return m, nil
}

func parseTerm(f string) (term, error) {
	word, not := strings.CutPrefix(f, "-")
	key, value, ok := strings.Cut(word, ":")
	switch {
	case !ok || strings.Contains(key, "."):
		key, value = "host", word
	case value == "":
		return term{}, fmt.Errorf("%q lacks a value", f)
	}
	t := term{not: not, key: key, globs: strings.Split(value, ",")}
	switch key {
	case "host", "kind", "method", "path", "module":
	default:
		return term{}, fmt.Errorf("unknown key %q (a rule asks for host, kind, module, path or method)", key)
	}
	for _, g := range t.globs {
		if g == "" {
			return term{}, fmt.Errorf("%q has an empty value", f)
		}
		if _, err := path.Match(g, ""); err != nil && key != "module" {
			return term{}, fmt.Errorf("%q is not a glob", g)
		}
	}
	return t, nil
}

func (m match) matches(r Request) bool {
	for _, t := range m {
		if t.matches(r) == t.not {
			return false
		}
	}
	return true
}

// matches reports whether one of the globs matches.
func (t term) matches(r Request) bool {
	return slices.ContainsFunc(t.globs, func(g string) bool { return matches(t.key, g, r) })
}

func matches(key, pattern string, r Request) bool {
	switch key {
	case "host":
		return glob(pattern, r.URL.Hostname()) || glob(pattern, r.URL.Host)
	case "kind":
		return glob(pattern, string(r.Go.Kind)) || glob(pattern, r.Go.Kind.Step())
	case "module":
		// GOPRIVATE's own globs: a pattern matches every module below it
		return r.Go.Module != "" && module.MatchPrefixPatterns(pattern, r.Go.Module)
	case "path":
		return glob(pattern, r.URL.Path) || prefixGlob(pattern, r.URL.Path)
	case "method":
		return strings.EqualFold(pattern, r.Method)
	}
	return false
}

// glob is path.Match without regard to case; the pattern was checked by parseMatch.
func glob(pattern, s string) bool {
	ok, _ := path.Match(strings.ToLower(pattern), strings.ToLower(s))
	return ok
}

// prefixGlob lets a pattern that ends in /* match everything below, as people expect of paths.
func prefixGlob(pattern, s string) bool {
	dir, ok := strings.CutSuffix(pattern, "/*")
	return ok && strings.HasPrefix(s, dir+"/")
}
