package reverse

import (
	"crypto/subtle"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// The settings of a go command that has none of its own.
const (
	DefaultGOPROXY = "https://proxy.golang.org,direct"
	DefaultGOSUMDB = "sum.golang.org"
)

// Settings are what a plan is made of.
type Settings struct {
	GOPROXY, GOSUMDB string // as the go command finds them; "": Go's defaults
	// Credentials are those of GOAUTH, for https URLs without any of their own.
	Credentials Credentials
	// All has every URL rewritten; else only those on loopback are, which Go never sends
	// through a proxy.
	All   bool
	Addr  string // HOST:PORT that the child finds modtap at, a loopback address
	Token string // in every rewritten URL: only who knows it is served
}

// A Plan is what Settings come to. It never changes.
type Plan struct {
	// GOPROXY and GOSUMDB are the child's; "": it keeps what it has.
	GOPROXY, GOSUMDB string
	// Direct tells that the list ends in direct.
	Direct bool

	token    string
	routes   []route
	database *database // nil: where it cannot be reached through the list, the child goes itself
	auth     Credentials
}

// A route is where one rewritten URL leads.
type route struct {
	base *url.URL // without userinfo
	user *url.Userinfo
	// what the child does when this entry cannot serve the checksum database
	then then
}

// A then says under which answers to /sumdb/NAME/supported the go command would leave the
// GOPROXY list and go to https://NAME (modfetch/sumdb.go, initBase, and TryProxies).
type then int

const (
	asksOn       then = iota // never here: it asks the next entry, or fails
	ifNotFound               // 404 and 410
	ifAnyError               // whatever is not 200
	ifNoneFailed             // 404 and 410, unless an earlier entry failed otherwise: that is the error it reports
)

// A database is the checksum database that the GOPROXY entries may serve.
type database struct {
	name string
	url  *url.URL // https://NAME
}

// New makes a plan. Settings that the go command would reject are left to it: it says
// best what is wrong with them.
func New(s Settings) *Plan {
	p := &Plan{token: s.Token, auth: s.Credentials}
	if s.GOPROXY == "" {
		s.GOPROXY = DefaultGOPROXY
	}
	if s.GOSUMDB == "" {
		s.GOSUMDB = DefaultGOSUMDB
	}
	list := parseList(s.GOPROXY)
	p.Direct = list.end == "direct"
	rewritten := false
	for i := range list.entries {
		e := &list.entries[i]
		if e.url == nil || !s.All && !Loopback(e.url.Hostname()) {
			continue
		}
		e.text, rewritten = s.address(len(p.routes), e.url.Host), true
		e.route = len(p.routes)
		p.routes = append(p.routes, newRoute(e.url))
	}
	if rewritten {
		p.GOPROXY = list.String()
	}
	p.sumdb(s, list)
	return p
}

// address is the URL that stands for the route n, which leads to host. The host is there
// for people who read the go command's errors.
func (s *Settings) address(n int, host string) string {
	return "http://" + s.Addr + "/" + s.Token + "/" + strconv.Itoa(n) + "/" + host
}

func newRoute(u *url.URL) route {
	base := *u
	base.User = nil
	return route{base: &base, user: u.User}
}

// sumdb keeps the checksum database in sight.
func (p *Plan) sumdb(s Settings, list *proxyList) {
	gosumdb := s.GOSUMDB
	if gosumdb == "sum.golang.google.cn" {
		gosumdb = "sum.golang.org https://sum.golang.google.cn" // as in dbDial
	}
	fields := strings.Fields(gosumdb)
	if gosumdb == "off" || len(fields) == 0 || len(fields) > 2 {
		return
	}
	name, _, _ := strings.Cut(fields[0], "+") // of a verifier key
	own, err := url.Parse("https://" + name)
	if err != nil || own.Host == "" {
		return
	}
	last := -1
	for i, e := range list.entries {
		if e.url != nil {
			last = i
		}
	}
	at := (*url.URL)(nil)
	switch {
	case len(fields) == 2:
		if at = parseURL(fields[1]); at == nil || !s.All && !Loopback(at.Hostname()) {
			return // its own affair, or forward mode sees it
		}
	case !s.All:
		return
	case last >= 0:
		p.database = &database{name: name, url: own}
		e := list.entries[last]
		p.routes[e.route].then = list.then(last)
		return
	case len(list.entries) == 0 && list.end == "direct":
		at = own
	default:
		return // files may serve the database too (file:///…/sumdb/NAME/supported)
	}
	p.GOSUMDB = fields[0] + " " + s.address(len(p.routes), at.Host)
	p.routes = append(p.routes, newRoute(at))
}

// Resolve returns the route that the escaped path of a request names, and the escaped rest
// of the path: "" or from a slash on.
func (p *Plan) Resolve(escaped string) (n int, rest string, ok bool) {
	if p == nil || p.token == "" {
		return 0, "", false
	}
	token, rest, _ := strings.Cut(strings.TrimPrefix(escaped, "/"), "/")
	if subtle.ConstantTimeCompare([]byte(token), []byte(p.token)) != 1 {
		return 0, "", false
	}
	index, rest, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 || n >= len(p.routes) {
		return 0, "", false
	}
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		return n, rest[slash:], true
	}
	return n, "", true
}

// URL returns the true URL of the rest of a path on route n, written as the go command
// writes it when there is no modtap.
func (p *Plan) URL(n int, rest string) *url.URL { return join(p.routes[n].base, rest) }

