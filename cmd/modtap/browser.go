package main

import (
	"context"
	"runtime"
	"time"

	"modtap/viewer/stream"
)

const (
	// firstPage is how long a browser that was asked to may take to show the page. chosen:
	// one that is not running yet takes seconds.
	firstPage = 15 * time.Second
	// reloadTime is how long a page may be gone without having been closed. chosen: it reloads
	// in well under a second.
	reloadTime = 3 * time.Second
	// viewReload is that of modtap view, which nothing waits for.
	viewReload = 10 * time.Second
)

// canBrowse reports whether there is somebody to show a page to: a terminal, no CI, and a
// display as far as that can be told.
func (a *app) canBrowse() bool {
	if t := a.terminal(); !t.is || a.getenv("CI") != "" {
		return false
	}
	switch runtime.GOOS {
	case "windows", "darwin":
		return true
	}
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"} {
		if a.getenv(name) != "" {
			return true
		}
	}
	return false
}

// browse has the user's browser show url, beside whatever else goes on. The channel yields
// one value: nil, or why it cannot. A browser that is started by this may yield it only when
// it is closed.
func browse(url string) <-chan error {
	result := make(chan error, 1)
	go func() { result <- openURL(url) }()
	return result
}

// A shown is a page that people look at. Without a server it is none.
type shown struct {
	server *stream.Server
	asked  bool          // a browser was asked to show it
	failed chan struct{} // closed when that browser could not
}

// show has the browser show the page at url. tell hears why it cannot.
func (p *shown) show(url string, tell func(format string, args ...any)) {
	p.asked, p.failed = true, make(chan struct{})
	go func() {
		if err := <-browse(url); err != nil {
			close(p.failed)
			tell("cannot open a browser: %v; open the address yourself", err)
		}
	}()
}

// expected reports whether a page is open, or will be: one that has been gone for less than
// grace may be reloading.
func (p *shown) expected(grace time.Duration) bool {
	if p.server == nil {
		return false
	}
	open, ever, _ := p.server.Pages()
	switch {
	case open > 0:
		return true
	case ever > 0:
		return time.Since(p.server.PagesLeft()) < grace
	case !p.asked:
		return false
	}
	select {
	case <-p.failed:
		return false
	default:
		return true
	}
}

// reloaded waits until a page that has gone is there again, and reports false when it stays
// away for grace, or ctx ends. With a page, or before the first one, there is nothing to wait for.
func (p *shown) reloaded(ctx context.Context, grace time.Duration) bool {
	for {
		open, ever, changed := p.server.Pages()
		if open > 0 || ever == 0 {
			return true
		}
		timer := time.NewTimer(grace - time.Since(p.server.PagesLeft()))
		select {
		case <-changed:
			timer.Stop()
		case <-timer.C:
			open, _, _ = p.server.Pages() // at the last moment
			return open > 0
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// closed waits until no page has been open for grace, or ctx ends. For the first one it waits
// as long as first, and no longer when the browser cannot be opened; 0: as long as it takes.
func (p *shown) closed(ctx context.Context, grace, first time.Duration) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	failed := p.failed
	if first == 0 {
		timer.Stop()
		failed = nil
	}
	for {
		open, ever, changed := p.server.Pages()
		switch {
		case open > 0:
			timer.Stop()
		case ever > 0:
			timer.Reset(grace)
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-failed:
			if ever == 0 {
				return
			}
			failed = nil
		case <-ctx.Done():
			return
		}
	}
}
