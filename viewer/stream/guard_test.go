package stream

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

var guardTests = []struct {
	name   string
	method string
	target string
	header []string
	want   int
}{
	{"page with the token", "GET", "/?token=open-sesame", nil, 303},
	{"page without a token", "GET", "/", nil, 403},
	{"page with a wrong token", "GET", "/?token=open-sesam", nil, 403},
	{"page with an empty token", "GET", "/?token=", nil, 403},
	{"page with the cookie", "GET", "/", []string{"Cookie", "modtap_8081=" + cookieValue}, 200},
	{"another port's cookie", "GET", "/", []string{"Cookie", "modtap_9000=" + cookieValue}, 403},
	{"cookie that holds the token itself", "GET", "/", []string{"Cookie", "modtap_8081=open-sesame"}, 403},
	{"bearer", "GET", "/", []string{"Authorization", "Bearer open-sesame"}, 200},
	{"wrong bearer", "GET", "/", []string{"Authorization", "Bearer x"}, 403},
	{"basic is not bearer", "GET", "/", []string{"Authorization", "Basic open-sesame"}, 403},
	{"file of the page needs no token", "GET", "/main.js", nil, 200},
	{"HEAD of a file", "HEAD", "/main.js", nil, 200},
	{"unknown file", "GET", "/secret", nil, 404},
	{"events without a token", "GET", "/events", nil, 403},
	{"events that is no websocket", "GET", "/events?token=open-sesame", nil, 400},
	{"events since nonsense", "GET", "/events?since=-1&token=open-sesame", nil, 400},
	{"body without a token", "GET", "/api/body/1", nil, 403},
	{"unknown api without a token", "GET", "/api/x", nil, 403},
	{"unknown api", "GET", "/api/x?token=open-sesame", nil, 404},
	{"recording without a token", "GET", "/api/recording.har", nil, 403},
	{"name of the recording without a token", "GET", "/api/recording", nil, 403},
	{"POST", "POST", "/?token=open-sesame", nil, 405},
	{"OPTIONS of a page on another port", "OPTIONS", "/events", []string{"Origin", "http://127.0.0.1:3000"}, 403},

	{"host localhost", "GET", "/main.js", []string{"Host", "localhost:8081"}, 200},
	{"host LOCALHOST", "GET", "/main.js", []string{"Host", "LOCALHOST"}, 200},
	{"host ::1", "GET", "/main.js", []string{"Host", "[::1]:8081"}, 200},
	{"host ::1 without a port", "GET", "/main.js", []string{"Host", "[::1]"}, 200},
	{"another loopback address", "GET", "/main.js", []string{"Host", "127.1.2.3:8081"}, 200},
	{"another port, through a forwarding", "GET", "/main.js", []string{"Host", "127.0.0.1:9999"}, 200},
	{"the address we listen on", "GET", "/main.js", []string{"Host", "192.0.2.7:8081"}, 200},
	{"an address we do not listen on", "GET", "/main.js", []string{"Host", "192.0.2.8:8081"}, 403},
	{"rebound name", "GET", "/main.js", []string{"Host", "evil.test:8081"}, 403},
	{"rebound name with the token", "GET", "/?token=open-sesame", []string{"Host", "evil.test:8081"}, 403},
	{"name that begins like an address", "GET", "/main.js", []string{"Host", "127.0.0.1.evil.test"}, 403},
	{"name under localhost", "GET", "/main.js", []string{"Host", "evil.localhost"}, 403},
	{"no host", "GET", "/main.js", []string{"Host", ""}, 403},
	{"port that is a directive", "GET", "/main.js", []string{"Host", "127.0.0.1:80;script-src"}, 403},
	{"zone", "GET", "/main.js", []string{"Host", "[::1%25lo]:8081"}, 403},

	{"own origin", "GET", "/main.js", []string{"Origin", "http://127.0.0.1:8081"}, 200},
	{"origin of another port", "GET", "/events?token=open-sesame", []string{"Origin", "http://127.0.0.1:3000"}, 403},
	{"origin of another name for us", "GET", "/main.js", []string{"Origin", "http://localhost:8081"}, 403},
	{"origin null", "GET", "/main.js", []string{"Origin", "null"}, 403},
	{"https origin", "GET", "/main.js", []string{"Origin", "https://127.0.0.1:8081"}, 403},
	{"two origins", "GET", "/main.js", []string{"Origin", "http://127.0.0.1:8081", "Origin", "http://evil.test"}, 403},
	{"script of another site", "GET", "/main.js", []string{"Sec-Fetch-Site", "cross-site"}, 403},
	{"body read by another port", "GET", "/api/body/1?token=open-sesame", []string{"Sec-Fetch-Site", "same-site"}, 403},
	{"link from another site", "GET", "/?token=open-sesame", []string{"Sec-Fetch-Site", "cross-site"}, 303},
	{"typed address", "GET", "/?token=open-sesame", []string{"Sec-Fetch-Site", "none"}, 303},
	{"own script", "GET", "/main.js", []string{"Sec-Fetch-Site", "same-origin"}, 200},
}

// cookieValue is the SHA-256 of "open-sesame".
const cookieValue = "d7ecdf25eaf3deba0f2628771dbdd22d4138ab6cf38f91ed02a2ca0dec7c8ab7"

func TestGuard(t *testing.T) {
	s := newServer(t, Config{})
	for _, tt := range guardTests {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(s, tt.method, tt.target, tt.header...)
			if resp.StatusCode != tt.want {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.want)
			}
			for name, values := range resp.Header {
				if name != "Set-Cookie" && strings.Contains(strings.Join(values, " "), token) {
					t.Errorf("%s holds the token: %q", name, values)
				}
			}
		})
	}
}

