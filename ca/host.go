package ca

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxHost is the longest domain name in its text form (RFC 1035, §2.3.4).
const maxHost = 253

// target is the host of a leaf in the one form used for it: an IP address, or a name
// in lower case, Punycode, without a final dot.
type target struct {
	name string
	addr netip.Addr
}

func (t target) String() string {
	if t.addr.IsValid() {
		return t.addr.String()
	}
	return t.name
}

// parseTarget understands a host as it stands in a URL, in a CONNECT without its port,
// or in a ClientHello.
func parseTarget(host string) (target, error) {
	if addr, ok := parseAddr(host); ok {
		return target{addr: addr}, nil
	}
	name := strings.TrimSuffix(host, ".")
	if !isPlainName(name) {
		ascii, err := toASCII(host)
		if err != nil {
			return target{}, err
		}
		name = ascii
	}
	if len(name) > maxHost {
		return target{}, fmt.Errorf("host name has %d characters, more than %d", len(name), maxHost)
	}
	return target{name: name}, nil
}

// parseAddr reads an IP address, also in brackets or with a zone. The zone is dropped:
// it means something on this machine only and has no place in a certificate.
func parseAddr(host string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}, false
		}
		host = inner
	}
	// Most hosts are names; this spares them the error that ParseAddr would build.
	if host == "" || (!strings.Contains(host, ":") && (host[0] < '0' || host[0] > '9')) {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.WithZone("").Unmap(), true
}

// isPlainName reports whether name needs no conversion: what nearly all clients send.
func isPlainName(name string) bool {
	last := byte('.')
	for i := range len(name) {
		c := name[i]
		if c == '.' && last == '.' || c != '.' && !isNameByte(c) {
			return false
		}
		last = c
	}
	return last != '.'
}

// isNameByte accepts what crypto/x509 accepts in a name, the underscore included.
func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// toASCII lower-cases a name and converts its labels to Punycode. It does not compose
// characters (Unicode normalisation): clients that take a name from a user have done so.
func toASCII(name string) (string, error) {
	if name == "" {
		return "", errors.New("host name is empty")
	}
	// Bounds the work below: Punycode has at least as many characters as its label.
	if utf8.RuneCountInString(name) > maxHost {
		return "", fmt.Errorf("host name has more than %d characters", maxHost)
	}
	if !utf8.ValidString(name) {
		return "", errors.New("host name is not valid UTF-8")
	}
	labels := strings.Split(strings.TrimSuffix(strings.Map(toDot, strings.ToLower(name)), "."), ".")
	for i, label := range labels {
		ascii, err := labelToASCII(label)
		if err != nil {
			return "", err
		}
		labels[i] = ascii
	}
	return strings.Join(labels, "."), nil
}

// toDot knows the full stops of RFC 3490, §3.1, which East Asian keyboards type.
func toDot(r rune) rune {
	switch r {
	case '\u3002', '\uff0e', '\uff61':
		return '.'
	}
	return r
}

func labelToASCII(label string) (string, error) {
	if label == "" {
		return "", errors.New("host name has an empty label")
	}
	plain := true
	for _, r := range label {
		switch {
		case r < utf8.RuneSelf && !isNameByte(byte(r)), unicode.IsSpace(r), unicode.IsControl(r):
			return "", fmt.Errorf("host name has the character %q", r)
		case r >= utf8.RuneSelf:
			plain = false
		}
	}
	if plain {
		return label, nil
	}
	return "xn--" + punycode(label), nil
}
