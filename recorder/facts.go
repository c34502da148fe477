package recorder

import (
	"bytes"

	"modtap/recorder/gomod"
)

// What Facts keeps of bodies, in bytes.
const (
	factError  = 2 << 10  // of an error's text
	factList   = 4 << 10  // of lists and lookups
	factPage   = 16 << 10 // of go-get pages: their meta tags stand at the beginning
	factMod    = 1 << 20  // a .mod file is whole
	factRefs   = 64 << 10 // of git's list of a repository's branches and tags
	factDecode = 4 << 20  // of an encoded body, to find these
)

// factHeaders are the headers that tell who answered, from where, why, and what to do: by
// their lower-case names, which HTTP/2 has on the wire, the canonical ones.
var factHeaders = map[string]string{
	"authorization": "Authorization", "cf-cache-status": "Cf-Cache-Status", "cf-ray": "Cf-Ray", "connection": "Connection",
	"content-encoding": "Content-Encoding", "content-length": "Content-Length", "git-protocol": "Git-Protocol", "location": "Location", "proxy-agent": "Proxy-Agent",
	"proxy-authenticate": "Proxy-Authenticate", "proxy-authorization": "Proxy-Authorization", "referer": "Referer",
	"retry-after": "Retry-After", "server": "Server", "user-agent": "User-Agent", "via": "Via", "www-authenticate": "Www-Authenticate",
	"x-amz-cf-pop": "X-Amz-Cf-Pop", "x-cache": "X-Cache", "x-ratelimit-limit": "X-Ratelimit-Limit",
	"x-ratelimit-remaining": "X-Ratelimit-Remaining", "x-ratelimit-reset": "X-Ratelimit-Reset", "x-served-by": "X-Served-By",
	"x-squid-error": "X-Squid-Error",
}

// FactHeader reports whether Facts keeps the header of that name, and gives the name that it
// keeps it under: the canonical one.
func FactHeader[T string | []byte](name T) (canonical string, ok bool) {
	const longest = 64
	var buf [longest]byte
	if len(name) > longest {
		return "", false
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	lower := buf[:len(name)]
	canonical, ok = factHeaders[string(lower)]
	return canonical, ok
}

// Facts returns x without what a diagnosis has no use for, so that very many of them fit
// into memory. Of headers it keeps those of FactHeader, under their canonical names; of
// bodies, decoded, the beginning of an error's text, .mod files whole, and the beginning of
// what is short and tells much (lists, lookups, go-get pages, git's references). Request bodies
// and trailers go. Everything else stays as it is; BodySize is still the wire's, and Left
// says of a body that was kept whole that it is not here.
//
// x is not modified. What is not changed is shared with it: a whole body that needs no
// decoding, and headers of which all are kept.
func (x *Exchange) Facts() Exchange {
	f := *x
	f.Request = x.Request.withoutBody()
	f.Response = x.Response.withoutBody()
	n, whole := x.factBody()
	if n == 0 || len(x.Response.Body) == 0 {
		return f
	}
	body, all, ok := x.Response.start(n)
	if !ok || whole && !all {
		return f
	}
	r := &f.Response
	r.Body, r.Kept, r.Encoding = body, all, ""
	r.Left = r.Left && !all
	return f
}

// factBody is how much of the answer's body is a fact, at most; whole: it is one only when
// that is all.
func (x *Exchange) factBody() (n int, whole bool) {
	if x.Status >= 400 {
		return factError, false
	}
	switch x.Go.Kind {
	case gomod.Mod, gomod.ToolchainMod:
		return factMod, true
	case gomod.List, gomod.ToolchainList, gomod.SumdbLookup, gomod.SumdbLatest:
		return factList, false
	case gomod.GitUploadPack:
		return factRefs, false
	case gomod.GoGet:
		return factPage, false
	}
	return 0, false
}

// withoutBody is m with its facts and no body.
func (m *Message) withoutBody() Message {
	f := *m
	f.Header, f.Trailer = factsOf(m.Header), nil
	f.Body, f.Kept, f.Left = nil, false, m.Kept || m.Left
	return f
}

// factsOf are the headers of all that are kept: all itself when nothing is to be changed.
func factsOf(all []Header) []Header {
	n, same := 0, true
	for i := range all {
		canonical, ok := FactHeader(all[i].Name)
		if ok {
			n++
		}
		same = same && ok && canonical == all[i].Name
	}
	switch {
	case same:
		return all
	case n == 0:
		return nil
	}
	kept := make([]Header, 0, n)
	for i := range all {
		if canonical, ok := FactHeader(all[i].Name); ok {
			kept = append(kept, Header{Name: canonical, Value: all[i].Value})
		}
	}
	return kept
}

// start is the first n bytes of the body, decoded, and whether they are all of it. ok is
// false when it cannot be decoded.
func (m *Message) start(n int) (body []byte, all, ok bool) {
	body, all = m.Body, m.Kept
	if !NotEncoded(m.Encoding) {
		var err error
		body, err = Decode(m.Encoding, body, m.Kept, factDecode)
		if err != nil {
			return nil, false, false
		}
	}
	if len(body) > n {
		return bytes.Clone(body[:n]), false, true // not a slice of it: the rest shall go
	}
	return body, all, true
}