// The token leaves the address at once, everything else in it stays.
func TestTokenBecomesCookie(t *testing.T) {
	s := newServer(t, Config{})
	resp := get(s, "GET", "/?token=open-sesame&filter=zip")
	if got, want := resp.Header.Get("Location"), "/?filter=zip"; got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
	want := "modtap_8081=" + cookieValue + "; Path=/; HttpOnly; SameSite=Strict"
	if got := resp.Header.Get("Set-Cookie"); got != want {
		t.Errorf("Set-Cookie %q, want %q", got, want)
	}
}

func TestHeaders(t *testing.T) {
	s := newServer(t, Config{})
	resp := get(s, "GET", "/main.js", "Host", "localhost:8081")
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
			"connect-src 'self' ws://localhost:8081; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = resp.Header.Get(name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

var urlTests = []struct{ addr, want string }{
	{"127.0.0.1:8081", "http://127.0.0.1:8081/?token=open-sesame"},
	{"[::1]:8081", "http://[::1]:8081/?token=open-sesame"},
	{"0.0.0.0:8081", "http://127.0.0.1:8081/?token=open-sesame"},
	{"[::]:8081", "http://127.0.0.1:8081/?token=open-sesame"},
	{":8081", "http://127.0.0.1:8081/?token=open-sesame"},
	{"localhost:80", "http://localhost:80/?token=open-sesame"},
}

func TestURL(t *testing.T) {
	s := newServer(t, Config{})
	for _, tt := range urlTests {
		if got := s.URL(tt.addr); got != tt.want {
			t.Errorf("URL(%q) = %q, want %q", tt.addr, got, tt.want)
		}
	}
}

func TestRandomToken(t *testing.T) {
	a := newServer(t, Config{Token: "x"})
	if a.Token() != "x" {
		t.Errorf("token %q, want the given one", a.Token())
	}
	seen := map[string]bool{}
	for range 8 {
		s, err := New(Config{Source: Source{Log: a.sources[""].Log}})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Token()) < 26 || seen[s.Token()] { // 26 letters of base 32: 130 bits
			t.Errorf("token %q is short or repeats", s.Token())
		}
		seen[s.Token()] = true
	}
}

func TestNoLog(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("New without a log: no error")
	}
}

func TestNoPage(t *testing.T) {
	s, err := New(Config{Source: Source{Log: recorder.NewLog()}, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	if got := get(s, http.MethodGet, "/", "Authorization", "Bearer "+token).StatusCode; got != 404 {
		t.Errorf("status %d, want 404", got)
	}
}

// A ticket is good once, for the page alone, and for two minutes.
func TestTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{Source: Source{Log: recorder.NewLog()}, Token: token, Page: http.NotFoundHandler()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.stop()
		target := func() string {
			u := s.PageURL("127.0.0.1:8081")
			if !strings.HasPrefix(u, "http://127.0.0.1:8081/?ticket=") || strings.Contains(u, token) {
				t.Errorf("address %s", u)
			}
			return strings.TrimPrefix(u, "http://127.0.0.1:8081")
		}
		used, unused := target(), target()
		for _, tt := range []struct {
			name, method, target string
			header               []string
			want                 int
		}{
			{"no ticket", "GET", "/?ticket=", nil, 403},
			{"a wrong one", "GET", "/?ticket=open-sesame", nil, 403},
			{"the API", "GET", "/api/recording" + used[1:], nil, 403},
			{"the stream", "GET", "/events" + used[1:], nil, 403},
			{"HEAD", "HEAD", used, nil, 403},
			{"another host", "GET", used, []string{"Host", "evil.test"}, 403},
			{"the page", "GET", used + "&filter=zip", nil, 303},
			{"again", "GET", used, nil, 403},
			{"again, by who was let in", "GET", used, []string{"Cookie", "modtap_8081=" + cookieValue}, 303},
			{"asked for by a stranger", "GET", "/api/ticket", nil, 403},
		} {
			resp := get(s, tt.method, tt.target, tt.header...)
			if resp.StatusCode != tt.want {
				t.Errorf("%s: status %d, want %d", tt.name, resp.StatusCode, tt.want)
			}
			if to := resp.Header.Get("Location"); strings.Contains(to, "ticket") {
				t.Errorf("%s: the ticket stays in %s", tt.name, to)
			}
		}
		time.Sleep(ticketTime)
		if got := get(s, "GET", unused).StatusCode; got != 403 {
			t.Errorf("after %v: status %d", ticketTime, got)
		}
		s.PageURL("127.0.0.1:8081")
		if n := len(s.tickets.open); n != 1 {
			t.Errorf("%d tickets are kept", n)
		}
	})
}

// A client asks for a ticket, and keeps what else is in its address.
func TestClientTicket(t *testing.T) {
	s, addr := start(t, Config{Source: Source{Log: recorder.NewLog()}, Page: http.NotFoundHandler()})
	c, err := Dial(t.Context(), s.URL(addr)+"&filter=zip")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	page, err := c.PageURL(t.Context())
	if err != nil || strings.Contains(page, token) {
		t.Fatal(page, err)
	}
	u, err := url.Parse(page)
	if err != nil || u.Host != addr || u.Query().Get("filter") != "zip" {
		t.Fatal(page, err)
	}
	if resp := get(s, "GET", u.RequestURI()); resp.StatusCode != 303 || resp.Header.Get("Location") != "/?filter=zip" {
		t.Errorf("%d, to %s", resp.StatusCode, resp.Header.Get("Location"))
	}
}
