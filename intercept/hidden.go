package intercept

import (
	"net/http"
	"strings"

	"modtap/recorder"
)

// hidden is what was redacted from the headers and the URL of this exchange: a server
// that echoes it in the body must not undo that.
func (b *body) hidden() []string {
	r := b.x.p.c.Redactor
	var known []string
	add := func(recorded []recorder.Header, raw http.Header) {
		for _, h := range recorded {
			if !strings.Contains(h.Value, recorder.Redacted) {
				continue
			}
			for _, v := range raw[h.Name] {
				known = recorder.Hidden(known, v, r.Header(h.Name, v))
			}
		}
	}
	x := b.x
	add(x.rec.Response.Header, b.resp.Header)
	if sent := b.resp.Request; sent != nil {
		add(x.rec.Request.Header, sent.Header)
		if v := sent.Header.Get("Authorization"); v != "" { // of a rule, which the client did not send
			known = recorder.Hidden(known, v, r.Header("Authorization", v))
		}
	}
	if asked := x.asked; strings.Contains(x.rec.URL, recorder.Redacted) {
		known = recorder.Hidden(known, asked, x.rec.URL)
	}
	return known
}
