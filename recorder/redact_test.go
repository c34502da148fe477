package recorder

import (
	"strings"
	"testing"
)

// A secret in these tables contains "canary"; no want does.
var redactURLTests = []struct{ in, want string }{
	{"", ""},
	{"https://proxy.golang.org/rsc.io/quote/@v/v1.5.2.zip", "https://proxy.golang.org/rsc.io/quote/@v/v1.5.2.zip"},
	{"https://sum.golang.org/lookup/rsc.io/quote@v1.5.2", "https://sum.golang.org/lookup/rsc.io/quote@v1.5.2"},
	{"https://h.example:8443/x/@v/list?go-get=1#top", "https://h.example:8443/x/@v/list?go-get=1#top"},
	{"https://[::1]:8080/@v/list", "https://[::1]:8080/@v/list"},
	{"https://[::1]/@v/list", "https://[::1]/@v/list"},
	{"proxy.golang.org:443", "proxy.golang.org:443"},
	// Userinfo.
	{"https://user:canary@h.example/x", "https://REDACTED@h.example/x"},
	{"https://canary@h.example/x", "https://REDACTED@h.example/x"},
	{"https://us%40er:can%2Fary@h.example/x/@v/list", "https://REDACTED@h.example/x/@v/list"},
	{"https://canary@canary@h.example/x", "https://REDACTED@h.example/x"},
	{"https://@h.example/x", "https://@h.example/x"},
	{"ssh://git@github.com/x", "ssh://REDACTED@github.com/x"},
	{"//user:canary@h.example/x", "//REDACTED@h.example/x"},
	{"user:canary@h.example:8080/x", "REDACTED@h.example:8080/x"},
	{"https://user:can/canary@h.example/x/@v/list", "https://REDACTED@h.example/x/@v/list"},
	{"https://user:can?canary@h.example/x", "https://REDACTED@h.example/x"},
	{"https://user:can#canary/@h.example/x", "https://REDACTED@h.example/x"},
	{"https://host:port/x/@v/list", "https://host:port/x/@v/list"},
	{"https://REDACTED@h.example/x?token=REDACTED", "https://REDACTED@h.example/x?token=REDACTED"},
	// Parameters: everything else stays byte for byte.
	{"https://h.example/x?a=%7e&token=canary&b=1+2&&c", "https://h.example/x?a=%7e&token=REDACTED&b=1+2&&c"},
	{"https://h.example/x?Access_Token=canary", "https://h.example/x?Access_Token=REDACTED"},
	{"https://h.example/x?to%6ben=canary", "https://h.example/x?to%6ben=REDACTED"},
	{"https://h.example/x?auth[token]=canary", "https://h.example/x?auth[token]=REDACTED"},
	{"https://h.example/x?token=", "https://h.example/x?token="},
	{"https://h.example/x?token", "https://h.example/x?token"},
	{"https://h.example/x?token=canary;canary?canary/canary#top", "https://h.example/x?token=REDACTED#top"},
	{"https://h.example/x?a=1;token=canary", "https://h.example/x?a=1;token=REDACTED"},
	{"https://h.example/x?a=b?token=canary", "https://h.example/x?a=b?token=REDACTED"},
	{"https://h.example/x#access_token=canary&state=1", "https://h.example/x#access_token=REDACTED&state=1"},
	{"https://h.example/x#/page?jwt=canary#canary", "https://h.example/x#/page?jwt=REDACTED"},
	{"/x?token=canary", "/x?token=REDACTED"},
	{"?token=canary", "?token=REDACTED"},
	{"/a;jsessionid=canary/b;v=1?x=1", "/a;jsessionid=REDACTED/b;v=1?x=1"},
	{"https://h.example/a;jsessionid=canary?x=1", "https://h.example/a;jsessionid=REDACTED?x=1"},
	{"https://h.example/x&token=canary&v=1", "https://h.example/x&token=REDACTED&v=1"},
	// Signed storage URLs.
	{"https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-google.golang.org:api-v0.162.0.zip?Expires=1722887934&GoogleAccessId=canary%40x.iam&Signature=canary%2F%3D%3D",
		"https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-google.golang.org:api-v0.162.0.zip?Expires=1722887934&GoogleAccessId=REDACTED&Signature=REDACTED"},
	{"https://b.s3.example/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=canary%2F2026&X-Amz-Date=20260101T000000Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Security-Token=canary&X-Amz-Signature=canary",
		"https://b.s3.example/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=REDACTED&X-Amz-Date=20260101T000000Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Security-Token=REDACTED&X-Amz-Signature=REDACTED"},
	{"https://s.example/k?X-Goog-Credential=canary&X-Goog-Signature=canary&X-Goog-Expires=1", "https://s.example/k?X-Goog-Credential=REDACTED&X-Goog-Signature=REDACTED&X-Goog-Expires=1"},
	{"https://d.cloudfront.example/k?Expires=1&Policy=canary&Signature=canary&Key-Pair-Id=canary", "https://d.cloudfront.example/k?Expires=1&Policy=REDACTED&Signature=REDACTED&Key-Pair-Id=REDACTED"},
	{"https://a.blob.example/k?sp=r&sv=canary&se=canary&sr=b&sig=canary", "https://a.blob.example/k?sp=r&sv=REDACTED&se=REDACTED&sr=b&sig=REDACTED"},
	{"https://a.blob.example/k?rscd=attachment%3B+filename%3Dx.zip&rsct=application%2Fzip&sig=canary", "https://a.blob.example/k?rscd=attachment%3B+filename%3Dx.zip&rsct=application%2Fzip&sig=REDACTED"},
	{"https://q.example/k?e=1&token=canary:canary", "https://q.example/k?e=1&token=REDACTED"},
	// Named one by one.
	{"?auth=canary&key=canary&api_key=canary&apikey=canary&sig=canary&password=canary&passwd=canary", "?auth=REDACTED&key=REDACTED&api_key=REDACTED&apikey=REDACTED&sig=REDACTED&password=REDACTED&passwd=REDACTED"},
	{"?secret=canary&code=canary&jwt=canary&client_secret=canary&private_token=canary&job_token=canary&auth_key=canary", "?secret=REDACTED&code=REDACTED&jwt=REDACTED&client_secret=REDACTED&private_token=REDACTED&job_token=REDACTED&auth_key=REDACTED"},
	{"?keyword=1&monkey=2&codec=3&author=4&signed=5&page=6", "?keyword=1&monkey=2&codec=3&author=4&signed=5&page=6"},
	// URLs within URLs.
	{"https://h.example/login?to=https://user:canary@i.example/&x=1", "https://h.example/login?to=REDACTED&x=1"},
	{"https://h.example/login?to=https%3A%2F%2Fuser%3Acanary%40i.example%2F&x=1", "https://h.example/login?to=REDACTED&x=1"},
	{"https://h.example/login?to=%2Fx%3Ftoken%3Dcanary&x=1", "https://h.example/login?to=REDACTED&x=1"},
	{"https://h.example/login?to=%252Fx%253Ftoken%253Dcanary", "https://h.example/login?to=REDACTED"},
	{"https://h.example/login?to=%2525252525252Fx", "https://h.example/login?to=REDACTED"},
	{"https://h.example/login?to=https%3A%2F%2Fi.example%2Fx%3Fv%3D1", "https://h.example/login?to=https%3A%2F%2Fi.example%2Fx%3Fv%3D1"},
	{"https://h.example/?https://user:canary@i.example/", "https://h.example/?REDACTED"},
	{"https://h.example/?mail=gopher@example.com", "https://h.example/?mail=gopher@example.com"},
	{"https://h.example/?a=%zz%4", "https://h.example/?a=%zz%4"},
}

