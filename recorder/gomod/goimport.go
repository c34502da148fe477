package gomod

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"strings"
)

const (
	// maxImports bounds the meta tags of one page; no page has more than a few.
	maxImports = 64
	// maxImport bounds the content of one: two paths and a URL.
	maxImport = 4 << 10
)

// A GoImport is one <meta name="go-import"> tag of an answer to ?go-get=1.
type GoImport struct {
	Prefix string // import path of the root
	VCS    string // git, hg, …, or mod: Repo is a module proxy then
	Repo   string // URL of the repository, as the page has it
	SubDir string // where the root lies in the repository; "" at its top
}

// ParseGoImports returns the go-import tags of a page, which may have been cut off
// anywhere. It reads what the go command reads (cmd/go/internal/vcs/discovery.go): up to
// the end of the head, HTML as tolerant XML; nothing after what cannot be read.
func ParseGoImports(page []byte) []GoImport {
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict = false
	var imports []GoImport
	for len(imports) < maxImports {
		t, err := d.RawToken()
		if err != nil {
			break
		}
		if end, ok := t.(xml.EndElement); ok && strings.EqualFold(end.Name.Local, "head") {
			break
		}
		e, ok := t.(xml.StartElement)
		switch {
		case !ok:
		case strings.EqualFold(e.Name.Local, "body"):
			return imports
		case strings.EqualFold(e.Name.Local, "meta") && attr(e, "name") == "go-import":
			content := attr(e, "content")
			if f := strings.Fields(content); len(content) <= maxImport && (len(f) == 3 || len(f) == 4) {
				m := GoImport{Prefix: f[0], VCS: f[1], Repo: f[2]}
				if len(f) == 4 {
					m.SubDir = f[3]
				}
				imports = append(imports, m)
			}
		}
	}
	return imports
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}

// RepoName is the Repo that requests for the repository at rawURL have; "" when rawURL
// is no URL of http or https.
func RepoName(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(u.Path) > maxPath {
		return ""
	}
	return repoName(hostOf(u), strings.TrimRight(u.Path, "/"))
}
