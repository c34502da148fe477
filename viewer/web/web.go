// Package web is the browser page: a live waterfall of a session, made of plain ES
// modules and one style sheet that are embedded as they are.
//
// What must never happen here: a build step, a file from another host, an inline script
// or style (the page runs under a strict Content-Security-Policy), and a recorded byte
// that reaches the document as anything but text.
package web

import (
	"embed"
	"net/http"
	"path"
	"strconv"
)

//go:embed static/*.html static/*.js static/*.css static/*.svg static/vendor/*.mjs static/vendor/*.json static/vendor/licenses/*.txt
var files embed.FS

// types are the media types of the page's files. The ones the operating system knows are
// not asked: a Windows registry may call a script text/plain, and then it would not run.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".json": "application/json",
	".txt":  "text/plain; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Handler serves the page at "/" and its files beside it. None of them holds data of a
// session; the page gets that from /events and /api/ of the same origin.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path
		if name == "/" {
			name = "/index.html"
		}
		text, err := files.ReadFile("static" + path.Clean(name))
		if err != nil || path.Clean(name) != name {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", types[path.Ext(name)])
		h.Set("Content-Length", strconv.Itoa(len(text)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(text) // the client's loss
		}
	})
}