// User returns the user and password in the URL that route n stands for; nil when there are
// none.
func (p *Plan) User(n int) *url.Userinfo { return p.routes[n].user }

// Authorization returns GOAUTH's header for u, which has no user of its own; "" when there
// are no credentials. GOAUTH is for https alone.
func (p *Plan) Authorization(u *url.URL) string {
	if u.Scheme != "https" {
		return ""
	}
	return p.auth.authorization(u)
}

// Database returns the checksum database's file that the rest of a path names, as in
// /sumdb/NAME/lookup/…: "supported", or a file that is also at [Plan.DatabaseURL]. ok is
// false for every other path, and where the child need not be kept from going there itself.
func (p *Plan) Database(rest string) (file string, ok bool) {
	if p.database == nil {
		return "", false
	}
	return strings.CutPrefix(rest, "/sumdb/"+p.database.name+"/")
}

// DatabaseURL returns the URL of a file at the database's own host.
func (p *Plan) DatabaseURL(file string) *url.URL { return join(p.database.url, "/"+file) }

// LeavesList reports whether the go command, told status by route n about its support of
// the checksum database (0: there was no answer), would go to the database's own host.
// failed says which routes gave other answers than 200, 404 and 410 before.
func (p *Plan) LeavesList(n, status int, failed func(n int) bool) bool {
	notFound := status == 404 || status == 410
	switch p.routes[n].then {
	case ifNotFound:
		return notFound
	case ifAnyError:
		return status != 200
	case ifNoneFailed:
		for earlier := range n {
			if failed(earlier) {
				return false
			}
		}
		return notFound
	}
	return false
}

// Leads reports whether a rewritten URL leads to addr, HOST:PORT on loopback: modtap must
// not be asked to ask itself.
func (p *Plan) Leads(addr string) bool {
	_, own, _ := net.SplitHostPort(addr)
	for _, r := range p.routes {
		if Loopback(r.base.Hostname()) && r.base.Port() == own {
			return true
		}
	}
	return false
}

// join writes base and rest together as modfetch does (proxy.go: newProxyRepo, getBody;
// web.Join for the checksum database). A module's upper-case letters travel as %21x, or in
// a lookup as !x, unless base has a path: what the child sent us says nothing about it, for
// there base has one.
func join(base *url.URL, rest string) *url.URL {
	u := *base
	plain := strings.ReplaceAll(rest, "%21", "!")
	switch {
	case strings.Contains(plain, "%"): // nothing the go command sends
		raw := strings.TrimSuffix(base.EscapedPath(), "/") + rest
		p, err := url.PathUnescape(raw)
		if err != nil {
			p = raw
		}
		u.Path, u.RawPath = p, raw
	case strings.Contains(plain, "/@v/"), strings.HasSuffix(plain, "/@latest"):
		u.Path = clean(base.Path) + plain
		u.RawPath = clean(base.RawPath) + strings.ReplaceAll(plain, "!", "%21")
	default:
		u.Path = strings.TrimSuffix(base.Path, "/") + plain
		u.RawPath = strings.TrimSuffix(base.RawPath, "/") + plain
	}
	return &u
}

// clean is what path.Join makes of a base path.
func clean(base string) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(path.Clean(base), "/")
}

// Loopback reports whether Go's proxy settings never apply to host
// (golang.org/x/net/http/httpproxy, useProxy).
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// A proxyList is a GOPROXY list.
type proxyList struct {
	entries []proxyEntry
	end     string // direct, off, or "" when the list just ends
	tail    string // the text from end on
}

type proxyEntry struct {
	text  string   // as written, with the blanks around it
	sep   string   // after it: "," or "|" or ""
	url   *url.URL // nil: not one that can be rewritten
	route int      // once it has one
}

// parseList reads a list as proxyList of modfetch/proxy.go does.
func parseList(s string) *proxyList {
	l := &proxyList{}
	for s != "" {
		text, sep, rest := s, "", ""
		if i := strings.IndexAny(s, ",|"); i >= 0 {
			text, sep, rest = s[:i], s[i:i+1], s[i+1:]
		}
		word := strings.TrimSpace(text)
		if word == "direct" || word == "off" {
			l.end, l.tail = word, s
			return l
		}
		if strings.ContainsAny(word, ".:/") && !strings.Contains(word, ":/") && !filepath.IsAbs(word) && !path.IsAbs(word) {
			word = "https://" + word
		}
		l.entries = append(l.entries, proxyEntry{text: text, sep: sep, url: parseURL(word)})
		s = rest
	}
	return l
}

// parseURL returns a base URL that can be rewritten, or nil. One with credentials over
// plain http is refused by the go command, in words that it should say itself.
func parseURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || u.User != nil) {
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	return u
}

// then says when the child leaves the list at its last URL, entry i.
func (l *proxyList) then(i int) then {
	for _, e := range l.entries[i+1:] {
		if strings.TrimSpace(e.text) != "" {
			return asksOn // files
		}
	}
	switch {
	case l.end == "direct" && l.entries[i].sep == "|":
		return ifAnyError
	case l.end == "direct":
		return ifNotFound
	}
	return ifNoneFailed
}

func (l *proxyList) String() string {
	var b strings.Builder
	for _, e := range l.entries {
		b.WriteString(e.text + e.sep)
	}
	return b.String() + l.tail
}
