package intercept

import (
	"errors"
	"strings"
	"syscall"
)

// outOfFiles reports whether err says that this process, or the machine, can open no more
// files. A net.DNSError has only the text of what was under it.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		err != nil && strings.Contains(err.Error(), syscall.EMFILE.Error())
}

// noticeLimit tells the user when err is about a limit that only they can raise. Traffic
// goes on meanwhile: net/http accepts again after a while, and a dial that failed is a
// record like any other.
func (p *Proxy) noticeLimit(err error) {
	if p.c.OutOfFiles != nil && outOfFiles(err) {
		p.c.OutOfFiles(err)
	}
}
