package recorder

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// A secret in these tables contains "canary"; no want does.
var redactBodyTests = []struct{ name, in, want string }{
	{"a go.mod", "module example.test/x\n\ngo 1.21\n\nrequire rsc.io/quote v1.5.2 // indirect\nreplace a.test/b => ./b\n", ""},
	{"an info", `{"Version":"v1.5.2","Time":"2018-02-14T15:44:20Z","Origin":{"VCS":"git","URL":"https://github.com/rsc/quote","Hash":"0fe25cb42a9"}}`, ""},
	{"a lookup", "17424\nrsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\nrsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=\n\ngo.sum database tree\n50000000\nGc3IFbXTNGuGEr6mVR2YDTLWi3yoSVAFHrXpQ7xJFWc=\n\n— sum.golang.org Az3grnCV7LGPeLSKjGWHuKEsVpeJS3yDTvBJ3MsAZ1VDNAAP=\n", ""},
	{"prose", "unexpected token: x\nsyntax error near token 'a'\nhttps://h.example/x: 404\nsecret: none of your business\n", ""},
	// Redirects and errors that echo a signed URL.
	{"http.Redirect", `<a href="https://s.example/k?Expires=1&amp;Signature=canary">Found</a>.` + "\n", `<a href="https://s.example/k?Expires=1&amp;Signature=REDACTED">Found</a>.` + "\n"},
	{"http.Redirect, named entities", `<a href="/k?a=1&amp;sig=canary&amp;b=2">Found</a>`, `<a href="/k?a=1&amp;sig=REDACTED&amp;b=2">Found</a>`},
	{"S3", `<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>canary</AWSAccessKeyId><SignatureProvided>canary</SignatureProvided><CanonicalRequest>GET
/k
X-Amz-Credential=canary%2F2026&amp;X-Amz-Security-Token=canary
host:b.s3.example</CanonicalRequest></Error>`, `<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>REDACTED</AWSAccessKeyId><SignatureProvided>REDACTED</SignatureProvided><CanonicalRequest>GET
/k
X-Amz-Credential=REDACTED
host:b.s3.example</CanonicalRequest></Error>`},
	{"Artifactory", `{"errors":[{"status":401,"message":"GET https://user:canary@a.example/x?token=canary refused"}]}`, `{"errors":[{"status":401,"message":"GET https://REDACTED@a.example/x?token=REDACTED refused"}]}`},
	{"JSON of Go", `{"error":"Get \"https://s.example/x?a=1\u0026sig=canary\": EOF"}`, `{"error":"Get \"https://s.example/x?a=1&sig=REDACTED\": EOF"}`},
	{"JSON of PHP", `{"url":"https:\/\/user:canary@s.example\/x"}`, `{"url":"https://REDACTED@s.example/x"}`},
	{"escaped and harmless", `{"url":"https:\/\/s.example\/x?a=1\u0026b=2"}`, ""},
	// Fields by their names.
	{"JSON fields", `{"access_token": "canary","expires":3600,"token":"can\"ary", "a":{"Authorization":["Basic canary","canary"],"X-Api-Key":[]},"secret":null,"session_id":-12.5e3}`,
		`{"access_token": "REDACTED","expires":3600,"token":"REDACTED", "a":{"Authorization":["REDACTED","REDACTED"],"X-Api-Key":[]},"secret":null,"session_id":"REDACTED"}`},
	{"JSON in JSON", `{"log":"{\"token\":\"canary\",\"a\":1}"}`, `{"log":"{\"token\":\"REDACTED\",\"a\":1}"}`},
	{"JSON in JSON, a quote in it", `{"log":"{\"token\":\"can\\\"canary\\\\\",\"a\":1}"}`, `{"log":"{\"token\":\"REDACTED\",\"a\":1}"}`},
	{"JSON in JSON, cut off", `{"log":"{\"token\":\"canary","a":1}`, `{"log":"{\"token\":\"REDACTED","a":1}`},
	{"JSON in JSON, nothing left", `{"log":"\"token\":\""}`, ""},
	{"header dump", "GET / HTTP/1.1\r\nHost: h.example\r\nAuthorization: Digest username=\"canary\", response=\"canary\"\r\nX-Auth-Token: canary\r\nCookie: a=canary; b=canary\r\nAccept: */*\r\n", "GET / HTTP/1.1\r\nHost: h.example\r\nAuthorization: REDACTED\r\nX-Auth-Token: REDACTED\r\nCookie: REDACTED\r\nAccept: */*\r\n"},
	{"header in a string", `{"sent":"with X-Auth-Token: canary","ok":true}`, `{"sent":"with X-Auth-Token: REDACTED","ok":true}`},
	{"HTML form", `<input type="hidden" name="authenticity_token" value="canary" /><meta name="csrf-token" content="canary"><meta name="go-import" content="h.example/x git https://h.example/x">`,
		`<input type="hidden" name="authenticity_token" value="REDACTED" /><meta name="csrf-token" content="REDACTED"><meta name="go-import" content="h.example/x git https://h.example/x">`},
	{"XML with namespaces", `<a:Token x="1">canary</a:Token><Token/><Key>k</Key>`, `<a:Token x="1">REDACTED</a:Token><Token/><Key>k</Key>`},
}

