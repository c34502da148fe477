package query

import (
	"slices"
)

// A Key is a word that may stand before a colon.
type Key struct {
	Name    string
	About   string // what it asks
	Example string // a term
	Values  []Value

	parse func(item) (test, *Error)
}

// A Value is one that may stand behind a key.
type Value struct{ Text, About string }

// Keys returns every key, the most used first.
func Keys() []Key { return slices.Clone(keys) }

// keys is the whole language but for bare words.
var keys = slices.Concat(leading, phases, others)

var leading = []Key{
	{"kind", "what was asked for", "kind:zip", slices.Concat(families, kinds), parseKind},
	{"module", "module path: part of it, path/... or *", "module:k8s.io/...", nil, stringTest(moduleOf)},
	{"status", "status code, error or pending", "status:4xx", statuses, parseStatus},
	{"host", "host that was asked", "host:proxy.golang.org", nil, stringTest(hostOf)},
	{"time", "how long it took, or takes already", "time:>1s", durations, durationTest("time")},
	{"size", "bytes of the answer's body, as on the wire", "size:>1MB", values(">1MB", ">10MB", ">100kB", "<1kB", "1MB..10MB", "0"), parseSize},
	{"is", "what is true of it", "is:failed", traits, parseTrait},
	{"step", "step of the go command", "step:sumdb", steps, parseStep},
	{"version", "version of the module", "version:v1.2", nil, stringTest(versionOf)},
}

// phases are the parts of an exchange's time, as the viewers draw them.
var phases = []Key{
	phase("wait", "time from the request's end to the answer's first byte"),
	phase("receive", "time from the answer's first byte to its last"),
	phase("blocked", "time before the request was sent, but for dns, connect and tls"),
	phase("dns", "time to look up the host"),
	phase("connect", "time to open the TCP connection"),
	phase("tls", "time of the TLS handshake"),
	phase("send", "time to send the request"),
}

func phase(name, about string) Key {
	return Key{name, about, name + ":>100ms", durations, durationTest(name)}
}

var others = []Key{
	{"error", "text of the error", "error:timeout", operations, stringTest(errorOf)},
	{"text", "text anywhere, as a bare word", "text:quote", nil, parseText},
	{"method", "HTTP method", "method:POST", values("GET", "HEAD", "POST", "CONNECT"), parseMethod},
	{"proto", "HTTP version", "proto:h2", values("h1", "h2"), parseProto},
	{"conn", "number of the connection to the server, 0: none", "conn:3", nil, countTest(func(c *candidate) uint64 { return c.Conn })},
	{"tunnel", "number of the client's tunnel, 0: none", "tunnel:3..9", nil, countTest(func(c *candidate) uint64 { return c.Tunnel })},
	{"id", "number of the request", "id:3..9", nil, countTest(func(c *candidate) uint64 { return c.ID })},
	{"rule", "name of a rule that changed it", "rule:slow", nil, parseRule},
}

func values(texts ...string) []Value {
	out := make([]Value, len(texts))
	for i, t := range texts {
		out[i].Text = t
	}
	return out
}

// keyOf is the key of that name, in lower case; nil when there is none.
func keyOf(name string) *Key {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}

func keyNames() []string {
	names := make([]string, len(keys))
	for i := range keys {
		names[i] = keys[i].Name
	}
	return names
}
