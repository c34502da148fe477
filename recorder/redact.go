package recorder

import (
	"net/textproto"
	"strings"
)

// Redacted is what stands where a secret was.
const Redacted = "REDACTED"

// A Redactor removes secrets before anything is recorded: credentials in headers and in
// URLs, signatures of signed URLs, tokens in error texts. It rather hides too much than
// too little, and what it has redacted it leaves alone. It has no state, so any number of
// goroutines may use one. A nil Redactor keeps everything.
//
// What it cannot know: a token that is an ordinary element of a path
// (https://dl.cloudsmith.io/TOKEN/…) or a whole query without a name.
type Redactor struct{}

// NewRedactor returns the default Redactor.
func NewRedactor() *Redactor { return &Redactor{} }

// Header returns what to record of one value of the header (or trailer) name. The scheme
// word of credentials and the names of cookies are kept; URLs are redacted like URL, and
// any other value like Text.
func (r *Redactor) Header(name, value string) string {
	if r == nil || value == "" {
		return value
	}
	if plainHeaders[name] {
		return r.Text(value)
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "Authorization", "Proxy-Authorization":
		return redactCredentials(value)
	case "Cookie":
		return redactCookies(value, false)
	case "Set-Cookie":
		return redactCookies(value, true)
	case "Location", "Content-Location", "Referer":
		return r.URL(value)
	case "Link":
		return redactLinks(value)
	case "Refresh": // 0; url=URL, where the URL may be relative
		if delay, u, ok := strings.Cut(value, "="); ok {
			return delay + "=" + redactWord(u, 0)
		}
	}
	if secretHeader(name) {
		return Redacted
	}
	return r.Text(value)
}

// plainHeaders are the commonest headers, whose names tell of no secret: most of the time
// of redacting a small exchange went into finding that out again.
var plainHeaders = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Accept-Ranges": true,
	"Access-Control-Allow-Origin": true, "Age": true, "Alt-Svc": true, "Cache-Control": true,
	"Connection": true, "Content-Encoding": true, "Content-Length": true, "Content-Type": true,
	"Date": true, "Etag": true, "Expires": true, "Last-Modified": true, "Server": true,
	"Strict-Transport-Security": true, "Transfer-Encoding": true, "User-Agent": true, "Vary": true,
	"Via": true, "X-Content-Type-Options": true, "X-Frame-Options": true, "X-Xss-Protection": true,
}

// URL returns a URL without userinfo and without the values of token-like parameters of
// its query, its fragment and its path (";jsessionid="); everything else stays byte for
// byte. It need not be absolute or even well-formed.
func (r *Redactor) URL(u string) string {
	if r == nil || !strings.ContainsAny(u, "@?#;&=") {
		return u
	}
	return redactWord(u, 0)
}