func TestRedactBody(t *testing.T) {
	r := NewRedactor()
	for _, tt := range redactBodyTests {
		want, changed := tt.want, true
		if want == "" {
			want, changed = tt.in, false
		}
		m := Message{Mime: "text/plain", Body: []byte(tt.in), Kept: true, BodySize: int64(len(tt.in))}
		r.Body(&m, nil)
		if got := string(m.Body); got != want || m.Redacted != changed || (m.Note != "") != changed || !m.Kept || m.BodySize != int64(len(tt.in)) {
			t.Errorf("%s: redacted %v, note %q\n got %s\nwant %s", tt.name, m.Redacted, m.Note, got, want)
		}
		if json.Valid([]byte(tt.in)) && !json.Valid(m.Body) {
			t.Errorf("%s is no longer JSON: %s", tt.name, m.Body)
		}
		if got := r.body(want, nil); got != want {
			t.Errorf("%s is redacted again: %s", tt.name, got)
		}
		m = Message{Mime: "text/plain", Body: []byte(tt.in)}
		(*Redactor)(nil).Body(&m, []string{"e"})
		if string(m.Body) != tt.in || m.Redacted {
			t.Errorf("%s: a nil Redactor made it %s", tt.name, m.Body)
		}
	}
}

// TestRedactEncodedBody: what is compressed is looked into, and what cannot be is not kept.
func TestRedactEncodedBody(t *testing.T) {
	pack := func(s string, w io.WriteCloser, b *bytes.Buffer) []byte {
		io.WriteString(w, s)
		w.Close()
		return b.Bytes()
	}
	zip := func(s string) []byte { var b bytes.Buffer; return pack(s, gzip.NewWriter(&b), &b) }
	secret, plain := `{"token":"canary"}`, `{"a":1}`
	var z bytes.Buffer
	bomb := zip(strings.Repeat("\n", MaxText+1))
	for _, tt := range []struct {
		name, mime, encoding string
		body                 []byte
		whole                bool
		want                 string // of Body; "": as it was
		gone                 bool
	}{
		{"gzip with a secret", "application/json", "gzip", zip(secret), true, `{"token":"REDACTED"}`, false},
		{"gzip without", "application/json", "GZIP", zip(plain), true, "", false},
		{"the beginning of a gzip", "application/json", "gzip", zip(secret)[:30], false, `{"token":"REDACTED"}`, false},
		{"deflate", "text/html", "deflate", pack(secret, zlib.NewWriter(&z), &z), true, `{"token":"REDACTED"}`, false},
		{"brotli", "text/html", "br", []byte("\x0b\x02\x80abc\x03"), true, "", true},
		{"no gzip at all", "text/html", "gzip", []byte(secret), true, "", true},
		{"a bomb", "text/html", "gzip", bomb, true, "", true},
		{"no type", "", "", []byte(secret), true, `{"token":"REDACTED"}`, false},
		{"a wrong type", "application/zip", "", []byte(secret), true, `{"token":"REDACTED"}`, false},
		{"not UTF-8", "text/plain", "", []byte("\xe9 https://u:canary@h.example/"), true, "\xe9 https://REDACTED@h.example/", false},
		{"a zip", "application/zip", "", []byte("PK\x03\x04\x00" + secret), true, "", false},
		{"a zip that says it is text", "text/plain", "", []byte("PK\x03\x04\x00" + secret), true, "", false},
		{"a compressed binary", "application/octet-stream", "gzip", zip("\x00" + secret), true, "", false},
		{"a type that nobody lists", "application/x-ndjson", "gzip", zip(secret), true, `{"token":"REDACTED"}`, false},
		{"a type that nobody lists, unreadable", "application/jwt", "br", []byte("\x0b\x02\x80abc\x03"), true, "", true},
		{"a compressed drawing", "image/svg+xml", "gzip", zip(secret), true, `{"token":"REDACTED"}`, false},
		{"an image", "image/png", "gzip", zip(secret), true, "", false},
	} {
		m := Message{Mime: tt.mime, Encoding: tt.encoding, Body: tt.body, Kept: tt.whole, BodySize: int64(len(tt.body))}
		NewRedactor().Body(&m, nil)
		want := tt.want
		if want == "" && !tt.gone {
			want = string(tt.body)
		}
		encoding := tt.encoding
		if tt.want != "" {
			encoding = ""
		}
		if string(m.Body) != want || m.Redacted != (tt.want != "") || m.Encoding != encoding || tt.gone && (m.Note == "" || m.Kept) || m.BodySize != int64(len(tt.body)) {
			t.Errorf("%s: %q, redacted %v, kept %v, encoding %q, note %q", tt.name, m.Body, m.Redacted, m.Kept, m.Encoding, m.Note)
		}
	}
}

