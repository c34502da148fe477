package intercept

import (
	"net/http"
	"sync"
	"time"

	"modtap/recorder/gomod"
)

const (
	// historySize bounds what is remembered of redirects and refusals.
	historySize = 512
	// maxKey bounds a method and URL that are remembered: a server may send a Location of
	// megabytes, and what storage hosts sign is 2 KB.
	maxKey = 16 << 10
	// twinWithin is how soon the repeat of a 4xx follows its first: the go command sends
	// it at once (cmd/go/internal/web/http.go, go 1.24 and later), a GOAUTH helper aside.
	twinWithin = 5 * time.Second
	// followWithin is how soon a redirect is followed: at once, but the request is asked
	// when a connection to its host is open, for which a client may wait 30 s or twice.
	followWithin = time.Minute
)

// A history remembers answers that lead to further requests: where redirects point, and
// which URLs were refused, because the go command sends each 4xx over https twice.
type history struct {
	mu   sync.Mutex
	next map[string]lead // by method and URL, unredacted: it never leaves memory
	keys []string        // in the order of adding
}

// A lead is the exchange that made another one happen.
type lead struct {
	id       uint64
	at       time.Time
	redirect bool
	means    gomod.Request
}

func (h *history) add(key string, l lead) {
	if len(key) > maxKey {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == nil {
		h.next = map[string]lead{}
	}
	if _, ok := h.next[key]; !ok {
		h.keys = append(h.keys, key)
	}
	h.next[key] = l
	if len(h.keys) > historySize {
		delete(h.next, h.keys[0])
		h.keys = h.keys[1:]
	}
}

// take returns what led to the request with that key. A refusal leads to one repeat only.
func (h *history) take(keyOf func() string, now time.Time) (lead, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.next) == 0 {
		return lead{}, false
	}
	key := keyOf()
	l, ok := h.next[key]
	if !ok {
		return lead{}, false
	}
	within := followWithin
	if !l.redirect {
		within = twinWithin
		delete(h.next, key)
		for i, k := range h.keys {
			if k == key {
				h.keys = append(h.keys[:i:i], h.keys[i+1:]...)
				break
			}
		}
	}
	return l, now.Sub(l.at) <= within
}

// link finds the exchange that led to r, and with it the meaning of a redirected zip.
func (p *Proxy) link(x *exchange) {
	l, ok := p.leadTo(x)
	if !ok {
		return
	}
	x.rec.Parent = l.id
	if l.redirect && l.means.Kind == gomod.GitInfoRefs && x.rec.Go.Kind == gomod.GitInfoRefs {
		p.repos.moved(l.means.Repo, x.rec.Go.Repo)
	}
	if l.redirect && l.means.Kind == gomod.GoGet && x.rec.Go.Kind == gomod.GoGet {
		x.rec.Go.Module = l.means.Module // the import path is not that of the new URL
	}
	if l.redirect && (x.rec.Go.Kind == gomod.Other || x.rec.Go.Kind == "") && l.means.Module != "" {
		x.rec.Go = l.means
		if l.means.Kind == gomod.Zip {
			x.rec.Go.Kind = gomod.StorageZip
		}
	}
}

// leadTo returns what led to x: the redirect that we followed ourselves, or what is
// remembered.
func (p *Proxy) leadTo(x *exchange) (lead, bool) {
	if r := x.call.reverse; r != nil {
		if r.after == nil {
			return lead{}, false
		}
		return lead{id: r.after.rec.ID, redirect: true, means: r.after.rec.Go}, true
	}
	return p.history.take(x.key, x.call.asked)
}

// redirected remembers where an answer leads. In reverse mode it leads the client nowhere.
func (p *Proxy) redirected(x *exchange, resp *http.Response) {
	if x.call.reverse != nil {
		return
	}
	l := lead{id: x.rec.ID, at: time.Now(), means: x.rec.Go}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		if to, err := resp.Location(); err == nil {
			l.redirect = true
			p.history.add(http.MethodGet+" "+to.String(), l)
		}
	case resp.StatusCode >= 400 && resp.StatusCode < 500 && x.rec.Parent == 0 && x.call.tunnel != nil:
		p.history.add(x.key(), l)
	}
}
