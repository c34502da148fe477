package stream

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/rs/zerolog"
)

// handler is every route. The page's own files hold no data and need no token; the rest
// does, "/" included, so that a stranger does not even learn what listens here.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.servePage)
	mux.Handle("/api/ticket", s.withToken(s.serveTicket))
	mux.Handle("/api/presence", s.withToken(s.servePresence))
	mux.Handle("/api/", s.withToken(http.NotFound))
	mux.Handle(addPath, s.withToken(s.serveAdd))
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request, *source){
		"/events":            s.serveEvents,
		"/api/exchange/{id}": s.serveExchange,
		"/api/exchanges":     s.serveExchanges,
		"/api/conns":         s.serveConns,
		"/api/body/{id}":     s.serveBody,
		"/api/report":        s.serveReport,
		"/api/recording":     s.serveRecording,
		"/api/recording.har": s.serveHAR,
	} {
		mux.Handle(path, s.withToken(s.withSource(serve)))
	}
	mux.Handle("/", s.page)
	return s.guard(mux)
}

// guard refuses what no client of ours would send: a Host that is a name on the
// internet (DNS rebinding), another origin's page, a method that is not for reading.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !knownHost(r) {
			forbid(w)
			return
		}
		setHeaders(w.Header(), r.Host)
		if !sameOrigin(r) {
			forbid(w)
			return
		}
		if r.URL.Path == addPath {
			guardPost(w, r, next)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// guardPost lets a POST through that only our own page can make: browsers always say where
// one comes from, and sameOrigin has looked at what they say.
func guardPost(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Origin") == "" {
		forbid(w)
		return
	}
	next.ServeHTTP(w, r)
}

// forbid says no, and not why.
func forbid(w http.ResponseWriter) {
	http.Error(w, "forbidden", http.StatusForbidden)
}

// setHeaders lets the page load its own files, talk to this server, and nothing else.
// host has passed knownHost, so it cannot smuggle a directive in.
func setHeaders(h http.Header, host string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"connect-src 'self' ws://"+host+"; img-src 'self' data:; base-uri 'none'; "+
		"frame-ancestors 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// knownHost reports whether the Host header is a loopback name or address, or the
// address that the client connected to. A page that rebinds its DNS name to us sends
// that name here; it cannot make a browser send an address.
func knownHost(r *http.Request) bool {
	host := r.Host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return false
		}
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return false
	}
	if ip.Unmap().IsLoopback() {
		return true
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap().WithZone("") == ip.Unmap()
}

// sameOrigin reports whether the request was made by our own page or by no page at all.
// Following a link to "/" from elsewhere is fine: without its token it shows nothing.
func sameOrigin(r *http.Request) bool {
	if o := r.Header.Values("Origin"); len(o) > 0 {
		if len(o) > 1 || !strings.EqualFold(o[0], "http://"+r.Host) {
			return false
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site": // another port of this host is "same-site"
		return r.URL.Path == "/"
	}
	return true
}

// withToken lets a request through that knows the token: in the cookie the page was
// given, as a bearer, or in the query.
func (s *Server) withToken(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.knowsToken(r) {
			forbid(w)
			return
		}
		next(w, r)
	})
}

func (s *Server) knowsToken(r *http.Request) bool {
	if s.isToken(r.URL.Query().Get("token")) {
		return true
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && s.isToken(bearer) {
		return true
	}
	for _, c := range r.CookiesNamed(cookieName(r.Host)) {
		if same(c.Value, s.cookie()) {
			return true
		}
	}
	return false
}

func (s *Server) isToken(v string) bool { return same(v, s.token) }

// same compares without telling by its time where two secrets differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// cookie is what the page's cookie holds: a hash, because a token that the caller chose
// may have characters that a cookie cannot.
func (s *Server) cookie() string {
	sum := sha256.Sum256([]byte(s.token))
	return hex.EncodeToString(sum[:])
}

// cookieName has the port in it, because cookies are shared by all ports of a host and
// two viewers may run side by side.
func cookieName(host string) string {
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		port = "80"
	}
	return "modtap_" + port
}

// newErrorLog gives net/http's complaints to logger.
func newErrorLog(logger zerolog.Logger) *log.Logger {
	return log.New(errorWriter{logger}, "", 0)
}

type errorWriter struct{ logger zerolog.Logger }

func (w errorWriter) Write(p []byte) (int, error) {
	w.logger.Debug().Msg(strings.TrimSpace(string(p)))
	return len(p), nil
}
