package gomod

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
)

const (
	// maxInflated bounds what a compressed request or answer may become.
	maxInflated = 4 << 20
	// maxWants bounds the objects of one fetch that are looked at.
	maxWants = 16 << 10
	// maxRefName bounds the names of refs that are looked at. git keeps a ref in a file of
	// that name, with 255 bytes for each of its parts.
	maxRefName = 255
)

// A Ref is a name in a git repository and the object it points to.
type Ref struct {
	Name   string // refs/tags/v1.0.0, refs/heads/main, HEAD
	Object string // hex; of an annotated tag the tag object
	Peeled string // hex: the commit of an annotated tag; "" otherwise
}

// ParseRefs returns the refs that a git server listed: in the answer to an ls-refs command
// (protocol 2), or in that to info/refs (protocols 0 and 1). The answer may have been cut
// off anywhere. What is no such answer has none.
//
// The formats are those of gitprotocol-v2(5), ls-refs, and gitprotocol-http(5).
func ParseRefs(b []byte) []Ref {
	var refs []Ref
	for {
		line, rest, ok := pktLine(b)
		if !ok {
			return refs
		}
		b = rest
		text, _, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\x00") // then capabilities
		object, attrs, ok := strings.Cut(text, " ")
		if !ok || !isObject(object) {
			continue // "# service=…", "version 2", a capability, "unborn HEAD"
		}
		name, attrs, _ := strings.Cut(attrs, " ")
		if of, ok := strings.CutSuffix(name, "^{}"); ok { // protocol 0: the line before, peeled
			if n := len(refs); n > 0 && refs[n-1].Name == of {
				refs[n-1].Peeled = strings.Clone(object)
			}
			continue
		}
		if !plainName(name) || len(name) > maxRefName {
			continue
		}
		ref := Ref{Name: strings.Clone(name), Object: strings.Clone(object)} // the line may be long
		for a := range strings.FieldsSeq(attrs) {
			if p, ok := strings.CutPrefix(a, "peeled:"); ok && isObject(p) {
				ref.Peeled = strings.Clone(p)
			}
		}
		refs = append(refs, ref)
	}
}

// A GitCommand is the body of a POST to git-upload-pack.
type GitCommand struct {
	// Name is "ls-refs" or "fetch"; a request of protocol 0 or 1 that wants objects is a
	// fetch too. "": nothing of the kind (git first probes with an empty body).
	Name     string
	Wants    []string // objects, hex
	WantRefs []string // full names of refs
}

// ParseGitCommand reads the body of a POST to git-upload-pack, which may have been cut
// off anywhere.
func ParseGitCommand(b []byte) GitCommand {
	var c GitCommand
	for len(c.Wants)+len(c.WantRefs) < maxWants {
		line, rest, ok := pktLine(b)
		if !ok {
			break
		}
		b = rest
		text, _, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), "\x00")
		key, value, ok := strings.Cut(text, " ")
		switch {
		case c.Name == "" && (text == "command=ls-refs" || text == "command=fetch"):
			c.Name = strings.TrimPrefix(text, "command=")
		case !ok || c.Name == "ls-refs":
		case key == "want":
			value, _, _ = strings.Cut(value, " ") // protocol 0: then capabilities
			if isObject(value) {
				c.Wants = append(c.Wants, value)
			}
		case key == "want-ref" && plainName(value):
			c.WantRefs = append(c.WantRefs, value)
		}
	}
	if c.Name == "" && len(c.Wants) > 0 {
		c.Name = "fetch"
	}
	return c
}

// pktLine cuts the first line off b (gitprotocol-common(5), pkt-line format). It is empty
// for a flush and for the other markers.
func pktLine(b []byte) (line, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := 0
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		case 'A' <= c && c <= 'F':
			n = n<<4 | int(c-'A'+10)
		default:
			return nil, nil, false
		}
	}
	switch {
	case n < 4:
		return nil, b[4:], true
	case n > len(b):
		return nil, nil, false
	}
	return b[4:n], b[n:], true
}

// isObject reports whether s is the name of an object: SHA-1 or SHA-256 in hex.
func isObject(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Inflate undoes a Content-Encoding of gzip in b, which may have been cut off anywhere: it
// returns what can be read. Another encoding yields nothing, none yields b itself.
func Inflate(b []byte, encoding string) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return b
	case "gzip", "x-gzip":
	default:
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	out, _ := io.ReadAll(io.LimitReader(z, maxInflated)) // what is before the error counts
	return out
}