func TestRedactURL(t *testing.T) {
	r := NewRedactor()
	for _, tt := range redactURLTests {
		if got := r.URL(tt.in); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
		if got := r.URL(tt.want); got != tt.want {
			t.Errorf("%s is redacted again to %s", tt.want, got)
		}
		if got := (*Redactor)(nil).URL(tt.in); got != tt.in {
			t.Errorf("nil Redactor: %s became %s", tt.in, got)
		}
	}
}

var redactTextTests = []struct{ in, want string }{
	{"", ""},
	{"dial tcp 127.0.0.1:443: connect: connection refused", "dial tcp 127.0.0.1:443: connect: connection refused"},
	{"go: rsc.io/quote@v1.5.2: unrecognized import path", "go: rsc.io/quote@v1.5.2: unrecognized import path"},
	{"git@github.com: Permission denied (publickey).", "git@github.com: Permission denied (publickey)."},
	{`open C:\Users\me\go\pkg\mod\rsc.io\quote@v1.5.2: denied`, `open C:\Users\me\go\pkg\mod\rsc.io\quote@v1.5.2: denied`},
	{"open C:/go/pkg/mod/rsc.io/quote@v1.5.2: denied", "open C:/go/pkg/mod/rsc.io/quote@v1.5.2: denied"},
	{`Get "https://user:canary@h.example/x?token=canary": EOF`, `Get "https://REDACTED@h.example/x?token=REDACTED": EOF`},
	{`Get \"https://user:canary@h.example\": EOF`, `Get \"https://REDACTED@h.example\": EOF`},
	{"reading https://h.example/x?token=canary: 404 Not Found", "reading https://h.example/x?token=REDACTED: 404 Not Found"},
	{"(see <https://canary@h.example/>, or https://h.example/?sig=canary).", "(see <https://REDACTED@h.example/>, or https://h.example/?sig=REDACTED)."},
	{"proxyconnect tcp: user:canary@proxy.example:8080 refused", "proxyconnect tcp: REDACTED@proxy.example:8080 refused"},
	{`CORP\user:canary@proxy.example:8080`, "REDACTED@proxy.example:8080"},
	{`parse "https://user:can/ary@h.example/": invalid port ":can" after host`, `parse "https://REDACTED@h.example/": invalid port ":REDACTED" after host`},
	{`invalid port ":canary" after host`, `invalid port ":REDACTED" after host`},
	{`invalid port ":99999" after host`, `invalid port ":99999" after host`},
	{`failed to parse Location header "/x?token=canary": bad`, `failed to parse Location header "/x?token=REDACTED": bad`},
	{"token=canary://canary/canary", "token=REDACTED"},
	{"token=canary;canary&canary?canary end", "token=REDACTED end"},
	{"exit code=1 key=value", "exit code=1 key=value"},
	// GOPROXY lists.
	{"https://user:canary@a.example/x,https://b.example|direct", "https://REDACTED@a.example/x,https://b.example|direct"},
	{"https://a.example/x,https://user:canary@b.example|direct", "https://a.example/x,https://REDACTED@b.example|direct"},
	{"https://a.example/x,user:canary@b.example/y|direct", "https://a.example/x,REDACTED@b.example/y|direct"},
	{"user:canary@a.example/x,https://b.example/y,direct", "REDACTED@a.example/x,https://b.example/y,direct"},
	{"https://a.example|user:canary@b.example/y", "https://REDACTED@b.example/y"},
	{"https://a.example,https://b.example,direct", "https://a.example,https://b.example,direct"},
	// Credentials by their scheme.
	{"Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==", "Authorization: Basic REDACTED"},
	{"authorization: bearer canary", "authorization: bearer REDACTED"},
	{"sent Bearer canary, got 401", "sent Bearer REDACTED, got 401"},
	{"sent Bearer\tcanary1, got 401", "sent Bearer\tREDACTED, got 401"},
	{"sent bearer\ncanary1", "sent bearer\nREDACTED"},
	{`header "Basic canary"`, `header "Basic REDACTED"`},
	{"basic Y2FuYXJ5", "basic REDACTED"},
	{"Basic authentication failed", "Basic authentication failed"},
	{"x509: invalid basic constraints", "x509: invalid basic constraints"},
	{"a basic test", "a basic test"},
	{`Basic realm="x"`, `Basic realm="x"`},
	{`Bearer realm="https://auth.example/t",service="r"`, `Bearer realm="https://auth.example/t",service="r"`},
	{"Basic", "Basic"},
	{"Basic ", "Basic "},
}