// Text removes secrets from an error text, a list of URLs (GOPROXY) or any other line:
// URLs in it are redacted like URL, and so are user:password@host without a scheme, what
// follows the words Basic and Bearer, and token=….
func (r *Redactor) Text(s string) string {
	if r == nil || !mayHoldSecret(s) {
		return s
	}
	var b strings.Builder
	var before, last string // the two words before this one
	kept := 0               // s up to here is in b, once b is used
	for at := 0; at < len(s); {
		if isBreak(s[at]) {
			at++
			continue
		}
		start, marked := at, false
		for at < len(s) && !isBreak(s[at]) {
			marked = marked || s[at] == '@' || s[at] == '=' || s[at] == '%'
			at++
		}
		word := strings.TrimRight(s[start:at], punctuation)
		if word == "" {
			continue
		}
		clean := word
		if marked { // nothing else is in userinfo and parameters
			clean = redactWord(word, 0)
		}
		switch {
		case endsWithAuthScheme(last) && !(proseAfterScheme(last, word) && proseAfterScheme(last, clean)):
			clean = Redacted
		case before == "invalid" && last == "port" && word[0] == ':' && !isPort(word[1:]):
			clean = ":" + Redacted // net/url takes the start of a password with a slash for the port
		}
		if clean != word {
			b.WriteString(s[kept:start])
			b.WriteString(clean)
			kept = start + len(word)
		}
		before, last = last, word
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// punctuation is what ends a word of a text without being part of it.
const punctuation = `\.,:;!)]}'`

// isBreak reports whether b cannot be part of a URL, so that it ends a word of a text.
func isBreak(b byte) bool {
	return b <= ' ' || b == '"' || b == '<' || b == '>' || b == '`' || b == 0x7f
}

// redactCredentials keeps the scheme word of an Authorization header if it is one. An
// unknown word may be the secret itself.
func redactCredentials(value string) string {
	scheme, _, ok := strings.Cut(strings.Trim(value, " "), " ")
	if !ok {
		return Redacted
	}
	switch strings.ToLower(scheme) {
	case "basic", "bearer", "digest", "negotiate", "ntlm", "oauth", "hawk", "token", "apikey",
		"dpop", "mutual", "scram-sha-256", "sharedkey", "aws4-hmac-sha256", "goog4-rsa-sha256":
		return scheme + " " + Redacted
	}
	return Redacted
}

// redactCookies keeps names, and of Set-Cookie the attributes too.
func redactCookies(value string, set bool) string {
	parts := strings.Split(value, ";")
	for i, part := range parts {
		name, v, ok := strings.Cut(part, "=")
		switch {
		case set && i > 0 && isCookieAttribute(strings.TrimSpace(name)) && !strings.Contains(v, "="):
		case ok && v != "":
			parts[i] = name + "=" + Redacted
		case !ok && strings.TrimSpace(part) != "":
			parts[i] = name[:len(name)-len(strings.TrimLeft(name, " "))] + Redacted
		}
	}
	return strings.Join(parts, ";")
}

func isCookieAttribute(name string) bool {
	switch strings.ToLower(name) {
	case "expires", "max-age", "domain", "path", "secure", "httponly", "samesite", "partitioned", "priority":
		return true
	}
	return false
}

// redactLinks redacts the URLs of a Link header: <URL>; rel=next, … They may be relative.
func redactLinks(value string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(value, "<")
		b.WriteString(redactWord(before, 0))
		if !open {
			return b.String()
		}
		u, after, closed := strings.Cut(rest, ">")
		b.WriteString("<" + redactWord(u, 0))
		if !closed {
			return b.String()
		}
		b.WriteByte('>')
		value = after
	}
}

// mayHoldSecret reports whether Text must look at the words of s. Most texts have none of
// what a secret stands behind.
func mayHoldSecret(s string) bool {
	return strings.IndexByte(s, '=') >= 0 || strings.IndexByte(s, '@') >= 0 || hasAuthScheme(s) ||
		strings.IndexByte(s, ':') >= 0 && strings.Contains(s, "invalid port")
}

// hasAuthScheme reports whether a word of s names a scheme that credentials follow.
func hasAuthScheme(s string) bool {
	for _, first := range [...]byte{'b', 'B'} {
		for at := 0; ; at++ {
			i := strings.IndexByte(s[at:], first)
			if i < 0 {
				break
			}
			at += i
			end := strings.IndexAny(s[at:min(len(s), at+len("bearer "))], " \t\r\n")
			if end > 0 && endsWithAuthScheme(s[:at+end]) {
				return true
			}
		}
	}
	return false
}

// endsWithAuthScheme reports whether s ends with the word Basic or Bearer.
func endsWithAuthScheme(s string) bool {
	for _, scheme := range [...]string{"basic", "bearer"} {
		n := len(s) - len(scheme)
		if n >= 0 && strings.EqualFold(s[n:], scheme) && (n == 0 || !isLetter(s[n-1])) {
			return true
		}
	}
	return false
}

// proseAfterScheme reports whether word, which follows Basic or Bearer, is English or a
// challenge's parameter ("Basic realm=") and no credential. After a lower-case "basic",
// which is an ordinary word, only what looks encoded is a credential.
func proseAfterScheme(scheme, word string) bool {
	name, _, _ := strings.Cut(strings.ToLower(word), "=")
	switch name {
	case "auth", "authentication", "authorization", "authorisation", "token", "tokens", "scheme", "schemes",
		"challenge", "credential", "credentials", "constraint", "constraints", "access", "login", "header", "and", "or", "is", "was",
		"realm", "charset", "error", "error_description", "scope", "service":
		return true
	}
	return strings.HasSuffix(scheme, "basic") && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz'-") == ""
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// isPort reports whether s is a number.
func isPort(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
