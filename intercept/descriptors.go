package intercept

import "modtap/intercept/upstream"

// noticeLimit tells the user when err is about a limit that only they can raise. Traffic
// goes on meanwhile: net/http accepts again after a while, and a dial that failed is a
// record like any other.
func (p *Proxy) noticeLimit(err error) {
	if p.c.OutOfFiles != nil && upstream.OutOfFiles(err) {
		p.c.OutOfFiles(err)
	}
}