func TestRedactText(t *testing.T) {
	r := NewRedactor()
	for _, tt := range redactTextTests {
		if got := r.Text(tt.in); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
		if got := r.Text(tt.want); got != tt.want {
			t.Errorf("%s is redacted again to %s", tt.want, got)
		}
		if got := (*Redactor)(nil).Text(tt.in); got != tt.in {
			t.Errorf("nil Redactor: %s became %s", tt.in, got)
		}
	}
}

var redactHeaderTests = []struct{ name, in, want string }{
	{"Accept-Encoding", "gzip", "gzip"},
	{"Alt-Svc", `h3=":443"; ma=2592000,h3-29=":443"; ma=2592000`, `h3=":443"; ma=2592000,h3-29=":443"; ma=2592000`},
	{"User-Agent", "Go-http-client/2.0", "Go-http-client/2.0"},
	{"Etag", `"5eb3019627247e9d"`, `"5eb3019627247e9d"`},
	{"X-Anything", "https://user:canary@h.example/", "https://REDACTED@h.example/"},
	{"X-Anything", "Bearer canary", "Bearer REDACTED"},
	// Credentials.
	{"Authorization", "", ""},
	{"Authorization", "Basic Y2FuYXJ5", "Basic REDACTED"},
	{"authorization", "Basic Y2FuYXJ5", "Basic REDACTED"},
	{"Authorization", "  bearer  canary canary", "bearer REDACTED"},
	{"Authorization", `Digest username="canary", response="canary"`, "Digest REDACTED"},
	{"Authorization", "AWS4-HMAC-SHA256 Credential=canary", "AWS4-HMAC-SHA256 REDACTED"},
	{"Authorization", "canary", "REDACTED"},
	{"Authorization", "canary canary", "REDACTED"},
	{"Proxy-Authorization", "Negotiate canary", "Negotiate REDACTED"},
	{"Www-Authenticate", `Digest realm="x", nonce="abc", opaque="def"`, `Digest realm="x", nonce="abc", opaque="def"`},
	{"Www-Authenticate", `Bearer realm="https://auth.example/token",service="r",scope="x:y:pull"`, `Bearer realm="https://auth.example/token",service="r",scope="x:y:pull"`},
	{"Proxy-Authenticate", "Negotiate oYG2MIGz", "Negotiate oYG2MIGz"},
	// Cookies.
	{"Cookie", "a=canary; b=canary=canary; canary", "a=REDACTED; b=REDACTED; REDACTED"},
	{"Cookie", "a=; b=canary;", "a=; b=REDACTED;"},
	{"Set-Cookie", "sid=canary; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly", "sid=REDACTED; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly"},
	{"Set-Cookie", "path=canary; Path=/, b=canary; Custom=canary", "path=REDACTED; Path=REDACTED; Custom=REDACTED"},
	// Headers that hold nothing else.
	{"X-Github-Token", "canary", "REDACTED"},
	{"Private-Token", "canary", "REDACTED"},
	{"Job-Token", "canary", "REDACTED"},
	{"X-Api-Key", "canary", "REDACTED"},
	{"X-Jfrog-Art-Api", "canary", "REDACTED"},
	{"X-Auth", "canary", "REDACTED"},
	{"X-Auth-Email", "canary", "REDACTED"},
	{"X-Amz-Security-Token", "canary", "REDACTED"},
	{"X-Goog-Iam-Authorization-Token", "canary", "REDACTED"},
	{"X-Goog-Request-Signature", "canary", "REDACTED"},
	{"X-Forwarded-Authorization", "Basic canary", "REDACTED"},
	{"Cf-Access-Client-Secret", "canary", "REDACTED"},
	{"Cf-Access-Jwt-Assertion", "canary", "REDACTED"},
	{"Ocp-Apim-Subscription-Key", "canary", "REDACTED"},
	{"X-Amz-Server-Side-Encryption-Customer-Key", "canary", "REDACTED"},
	{"Surrogate-Key", "all", "all"},
	{"Sec-Websocket-Key", "dGhlIHNhbXBsZQ==", "dGhlIHNhbXBsZQ=="},
	{"Access-Control-Allow-Credentials", "true", "true"},
	{"X-Author", "gopher", "gopher"},
	// URLs.
	{"Location", "https://s.example/k?X-Goog-Signature=canary", "https://s.example/k?X-Goog-Signature=REDACTED"},
	{"Location", "/k?token=canary x", "/k?token=REDACTED"},
	{"Content-Location", "//user:canary@h.example/k", "//REDACTED@h.example/k"},
	{"Referer", "https://h.example/k?sig=canary", "https://h.example/k?sig=REDACTED"},
	{"Link", `</k?token=canary>; rel="next", <https://canary@h.example/?url=x>; rel=last`, `</k?token=REDACTED>; rel="next", <https://REDACTED@h.example/?url=x>; rel=last`},
	{"Link", "</k?token=canary", "</k?token=REDACTED"},
	{"Refresh", "0; url=/k?token=canary", "0; url=/k?token=REDACTED"},
	{"Refresh", "5", "5"},
}

