package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"modtap/cmd/internal/child"
	"modtap/viewer/stream"
	"modtap/viewer/web"
)

// page is what the viewer shows in a browser.
func page() http.Handler { return web.Handler() }

// source is the session as the viewers see it.
func (s *session) source() stream.Source {
	src := stream.Source{Log: s.log, HAR: s.har.path, Report: s.reportNow, Title: strings.Join(s.info.Argv, " ")}
	if s.har != nil {
		s.history = s.har.writer.History()
		src.History = s.history
	}
	return src
}

// showPage says where the live view is, and has a browser show it where the user asked for
// that and there is somebody to look.
func (s *session) showPage() {
	if s.viewer == nil {
		return
	}
	address := s.viewer.URL(s.page.Addr().String())
	if s.mode == "run" && s.o.showsPage() { // serve says everything at once
		s.talk("live view: %s", address)
	}
	if s.o.showsPage() && !s.o.noOpen && s.canBrowse() {
		s.shown.show(s.viewer.PageURL(s.page.Addr().String()), func(format string, args ...any) {
			fmt.Fprintf(s.status, "modtap: "+format+"\n", args...)
		})
	}
}

// lingers reports whether the live view is to stay when the command has ended: somebody
// looks at it, and there is a terminal to end it from. A terminal viewer keeps it by itself.
func (s *session) lingers() bool {
	return s.mode == "run" && s.screen == nil && s.term.is && s.getenv("CI") == "" && s.shown.expected(reloadTime)
}

// linger keeps the live view until its last page was closed, or Ctrl-C.
func (s *session) linger(signals *child.Signals) {
	if !s.lingers() {
		return
	}
	ctx, stop := untilSignal(context.Background(), signals)
	defer stop()
	if s.shown.reloaded(ctx, reloadTime) {
		s.talk("the live view stays until you close the page or press Ctrl-C")
		s.shown.closed(ctx, reloadTime, firstPage)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(s.stderr) // behind the ^C of the terminal
	}
}
