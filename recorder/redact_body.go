package recorder

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxText bounds the text, decoded, that Redactor.Body looks through.
	MaxText = 16 << 20
	// sniffText is how much of a body of unknown type tells whether it is text.
	sniffText = 512
	// minHidden is the shortest header secret that is looked for in a body: a cookie's
	// "true" or "1" would be found everywhere.
	minHidden = 8
)

// What a Message's Note says of redacting.
const (
	noteRedacted  = "secrets in the body were redacted"
	noteUnchecked = "body not kept: it cannot be looked through for secrets"
)

// Body removes the secrets of a text from m.Body, which must not be changed by others
// afterwards: those of Text, the values of fields with secret names ("token": "…",
// X-Auth-Token: …, <Signature>…</Signature>), and each of hidden wherever it stands (see
// Hidden). A body that changes is stored without its content coding, and m.Redacted says
// so; the sizes go on being those of the wire. A text whose coding cannot be undone is
// not kept. What is not text stays as it is: a secret inside a zip is the server's own
// content.
func (r *Redactor) Body(m *Message, hidden []string) {
	if r == nil || len(m.Body) == 0 {
		return
	}
	if !MayBeText(m.Mime, m.Encoding, m.Body) {
		return
	}
	text, plain := m.Body, NotEncoded(m.Encoding)
	if !plain {
		var err error
		if text, err = Decode(m.Encoding, m.Body, m.Kept, MaxText); err != nil {
			m.Body, m.Kept, m.Note = nil, false, noteUnchecked+": "+err.Error()
			return
		}
		if !MayBeText(m.Mime, "", text) {
			return
		}
	}
	in := string(text)
	out := r.body(in, hidden)
	if out == in {
		return
	}
	m.Body, m.Redacted = []byte(out), true
	if !plain {
		m.Encoding = ""
	}
	if m.Note == "" {
		m.Note = noteRedacted
	}
}

// body is Body for a decoded text.
func (r *Redactor) body(s string, hidden []string) string {
	clean := func(s string) string {
		for _, secret := range hidden {
			s = strings.ReplaceAll(s, secret, Redacted)
		}
		return r.Text(redactFields(s))
	}
	// JSON writers escape what separates parameters, and the slashes of URLs.
	if strings.IndexByte(s, '\\') >= 0 && (strings.Contains(s, `\u00`) || strings.Contains(s, `\/`)) {
		loose := jsonEscapes.Replace(s)
		if out := clean(loose); out != loose {
			return out
		}
		return s
	}
	return clean(s)
}

// jsonEscapes undoes escapes that JSON need not have.
var jsonEscapes = strings.NewReplacer(
	`\\`, `\\`, `\/`, `/`, `\u0026`, `&`, `\u003d`, `=`, `\u003D`, `=`, `\u003f`, `?`, `\u003F`, `?`, `\u0040`, `@`, `\u003a`, `:`, `\u003A`, `:`,
	`\u003c`, `<`, `\u003C`, `<`, `\u003e`, `>`, `\u003E`, `>`, `\u0027`, `'`,
)

// Hidden adds to known the secrets that redacting took out of a value: what a server
// echoes of them in a body must not be recorded either. Of Basic credentials the password
// counts too.
func Hidden(known []string, value, redacted string) []string {
	if value == redacted {
		return known
	}
	add := func(s string) {
		if len(s) >= minHidden && s != Redacted && !slices.Contains(known, s) {
			known = append(known, s)
		}
	}
	parts := strings.Split(redacted, Redacted)
	rest, ok := strings.CutPrefix(value, parts[0])
	for _, part := range parts[1:] {
		secret, after := rest, ""
		if part != "" {
			secret, after, ok = strings.Cut(rest, part)
		}
		if !ok { // redacting changed more than the secrets
			break
		}
		add(secret)
		add(unescape(secret))
		if _, pass, ok := basicAuth(secret); ok {
			add(pass)
		}
		rest = after
	}
	return known
}

// IsText reports whether a Content-Type names a kind of text.
func IsText(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	switch {
	case strings.HasPrefix(t, "text/"), strings.HasSuffix(t, "+json"), strings.HasSuffix(t, "+xml"):
		return true
	}
	switch t {
	case "application/json", "application/xml", "application/javascript", "application/x-www-form-urlencoded":
		return true
	}
	return false
}

// isBinary reports whether a Content-Type names a kind of what is never text.
func isBinary(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.TrimSpace(t))
	kind, _, _ := strings.Cut(t, "/")
	switch kind {
	case "image":
		return !strings.HasSuffix(t, "+xml")
	case "audio", "video", "font":
		return true
	}
	switch t {
	case "application/zip", "application/gzip", "application/x-gzip", "application/x-tar", "application/wasm":
		return true
	}
	return false
}

// MayBeText reports whether a body that begins with start is text, so that [Redactor.Body]
// looks into it: by its bytes where those can be seen, since servers label error pages as they
// label zips, and else unless its type says that it is not.
func MayBeText(contentType, encoding string, start []byte) bool {
	if !NotEncoded(encoding) {
		return !isBinary(contentType)
	}
	start = start[:min(len(start), sniffText)]
	if bytes.IndexByte(start, 0) >= 0 {
		return false
	}
	for i := 1; i < utf8.UTFMax && i <= len(start); i++ {
		if last := start[len(start)-i:]; utf8.RuneStart(last[0]) && !utf8.FullRune(last) {
			start = start[:len(start)-i] // the cut is inside a character
			break
		}
	}
	return IsText(contentType) || utf8.Valid(start)
}