func TestRedactHeader(t *testing.T) {
	r := NewRedactor()
	for _, tt := range redactHeaderTests {
		if got := r.Header(tt.name, tt.in); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.in, got, tt.want)
		}
		if got := r.Header(tt.name, tt.want); got != tt.want {
			t.Errorf("%s: %s is redacted again to %s", tt.name, tt.want, got)
		}
		if got := (*Redactor)(nil).Header(tt.name, tt.in); got != tt.in {
			t.Errorf("nil Redactor: %s became %s", tt.in, got)
		}
	}
}

// What holds no secret costs no allocation: that is nearly every URL, header and text.
func TestRedactAllocates(t *testing.T) {
	r := NewRedactor()
	for _, tt := range []struct {
		name string
		f    func()
	}{
		{"URL without parameters", func() { r.URL("https://proxy.golang.org/rsc.io/quote/list") }},
		{"URL of the GOPROXY protocol", func() { r.URL("https://proxy.golang.org/rsc.io/quote/@v/v1.5.2.zip") }},
		{"URL with parameters", func() { r.URL("https://golang.org/x/text?go-get=1&x=1#top") }},
		{"text", func() { r.Text("dial tcp 127.0.0.1:443: connect: connection refused") }},
		{"text with a module", func() { r.Text("go: rsc.io/quote@v1.5.2: unknown revision") }},
		{"header", func() { r.Header("Content-Type", "text/plain; charset=UTF-8") }},
		{"long header", func() {
			r.Header("Content-Security-Policy-Report-Only", "script-src 'none'; form-action 'none'; report-uri https://csp.example/x")
		}},
	} {
		if n := testing.AllocsPerRun(100, tt.f); n != 0 {
			t.Errorf("%s: %v allocations, want none", tt.name, n)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	r := NewRedactor()
	signed := "https://storage.googleapis.com/p/x.zip?Expires=1&GoogleAccessId=a%40b&Signature=c"
	for _, bb := range []struct {
		name string
		f    func()
	}{
		{"url-plain", func() { r.URL("https://proxy.golang.org/rsc.io/quote/@v/v1.5.2.zip") }},
		{"url-signed", func() { r.URL(signed) }},
		{"header-plain", func() { r.Header("Content-Type", "application/zip") }},
		{"header-location", func() { r.Header("Location", signed) }},
		{"text", func() { r.Text("dial tcp 127.0.0.1:443: connect: connection refused") }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.f()
			}
		})
	}
}

// A hostile header must not cost the relay more than its length.
func BenchmarkRedactHostile(b *testing.B) {
	r := NewRedactor()
	for name, part := range map[string]string{
		"authorities": "a://b:c/", "commas": "a,b:c,", "params": "?a=http://b:c&", "nested": "%25?x=", "equals": "token==;", "decoding": "%25252525x=@&", "basic": "Basic a ",
	} {
		s := strings.Repeat(part, 1<<20/len(part))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				r.Text(s + "@v/")
			}
		})
	}
}
