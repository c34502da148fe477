package main

import (
	"net/http"

	"modtap/viewer/stream"
	"modtap/viewer/web"
)

// page is what the viewer shows in a browser.
func page() http.Handler { return web.Handler() }

// source is the session as the viewers see it.
func (s *session) source() stream.Source {
	return stream.Source{Log: s.log, HAR: func() string { return s.har.path() }}
}
