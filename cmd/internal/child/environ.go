package child

import (
	"runtime"
	"slices"
	"strconv"
	"strings"

	"modtap/cmd/internal/gittrace"
)

// A Proxy is where a child finds modtap and what it must trust.
type Proxy struct {
	URL     string // of the proxy, as in http://127.0.0.1:8080
	Bundle  string // PEM file with every root the child may need, modtap's included
	CertDir string // a directory without certificates other than those of Bundle
	GOOS    string // the child's system; "" is this one's
	// GOPROXY and GOSUMDB lead to modtap's port; "": the child keeps its own.
	GOPROXY, GOSUMDB string
	// Reverse leaves the go command to those two, with the user's own proxy and trust
	// settings; git alone is sent to URL.
	Reverse bool
	// GitTrace is a folder, absolute, for what git writes about itself; "": none is written.
	// Do not set it where the user's own settings send that elsewhere (gittrace.Users).
	GitTrace string
}

// proxyNames are all six spellings: Go reads the upper case first, curl and git the
// lower case, and with only one of them set a user's other value would win.
var proxyNames = []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"}

// bundleNames are the variables that name a file of roots: Go and OpenSSL, git, curl,
// Node, Python's requests.
var bundleNames = []string{"SSL_CERT_FILE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"}

const gitCount = "GIT_CONFIG_COUNT"

// Environ returns base changed so that the go command, the git under it and most other
// programs send their requests to p and trust it. base is not modified. Where base has
// a variable more than once the last one counts, as for os/exec.
func Environ(base []string, p Proxy) []string {
	e := newEnv(base, p.goos())
	if p.GOPROXY != "" {
		e.set("GOPROXY", p.GOPROXY)
	}
	if p.GOSUMDB != "" {
		e.set("GOSUMDB", p.GOSUMDB)
	}
	if p.Reverse {
		e.set("GIT_SSL_CAINFO", p.Bundle)
		e.addGitConfig(gitConfig(p))
		e.traceGit(p)
		return e.list()
	}
	for _, name := range proxyNames {
		e.set(name, p.URL)
	}
	// NO_PROXY beats even git's http.proxy, so it must be there and empty.
	e.set("NO_PROXY", "")
	e.set("no_proxy", "")
	for _, name := range bundleNames {
		e.set(name, p.Bundle)
	}
	e.set("SSL_CERT_DIR", p.CertDir)
	e.addGitConfig(gitConfig(p))
	e.traceGit(p)
	return e.list()
}

func (p Proxy) goos() string {
	if p.GOOS != "" {
		return p.GOOS
	}
	return runtime.GOOS
}

// gitConfig is what git must be told by configuration: http.proxy beats https_proxy,
// and a user's own http.proxy would beat the variables.
func gitConfig(p Proxy) [][2]string {
	config := [][2]string{{"http.proxy", p.URL}}
	if p.goos() == "windows" {
		// Schannel ignores GIT_SSL_CAINFO unless told, and cannot ask a revocation list
		// about our leaves. With the OpenSSL backend both settings have no effect.
		config = append(config, [2]string{"http.schannelUseSSLCAInfo", "true"}, [2]string{"http.schannelCheckRevoke", "false"})
	}
	return config
}

// traceGit makes git tell of the remotes that it does not reach through p.
func (e *env) traceGit(p Proxy) {
	if p.GitTrace == "" {
		return
	}
	has := func(name string) bool { _, ok := e.get(name); return ok }
	for _, kv := range gittrace.Vars(p.GitTrace, has) {
		e.set(kv[0], kv[1])
	}
}

// env is an environment in its original order.
type env struct {
	goos  string
	names []string          // in order, in the spelling they were first seen
	value map[string]string // by key
}

func newEnv(base []string, goos string) *env {
	e := &env{goos: goos, value: make(map[string]string, len(base))}
	for _, kv := range base {
		// Windows has hidden variables named like "=C:".
		i := strings.IndexByte(kv[min(1, len(kv)):], '=')
		if i < 0 {
			continue
		}
		e.set(kv[:i+1], kv[i+2:])
	}
	return e
}

// key is what name is compared by: Windows does not tell upper from lower case.
func (e *env) key(name string) string {
	if e.goos == "windows" {
		return strings.ToUpper(name)
	}
	return name
}

func (e *env) get(name string) (string, bool) {
	v, ok := e.value[e.key(name)]
	return v, ok
}

func (e *env) set(name, value string) {
	k := e.key(name)
	if _, ok := e.value[k]; !ok {
		e.names = append(e.names, name)
	}
	e.value[k] = value
}

func (e *env) unset(name string) {
	k := e.key(name)
	delete(e.value, k)
	e.names = slices.DeleteFunc(e.names, func(n string) bool { return e.key(n) == k })
}

func (e *env) list() []string {
	out := make([]string, len(e.names))
	for i, name := range e.names {
		v, _ := e.get(name)
		out[i] = name + "=" + v
	}
	return out
}

// addGitConfig appends entries after those that are there. A count that git would not
// understand is left for git to complain about.
func (e *env) addGitConfig(entries [][2]string) {
	n := 0
	if s, _ := e.get(gitCount); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 0 {
			return
		}
	}
	for _, kv := range entries {
		e.set("GIT_CONFIG_KEY_"+strconv.Itoa(n), kv[0])
		e.set("GIT_CONFIG_VALUE_"+strconv.Itoa(n), kv[1])
		n++
	}
	e.set(gitCount, strconv.Itoa(n))
}
