package main

import (
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"modtap/intercept/origintest"
)

// twoProxies has the fault at the first entry of GOPROXY; the second works.
var (
	commaList = []string{"GOPROXY=${A},${P}"}
	barList   = []string{"GOPROXY=${A}|${P}"}
	other     = []string{"GOPROXY=${A}"} // another mirror, where the fault is at ${P}
)

// manyModules is a graph in which latency adds up.
var manyModules = origintest.Shape{Modules: 40, Depth: 4}

// fourModules are fetched side by side, with GOMAXPROCS=4.
var fourModules = origintest.Shape{Modules: 4, Depth: 1}

// bigModule has one zip of 30 MB.
var bigModule = origintest.Shape{Modules: 6, Depth: 2, Big: 1, BigSize: 30_000_000}

// ownProxy is why no command names GOPROXY although another one helps: nothing tells that the
// lab's is not the user's own, before which no server for everyone is put.
const ownProxy = "no mirror is put before a proxy that may be the user's own"

func reply(change func(*origintest.DNSReply)) origintest.DNSReply {
	r := origintest.Loopback().A
	change(&r)
	return r
}

// labFaults live in names, connections, TLS and servers.
var labFaults = []scenario{
	{
		id: "dns-failure", fails: true,
		dns:        map[string]origintest.DNSHost{"proxy.golang.test": {A: origintest.DNSReply{Code: dnsmessage.RCodeNameError}, AAAA: origintest.DNSReply{Code: dnsmessage.RCodeNameError}}},
		remedyFunc: func(r *labRun) { r.add("GOPROXY=${A}") },
	},
	{
		id:     "dns-slow",
		dns:    map[string]origintest.DNSHost{"proxy.golang.test": {A: reply(func(r *origintest.DNSReply) { r.Delay = 2500 * time.Millisecond })}},
		remedy: other, unnamed: "the remedy is another resolver; another name stands for that",
	},
	{
		id:     "aaaa-stall",
		dns:    map[string]origintest.DNSHost{"proxy.golang.test": {A: origintest.Loopback().A, AAAA: origintest.DNSReply{Drop: true, FailFirst: 1}}},
		remedy: other, unnamed: "the remedy is a line of resolv.conf or another resolver; another name stands for that",
	},
	{
		id: "connection-failed", fails: true, // nobody listens there
		dns:        map[string]origintest.DNSHost{"proxy.golang.test": {A: origintest.DNSReply{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.77")}}}},
		remedyFunc: func(r *labRun) { r.add("GOPROXY=${A}") },
	},
	{id: "tls-slow", handshakes: []string{"host=proxy.golang.test delay=2500ms"}, remedy: other, unnamed: ownProxy},
	{id: "tls-timeout", fails: true, shape: fourModules, lost: 10 * time.Second, handshakes: []string{"fail=stall"}},
	{
		id: "client-hello-dropped", args: []string{"go", "list", "-m", "-versions", "-retracted", "example.golang.test/m0"}, requires: []string{}, nosum: true,
		env: barList, handshakes: []string{"host=a.golang.test fail=stall"}, // of one host of two
		remedy: []string{"GOPROXY=${P}"}, unnamed: ownProxy,
	},
	{
		id: "untrusted-ca", fails: true,
		fault: func(r *labRun) { // the CA of another origin
			other := origintest.Start(r.t, origintest.Config{})
			file := r.home + "/other-ca.pem"
			if err := other.WriteCA(file); err != nil {
				r.t.Fatal(err)
			}
			r.env = append(r.env, "SSL_CERT_FILE="+file)
		},
		remedyFunc: func(r *labRun) { r.env = append(r.env, "SSL_CERT_FILE="+r.home+"/origin-ca.pem") },
	},
	{
		id: "proxy-auth", fails: true,
		fault:      func(r *labRun) { r.add("HTTPS_PROXY=${PARENT}") },
		remedyFunc: func(r *labRun) { r.add("HTTPS_PROXY=http://gopher:secret@" + r.parent.URL()[len("http://"):]) },
	},
	{id: "forbidden", fails: true, env: commaList, knobs: []string{"host=a.golang.test status=403"}, remedy: barList},
	{id: "rate-limited", fails: true, env: commaList, knobs: []string{"host=a.golang.test status=429 header=Retry-After:30"}, remedy: barList},
	{id: "server-error", fails: true, knobs: []string{"status=502 kind=zip"}},
	{
		id: "no-reuse", shape: manyModules,
		config: func(_ *labRun, c *origintest.Config) { c.Protos = []string{"http/1.1"} },
		knobs:  []string{"host=proxy.golang.test close-every=1"}, handshakes: []string{"host=proxy.golang.test delay=150ms"}, remedy: other, unnamed: ownProxy,
	},
	{ // go mod graph asks in waves; go mod download has its .info in a row, and that is another finding
		id: "http1-downgrade", args: []string{"go", "mod", "graph"}, shape: origintest.Shape{Modules: 40, Depth: 8}, nosum: true, env: []string{"GOMAXPROCS=16"},
		always: []string{"first-byte=40ms"},
		setup:  func(r *labRun) { r.origin.SetHandshakes(origintest.Handshake{Delay: 600 * time.Millisecond}) }, // with HTTP/2 there is one
		config: func(r *labRun, c *origintest.Config) {
			if r.active() {
				c.Protos = []string{"http/1.1"}
			}
		},
	},
	{
		id: "storage-blocked", fails: true,
		knobs: []string{"kind=zip redirect=storage.golang.test", "kind=storage status=403 body=Access+denied"},
	},
	{id: "stream-reset", fails: true, shape: bigModule, knobs: []string{"kind=zip suffix=m0/@v/v1.0.0.zip fail=rst-stream-body code=2"}},
	{id: "stalled", knobs: []string{"host=proxy.golang.test kind=zip suffix=m3/@v/v1.0.0.zip body-delay=12s"}, remedy: other, unnamed: ownProxy},
	{id: "slow-server", knobs: []string{"host=proxy.golang.test kind=zip suffix=m3/@v/v1.0.0.zip first-byte=4s"}, remedy: other, unnamed: ownProxy},
	{
		id: "low-bandwidth", shape: origintest.Shape{Modules: 6, Depth: 2, Big: 6, BigSize: 300_000},
		knobs: []string{"host=proxy.golang.test kind=zip rate=60000"}, remedy: other, unnamed: ownProxy,
	},
	{
		id: "huge-zip", shape: bigModule, knobs: []string{"host=proxy.golang.test kind=zip suffix=m0/@v/v1.0.0.zip rate=6000000"},
		remedy: other, unnamed: "the remedy is to do without the module; a mirror stands for that",
	},
	{ // against a mirror that is near
		id: "latency-bound", shape: manyModules, nosum: true, knobs: []string{"host=proxy.golang.test first-byte=250ms"}, always: []string{"first-byte=50ms"},
		env: []string{"GOMAXPROCS=16"}, remedy: other, unnamed: ownProxy,
	},
}

// labGoFaults live in what the go command asks for and how it is set.
var labGoFaults = []scenario{
	{
		id: "slow-404", env: commaList,
		always: []string{"host=a.golang.test kind=zip suffix=m3/@v/v1.0.0.zip status=404"},
		knobs:  []string{"host=a.golang.test kind=zip suffix=m3/@v/v1.0.0.zip status=404 first-byte=5500ms"},
		remedy: []string{"GOPROXY=${P}"},
	},
	{ // past the proxy nobody answers
		id: "no-proxy", fails: true, setup: (*labRun).behindTunnel,
		dns:        map[string]origintest.DNSHost{"proxy.golang.test": {A: origintest.DNSReply{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.77")}}}},
		fault:      func(r *labRun) { r.add("NO_PROXY=corp.example,.golang.test", "no_proxy=corp.example,.golang.test") },
		remedyFunc: func(r *labRun) { r.add("NO_PROXY=corp.example", "no_proxy=corp.example") },
	},
	{ // the list has it, and its .info is not there yet
		id: "new-tag", fails: true, args: []string{"go", "get", "example.golang.test/m0@latest"}, requires: []string{}, nosum: true,
		knobs: []string{"suffix=m0/@v/v1.1.0.info status=404 body=not+found:+unknown+revision+v1.1.0", "suffix=m0/@v/v1.1.0.mod status=404", "suffix=m0/@v/v1.1.0.zip status=404"},
	}, {
		id: "unknown-version", fails: true, args: []string{"go", "get", "example.golang.test/m0@v9.9.9"}, requires: []string{},
		fault: func(*labRun) {}, lost: time.Millisecond,
	},
	{
		id: "path-probing", args: []string{"go", "get", "example.golang.test/m0/a/b/c/d@latest"}, requires: []string{}, nosum: true, fails: true, lost: 3 * time.Second,
		knobs: []string{"kind=list suffix=/a/b/c/d/@v/list status=404 first-byte=1500ms", "kind=list status=404 first-byte=500ms suffix=/a/@v/list"},
	},
	{id: "sumdb-unreachable", fails: true, nosum: true, shape: fourModules, lost: 10 * time.Second, env: []string{"GOSUMDB=${SUM}"}, handshakes: []string{"host=sum.golang.test fail=stall"}},
	{id: "sumdb-dominates", nosum: true, shape: manyModules, knobs: []string{"kind=lookup first-byte=200ms", "kind=tile first-byte=200ms"}, remedyFunc: (*labRun).writeSum},
	{
		id: "checksum-mismatch", fails: true, nosum: true,
		knobs: []string{"kind=mod suffix=m3/@v/v1.0.0.mod status=200 body=module+example.golang.test/m3"},
	},
	{id: "fallback-stopped", fails: true, env: commaList, knobs: []string{"host=a.golang.test status=502"}, remedy: barList},
	{
		id: "doubled-4xx", shape: manyModules, faultEnv: commaList, remedy: []string{"GOPROXY=${P}"},
		knobs: []string{"host=a.golang.test status=404 first-byte=100ms"},
	}, {
		id: "low-parallelism", shape: manyModules, env: []string{"GOMAXPROCS=16"}, always: []string{"kind=mod first-byte=250ms", "kind=zip first-byte=250ms"},
		faultEnv: []string{"GOMAXPROCS=2"}, remedy: []string{"GOMAXPROCS=16"},
	},
	{id: "serial-info", shape: manyModules, knobs: []string{"kind=info first-byte=150ms"}, env: []string{"GOMAXPROCS=16"}, remedyArgs: []string{"go", "list", "-deps", "./..."}},
	{
		id: "unpruned-graph", nosum: true, args: []string{"go", "list", "-m", "all"}, requires: origintest.Shape{Modules: 60, Depth: 12, Go: "1.16"}.Roots(),
		shape: origintest.Shape{Modules: 60, Depth: 12, Go: "1.16"}, knobs: []string{"kind=mod first-byte=200ms"}, env: []string{"GOSUMDB=off", "GOMAXPROCS=16"},
	},
	{id: "insecure-flag", fails: true, args: []string{"go", "get", "example.golang.test/m0@v1.0.0"}, faultEnv: []string{"GOFLAGS=-mod=mod -insecure"}, lost: time.Millisecond},
}
