package main

import (
	"net/http"

	"modtap/viewer/web"
)

// page is what the viewer shows in a browser.
func page() http.Handler { return web.Handler() }
