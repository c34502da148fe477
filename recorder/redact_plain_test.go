package recorder

import (
	"net/textproto"
	"testing"
)

// What is not searched for secrets in its name must be a name that has none, as net/http
// spells it.
func TestPlainHeaders(t *testing.T) {
	r := NewRedactor()
	for name := range plainHeaders {
		if textproto.CanonicalMIMEHeaderKey(name) != name || secretHeader(name) {
			t.Errorf("%s is not to be passed over", name)
		}
		const secret = "https://user:canary@h.test/"
		if got := r.Header(name, secret); got == secret {
			t.Errorf("%s: a secret in the value stays", name)
		}
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Location", "Content-Location", "Referer", "Link", "Refresh"} {
		if plainHeaders[name] {
			t.Errorf("%s has a rule of its own", name)
		}
	}
}
