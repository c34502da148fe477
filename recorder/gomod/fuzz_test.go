package gomod

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

// FuzzClassify checks what every reader relies on: a module or version that is set is one
// the go command could have meant, and writing it as the go command does yields the same
// classification.
func FuzzClassify(f *testing.F) {
	for _, cases := range [][]classifyCase{proxyCases, otherCases, sumdbCases} {
		for _, tt := range cases {
			f.Add("GET", tt.url, "", testProxies, testSumdb)
		}
	}
	for _, tt := range methodCases {
		f.Add(tt.method, tt.url, tt.referer, "", "")
	}
	f.Fuzz(func(t *testing.T, method, rawURL, referer, goproxy, gosumdb string) {
		c := NewClassifier(goproxy, gosumdb)
		u, err := url.Parse(rawURL)
		if err != nil {
			u = &url.URL{Scheme: "https", Host: "proxy.golang.org", Path: rawURL}
		}
		r := c.Classify(method, u, referer)
		if again := c.Classify(method, u, referer); again != r {
			t.Fatalf("%q: first %+v, then %+v", rawURL, r, again)
		}
		checkSecrets(t, c, method, u, referer, r)
		checkValid(t, rawURL, r)
		checkRewritten(t, rawURL, r)
	})
}

// checkSecrets: credentials change nothing of what a request means, and neither they nor
// a parameter get into it, for all of it is recorded.
func checkSecrets(t *testing.T, c *Classifier, method string, u *url.URL, referer string, r Request) {
	t.Helper()
	const secret = "CaNaRy7"
	with := *u
	with.User = url.UserPassword("user", secret)
	if got := c.Classify(method, &with, referer); got != r {
		t.Errorf("%q: %+v, and with credentials %+v", u, r, got)
	}
	with.RawQuery += "&token=" + secret
	if got := c.Classify(method, &with, ""); strings.Contains(fmt.Sprint(got, got.String()), secret) {
		t.Errorf("%q: the secret is in %+v", &with, got)
	}
}

func checkValid(t *testing.T, rawURL string, r Request) {
	t.Helper()
	if r.Kind == "" || r.Kind == RepoProbe {
		t.Errorf("%q: kind %q", rawURL, r.Kind)
	}
	if r.Version != "" && (r.Module == "" || module.CheckFilePath(r.Version) != nil || strings.Contains(r.Version, "/")) {
		t.Errorf("%q: impossible version in %+v", rawURL, r)
	}
	switch {
	case r.Module == "":
	case r.Kind == GoGet:
		if err := module.CheckImportPath(r.Module); err != nil {
			t.Errorf("%q: %v", rawURL, err)
		}
	default:
		if err := module.CheckPath(r.Module); err != nil {
			t.Errorf("%q: %v", rawURL, err)
		}
	}
	if r.Kind == Other && r != (Request{Kind: Other}) {
		t.Errorf("%q: other, and yet %+v", rawURL, r)
	}
	for _, s := range append(strings.Fields(r.Extra), r.Repo) {
		if s != "" && !plainName(s) {
			t.Errorf("%q: %q does not print", rawURL, s)
		}
	}
	if strings.Count(r.Extra, " ") > 1 {
		t.Errorf("%q: Extra of %+v has more than two parts", rawURL, r)
	}
	if r.Kind == SumdbTile && strings.Count(r.Extra, " ") != 1 {
		t.Errorf("%q: tile in %+v cannot be taken apart", rawURL, r)
	}
}

// checkRewritten asks for the same file at the public proxy, in both wire forms.
func checkRewritten(t *testing.T, rawURL string, r Request) {
	t.Helper()
	ext, ok := map[Kind]string{List: "list", Info: "info", Mod: "mod", Zip: "zip"}[r.Kind]
	mod, err := module.EscapePath(r.Module)
	if !ok || err != nil {
		return
	}
	path := mod + "/@v/list"
	if r.Version != "" {
		v, err := module.EscapeVersion(r.Version)
		if err != nil {
			return // typed by hand
		}
		path = mod + "/@v/" + v + "." + ext
	}
	for _, raw := range []string{path, strings.ReplaceAll(path, "!", "%21")} {
		u := &url.URL{Scheme: "https", Host: "proxy.golang.org", Path: "/" + path, RawPath: "/" + raw}
		if again := NewClassifier("", "").Classify("GET", u, ""); again != r {
			t.Errorf("%q is %+v, but %s is %+v", rawURL, r, u, again)
		}
	}
}
