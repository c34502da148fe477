package recorder

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const canary = "CaNaRy7"

// checkRedacted reports whether the canary is in out, as it is or percent-encoded.
func checkRedacted(t *testing.T, in, out string) {
	t.Helper()
	for plain, i := out, 0; i < 3; i++ {
		if strings.Contains(plain, canary) {
			t.Errorf("the secret survives:\n in  %q\n out %q", in, out)
			return
		}
		plain = unescape(plain)
	}
}

// checkStable checks that redacting again changes nothing, and that the output only grew
// by what stands for secrets.
func checkStable(t *testing.T, redact func(string) string, in string) {
	t.Helper()
	out := redact(in)
	if again := redact(out); again != out {
		t.Errorf("redacted twice:\n in    %q\n once  %q\n twice %q", in, out, again)
	}
	if n := strings.Count(out, Redacted); len(out) > len(in)+n*len(Redacted) {
		t.Errorf("%d bytes became %d with %d secrets: %q -> %q", len(in), len(out), n, in, out)
	}
}

// everyByte percent-encodes all of s, as nobody must.
func everyByte(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

var fuzzSecretNames = []string{"token", "access_token", "X-Amz-Signature", "sig", "key", "code", "auth[password]", "GoogleAccessId", "clientSecret", "to%6ben"}

func FuzzRedactURL(f *testing.F) {
	for _, tt := range redactURLTests {
		f.Add(tt.in, "user", "pre", "/x?a=b", byte(0))
	}
	f.Add("", "", "", "/x/@v/list", byte(3))
	f.Add("", "a:b", "#", "?token=x#y@z", byte(5))
	r := NewRedactor()
	f.Fuzz(func(t *testing.T, raw, user, around, rest string, pick byte) {
		checkStable(t, r.URL, raw)
		if strings.Contains(user+rest, canary) || strings.Contains(unescape(unescape(unescape(user+rest))), canary) {
			t.Skip("the canary is not only where it is expected")
		}
		secret := around + canary + around
		name := fuzzSecretNames[int(pick)%len(fuzzSecretNames)]
		for _, in := range []string{
			"https://" + url.UserPassword(user, secret).String() + "@h.example" + rest,
			"https://" + url.User(secret).String() + "@h.example/" + rest,
			"//" + url.UserPassword(user, secret).String() + "@h.example/" + rest,
			"https://" + everyByte(secret) + "@h.example/" + rest,
			"https://h.example/x?" + name + "=" + url.QueryEscape(secret) + "&" + rest,
			"https://h.example/x?" + rest + "&" + name + "=" + url.QueryEscape(secret),
			"https://h.example/x?" + name + "=" + everyByte(secret) + "#" + rest,
			"/x?" + rest + "#" + name + "=" + url.QueryEscape(secret),
			"https://h.example/x?to=" + url.QueryEscape("https://u:"+url.PathEscape(secret)+"@h.example/"),
		} {
			checkRedacted(t, in, r.URL(in))
			checkStable(t, r.URL, in)
			text := `Get "` + in + `": EOF`
			if !strings.ContainsFunc(in, func(c rune) bool { return c < 0x80 && isBreak(byte(c)) }) {
				checkRedacted(t, text, r.Text(text))
			}
		}
	})
}

func FuzzRedactText(f *testing.F) {
	for _, tt := range redactTextTests {
		f.Add("X-Any", tt.in)
	}
	for _, tt := range redactHeaderTests {
		f.Add(tt.name, tt.in)
	}
	r := NewRedactor()
	f.Fuzz(func(t *testing.T, name, s string) {
		checkStable(t, r.Text, s)
		for _, n := range []string{name, "Set-Cookie", "Cookie", "Link", "Refresh", "Authorization"} {
			checkStable(t, func(v string) string { return r.Header(n, v) }, s)
		}
		if strings.Contains(unescape(s), canary) {
			t.Skip()
		}
		for _, in := range []string{
			s + " Bearer " + canary, s + ` "https://u:` + canary + `@h.example/" ` + s,
			s + " https://h.example/?token=" + canary + " " + s, s + " u:" + canary + "@h.example " + s,
		} {
			checkRedacted(t, in, r.Text(in))
		}
		checkRedacted(t, s, r.Header("Cookie", s+"; a="+canary))
		checkRedacted(t, s, r.Header("Set-Cookie", "a="+canary+"; "+s))
		checkRedacted(t, s, r.Header("Authorization", canary+" "+s))
		checkRedacted(t, s, r.Header("Authorization", "Basic "+canary+s))
	})
}

// fuzzScripts are forms that a secret has in command lines.
var fuzzScripts = []string{
	"x --password " + canary, "x -token=" + canary, `x --password "horse ` + canary + `"`, `x -token='` + canary + ` horse'`,
	`x --header "Authorization: Token ` + canary + `"`, "curl -u \\\n me:" + canary, "x --password \\\r\n " + canary, "x --password=\\\n" + canary,
	"$env:GITHUB_TOKEN = '" + canary + "'", "@{'X-Api-Key' = '" + canary + "'}", `irm @{"X-Api-Key"="` + canary + `"; Cookie='` + canary + "'}",
	"set -gx GITHUB_TOKEN " + canary, "set -gx GITHUB_TOKEN (printf " + canary + ")", "set GITHUB_TOKEN=" + canary + "&& go get x",
	`"--token" ` + canary, "'-u' 'me:" + canary + "'", "x '--token=" + canary + "'", `set "GITHUB_TOKEN=` + canary + `" && go`,
	`x --password pa\ ` + canary, `x --password "a\" ` + canary + `"`, "export TOKEN=$(printf " + canary + ")", "x --password=`echo " + canary + "`",
	`export TOKEN=$(printf "$(echo ')' ` + canary + `)" ` + canary + ")", `echo "machine h login me password ` + canary + `" > ~/.netrc`,
	"curl\t--token\t" + canary,
}

// FuzzRedactLine: an option's value is hidden, whatever stands behind it, and whatever stands
// before it that does not change what its quotes and escapes mean.
func FuzzRedactLine(f *testing.F) {
	for _, tt := range redactLineTests {
		f.Add(tt.in)
	}
	for _, tt := range redactArgsTests {
		f.Add(tt.in)
	}
	r := NewRedactor()
	f.Fuzz(func(t *testing.T, s string) {
		r.Args([]string{s})
		out := r.Line(s)
		if n := strings.Count(out, Redacted); len(out) > len(s)+n*len(Redacted) {
			t.Errorf("%d bytes became %d with %d secrets: %q -> %q", len(s), len(out), n, s, out)
		}
		if strings.Contains(s, canary[:3]) || strings.Contains(s, "%") {
			t.Skip("the canary may be where nobody expects it")
		}
		check := func(in string) {
			checkRedacted(t, in, r.Line(in))
			checkRedacted(t, in, r.Args([]string{in})[0])
		}
		check("x it's --password " + canary + " " + s)
		for _, form := range fuzzScripts {
			check(form + " " + s)
			if !strings.ContainsAny(s, "'\"\\`^$({") {
				check(s + "\n" + form + "\n" + s)
			}
		}
	})
}

// FuzzRedactBody: no field with a secret name keeps its value, whatever surrounds it; what
// was redacted is redacted no further; JSON stays JSON.
func FuzzRedactBody(f *testing.F) {
	for _, tt := range redactBodyTests {
		f.Add(tt.in)
	}
	for _, tt := range redactTextTests {
		f.Add(tt.in)
	}
	r := NewRedactor()
	hidden := []string{canary + "-long"}
	body := func(s string) string { return r.body(s, hidden) }
	f.Fuzz(func(t *testing.T, s string) {
		out := body(s)
		if again := body(out); again != out {
			t.Errorf("redacted twice:\n in    %q\n once  %q\n twice %q", s, out, again)
		}
		if json.Valid([]byte(s)) && !json.Valid([]byte(out)) {
			t.Errorf("no longer JSON:\n in  %q\n out %q", s, out)
		}
		if strings.Contains(s, canary[:3]) || strings.Contains(s, "%") {
			t.Skip("the canary may be where nobody expects it")
		}
		for _, in := range []string{
			`{"access_token": "` + canary + `"}`, `{"a":{"Cookie":["x=` + canary + `"]}}`, `"{\"token\":\"` + canary + `\"}"`,
			"X-Auth-Token: " + canary, "<Signature>" + canary + "</Signature>", `<input name="csrf-token" value="` + canary + `">`,
			`<a href="https://h.example/x?a=1&amp;sig=` + canary + `">`, "https://u:" + canary + "@h.example/", canary + "-long",
		} {
			in = s + "\n" + in + "\n" + s
			checkRedacted(t, in, body(in))
		}
	})
}
