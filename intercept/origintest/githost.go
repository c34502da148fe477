package origintest

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// smartPath reports whether a path is one of git's smart HTTP protocol.
func smartPath(p string) bool {
	return strings.HasSuffix(p, "/info/refs") || strings.HasSuffix(p, "/git-upload-pack")
}

// serveGit answers what is for a repository, through git's own HTTP server. It reports
// whether it did.
func (o *Origin) serveGit(x *exchange) bool {
	g := o.c.Git
	if g == nil || hostname(x.r) != GitHost && !slices.Contains(o.c.Names, hostname(x.r)) || !smartPath(x.r.URL.Path) {
		return false
	}
	if repo := g.at(x.r.URL.Path); repo != nil && repo.User != "" {
		if user, pass, ok := x.r.BasicAuth(); !ok || user+":"+pass != repo.User {
			x.Header().Set("WWW-Authenticate", `Basic realm="`+repo.Name+`"`)
			x.send(textAnswer(http.StatusUnauthorized, "who are you?\n"))
			return true
		}
	}
	r := x.r.Clone(x.r.Context())
	r.TransferEncoding = nil // net/http/cgi refuses chunked bodies, which git reads to their end
	h := cgi.Handler{
		Path: g.backend, Dir: g.dir, Logger: log.New(io.Discard, "", 0), Stderr: io.Discard,
		Env: append(gitEnv(), "GIT_PROJECT_ROOT="+filepath.ToSlash(g.dir), "GIT_HTTP_EXPORT_ALL=1"),
	}
	h.ServeHTTP(x, r)
	return true
}

// at returns the repository that a path is in.
func (g *GitRepos) at(p string) *GitRepo {
	for i := range g.repos {
		if strings.HasPrefix(p, "/"+g.repos[i].Name+"/") {
			return &g.repos[i]
		}
	}
	return nil
}

// goImportGit answers ?go-get=1 for an import path in a repository; ok is false where there
// is none.
func (o *Origin) goImportGit(r *http.Request) (a answer, ok bool) {
	if o.c.Git == nil {
		return answer{}, false
	}
	path := hostname(r) + strings.TrimSuffix(r.URL.Path, "/")
	for _, repo := range o.c.Git.repos {
		if path != repo.Module && !strings.HasPrefix(path, repo.Module+"/") {
			continue
		}
		// Without a port: import paths have none either.
		at := url.URL{Scheme: "https", Host: GitHost, Path: "/" + repo.Name}
		a = textAnswer(http.StatusOK, fmt.Sprintf("<!DOCTYPE html>\n<meta name=\"go-import\" content=\"%s git %s %s\">\n", repo.Module, at.String(), repo.SubDir))
		a.header.Set("Content-Type", "text/html; charset=utf-8")
		return a, true
	}
	return notFound(path), hostname(r) == GitHost
}