func TestHidden(t *testing.T) {
	r := NewRedactor()
	basic := base64.StdEncoding.EncodeToString([]byte("user:canary-password"))
	var known []string
	for _, h := range [][2]string{
		{"Authorization", "Basic " + basic}, {"Cookie", "sid=canary-cookie; theme=dark"}, {"X-Auth-Token", "canary-token"},
		{"Accept", "text/html"}, {"Location", "https://s.example/k?Signature=canary%2Fsignature&x=1"},
	} {
		known = Hidden(known, h[1], r.Header(h[0], h[1]))
	}
	echo := "you sent " + basic + " that is canary-password, canary-cookie, dark, canary-token, and go to canary/signature or canary%2Fsignature"
	want := "you sent REDACTED that is REDACTED, REDACTED, dark, REDACTED, and go to REDACTED or REDACTED"
	if got := r.body(echo, known); got != want {
		t.Errorf("%q\n got %s\nwant %s", known, got, want)
	}
}

// goMod is 1 KiB of a go.mod, and lookup a checksum database's answer of the usual size.
var (
	goMod  = ("module example.test/x\n\ngo 1.21\n\nrequire (\n" + strings.Repeat("\tgithub.com/someone/something v1.12.3 // indirect\n", 20))[:1024]
	lookup = redactBodyTests[2].in
)

func TestRedactBodyAllocates(t *testing.T) {
	r := NewRedactor()
	m := Message{Mime: "text/plain; charset=utf-8", Body: []byte(goMod)}
	if n := testing.AllocsPerRun(100, func() { r.Body(&m, nil) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRedactBody(b *testing.B) {
	r := NewRedactor()
	for _, bb := range []struct{ name, mime, body string }{
		{"gomod-1KiB", "text/plain; charset=UTF-8", goMod},
		{"info", "application/json", redactBodyTests[1].in},
		{"lookup", "text/plain; charset=UTF-8", lookup},
		{"html-64KiB", "text/html", strings.Repeat(`<a href="/x/y?a=1&amp;b=2">Some text: more text</a>`+"\n", 1311)},
		{"secret", "text/html", redactBodyTests[4].in},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.body)))
			body := []byte(bb.body)
			for b.Loop() {
				m := Message{Mime: bb.mime, Body: body}
				r.Body(&m, nil)
			}
		})
	}
}

// A hostile body must not cost the relay more than its length.
func BenchmarkRedactBodyHostile(b *testing.B) {
	r := NewRedactor()
	for name, part := range map[string]string{
		"colons": "token:", "tags": "<token>", "open": "<a name=", "names": `<a name="token" value=`, "quotes": `"token":"`, "lists": `"token":["`, "escapes": `\u0026`, "backslashes": `\"token\":\"`,
	} {
		s := strings.Repeat(part, 1<<20/len(part))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				r.body(s, nil)
			}
		})
	}
}
