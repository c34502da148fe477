package intercept

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxRedirects is the go command's own limit (cmd/go/internal/web/http.go).
	maxRedirects = 10
	// maxDrain is how much is read of a body that the client does not get, so that its
	// connection can be used again; net/http reads as much of a redirect's.
	maxDrain = 2 << 10
)

// A follower follows redirects as the go command's own client does, each hop an exchange.
// A go command that followed them itself would leave modtap's sight.
type follower struct {
	c   *call // of the client's request
	tap *Tap

	user     *url.Userinfo // in the URL of the current hop; never in that of a request of ours
	stripped bool          // the credentials of the client's request went no further
}

// RoundTrip returns the last answer. The error, if any, is already recorded.
func (f *follower) RoundTrip(first *http.Request) (*http.Response, error) {
	r, asked, after := first, f.c.asked, (*exchange)(nil)
	var hop *call
	defer func() { f.c.x = hop.x }() // the last one's outcome is the client's
	for hops := 1; ; hops++ {
		hop = &call{asked: asked, w: f.c.w, reverse: &reverseCall{after: after, support: f.c.reverse.support}}
		resp, err := f.tap.RoundTrip(f.withUser(r).WithContext(context.WithValue(r.Context(), callKey{}, hop)))
		if err != nil {
			if hop.x.byUs {
				hop.x.failed = nil
				return answered200(first), nil
			}
			return nil, err
		}
		if hop.x.instead() {
			hop.x.noteByUs()
			drain(resp)
			return answered200(first), nil
		}
		dropHopByHop(resp.Header)
		next, err := f.next(first, r, resp, hops)
		if err != nil {
			hop.x.failed, hop.x.cut = err, err
			f.c.reverse.location = resp.Header.Get("Location")
			drain(resp)
			return nil, err
		}
		if next == nil {
			return resp, nil
		}
		drain(resp)
		r, asked, after = next, time.Now(), hop.x
	}
}

// noteByUs records that the client got another answer.
func (x *exchange) noteByUs() {
	x.byUs = true
	x.rec.Rules = append(x.rec.Rules[:len(x.rec.Rules):len(x.rec.Rules)], supportedByUs)
}

func answered200(r *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Length": {"0"}}, Body: http.NoBody, Request: r,
	}
}

// drain reads a little of a body that nobody wants, and closes it.
func drain(resp *http.Response) {
	if resp.ContentLength <= maxDrain {
		io.CopyN(io.Discard, resp.Body, maxDrain)
	}
	resp.Body.Close()
}

// A redirectError is a redirect that is not followed.
type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

// next returns the request that an answer leads to, or nil. It is what net/http's Client.do
// does, and cmd/go/internal/web's CheckRedirect.
func (f *follower) next(first, r *http.Request, resp *http.Response, hops int) (*http.Request, error) {
	location := resp.Header.Get("Location")
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return nil, nil
	}
	if location == "" {
		return nil, nil
	}
	from := *r.URL
	from.User = f.user // which a relative Location keeps
	to, err := from.Parse(location)
	switch {
	case err != nil:
		return nil, &redirectError{fmt.Sprintf("failed to parse Location header %q: %v", location, err)}
	case first.URL.Scheme == "https" && to.Scheme != "https":
		return nil, &redirectError{fmt.Sprintf("redirected from secure URL %s to insecure URL %s", r.URL, to)}
	case hops >= maxRedirects:
		return nil, &redirectError{fmt.Sprintf("stopped after %d redirects", maxRedirects)}
	case to.Scheme != "https" && to.Scheme != "http":
		return nil, &redirectError{fmt.Sprintf("unsupported protocol scheme %q", to.Scheme)}
	case to.Host == "":
		return nil, &redirectError{"http: no Host in request URL"}
	}
	next := first.Clone(first.Context())
	f.stripped = f.stripped || first.URL.Host != to.Host && !credentialsGo(to.Hostname(), first.URL.Hostname())
	if f.stripped {
		next.Header.Del("Authorization")
		next.Header.Del("Cookie")
	}
	if first.Header.Get("Referer") == "" && (r.URL.Scheme != "https" || to.Scheme != "http") {
		next.Header.Set("Referer", r.URL.String())
	}
	f.user, to.User = to.User, nil
	next.URL, next.Host = to, to.Host
	return next, nil
}

// withUser returns r with the credentials of its URL. They are that hop's alone, as in
// net/http's send.
func (f *follower) withUser(r *http.Request) *http.Request {
	if f.user == nil || r.Header.Get("Authorization") != "" {
		return r
	}
	r = r.Clone(r.Context())
	pass, _ := f.user.Password()
	r.SetBasicAuth(f.user.Username(), pass)
	return r
}

// credentialsGo reports whether credentials for parent may go to host (net/http,
// isDomainOrSubdomain).
func credentialsGo(host, parent string) bool {
	return strings.EqualFold(host, parent) ||
		!strings.ContainsAny(host, ":%") && strings.HasSuffix(strings.ToLower(host), "."+strings.ToLower(parent))
}
