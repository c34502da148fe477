package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"modtap/recorder"
)

// maxAnswer bounds what a client takes as one answer of the API.
const maxAnswer = 256 << 20

// An api is where a viewer is, and how to ask it.
type api struct {
	base   url.URL // http or https, without a path
	header http.Header
	query  url.Values // of the stream: since, recording
	client *http.Client
}

// newAPI takes the page's address apart.
func newAPI(raw string) (api, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return api{}, fmt.Errorf("viewer address: %w", err)
	}
	a := api{header: http.Header{}, query: u.Query(), client: &http.Client{
		Transport: &http.Transport{}, // without Proxy: the viewer is on this machine
		// Nothing of ours redirects, and the token is not for anybody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	switch u.Scheme {
	case "http", "ws":
		a.base.Scheme = "http"
	case "https", "wss":
		a.base.Scheme = "https"
	default:
		return api{}, fmt.Errorf("viewer address %q: not an http or ws URL", withoutQuery(u))
	}
	a.base.Host = u.Host
	if t := a.query.Get("token"); t != "" {
		a.header.Set("Authorization", "Bearer "+t)
	}
	a.query.Del("token")
	return a, nil
}

// withoutQuery is u to be printed: the token is in its query.
func withoutQuery(u *url.URL) string {
	v := *u
	v.RawQuery, v.Fragment = "", ""
	return v.Redacted()
}

// events is the address of the stream.
func (a api) events(o DialOptions) *url.URL {
	u := a.base
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	q := url.Values{}
	for _, name := range []string{"since", "recording"} {
		if v := a.query.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	if o.Brief {
		q.Set("brief", "1")
	}
	u.Path, u.RawQuery = "/events", q.Encode()
	return &u
}

// get asks the API; the answer is nil when it is that there is none (204). The error is
// fs.ErrNotExist when what was asked for is not there.
func (a api) get(ctx context.Context, path string, q url.Values) ([]byte, error) {
	u := a.base
	if id := a.query.Get("recording"); id != "" {
		q.Set("recording", id)
	}
	u.Path, u.RawQuery = path, q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("viewer at %s: %w", u.Host, err)
	}
	r.Header = a.header.Clone()
	resp, err := a.client.Do(r)
	if err != nil {
		return nil, unreachable(u.Host, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		return nil, nil
	default:
		return nil, statusError(u.Host, resp)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("viewer at %s: %s: %w", u.Host, path, err)
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("viewer at %s: %s: more than %d MiB: download the recording instead", u.Host, path, maxAnswer>>20)
	}
	return text, nil
}

// unreachable is a viewer that did not answer.
func unreachable(host string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		if op.Op == "dial" {
			return fmt.Errorf("viewer at %s: %w: is modtap still running there?", host, op)
		}
		err = op
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("viewer at %s: %w", host, err)
}

// statusError is an answer that is none: what it says, and what to do.
func statusError(host string, resp *http.Response) error {
	if resp.StatusCode == http.StatusForbidden {
		return fmt.Errorf("viewer at %s refused the token: give the whole address that modtap printed, in quotes", host)
	}
	var a struct {
		Error string `json:"error"`
	}
	_ = json.NewDecoder(io.LimitReader(resp.Body, maxMessage)).Decode(&a) // what else answers there says nothing that we know
	if a.Error == "" {
		return fmt.Errorf("viewer at %s: %s: is it modtap that listens there?", host, resp.Status)
	}
	if resp.StatusCode == http.StatusNotFound {
		return fmt.Errorf("viewer at %s: %s: %w", host, a.Error, fs.ErrNotExist)
	}
	return fmt.Errorf("viewer at %s: %s", host, a.Error)
}

// Exchange asks for one exchange, whole but for its bodies. The error is fs.ErrNotExist when
// the recording does not have it.
func (c *Client) Exchange(ctx context.Context, id uint64) (*recorder.Exchange, error) {
	text, err := c.api.get(ctx, "/api/exchange/"+strconv.FormatUint(id, 10), url.Values{})
	if err != nil {
		return nil, err
	}
	x := new(recorder.Exchange)
	if err := json.Unmarshal(text, x); err != nil {
		return nil, fmt.Errorf("viewer at %s: exchange %d: %w", c.api.base.Host, id, err)
	}
	return x, nil
}

// Exchanges asks for up to n exchanges (the viewer gives 2,000 at most) whose id is at least
// from, without headers, and for the id to go on from; 0: there are no more.
func (c *Client) Exchanges(ctx context.Context, from uint64, n int) ([]*recorder.Exchange, uint64, error) {
	text, err := c.api.get(ctx, "/api/exchanges", url.Values{
		"from": {strconv.FormatUint(from, 10)}, "n": {strconv.Itoa(n)},
	})
	if err != nil {
		return nil, 0, err
	}
	var p Page
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, 0, fmt.Errorf("viewer at %s: exchanges from %d: %w", c.api.base.Host, from, err)
	}
	return p.Exchanges, p.Next, nil
}

// Conns asks for up to n connections (the viewer gives 2,000 at most) whose id is at least
// from, those that the stream no longer brings too, and for the id to go on from; 0: there
// are no more.
func (c *Client) Conns(ctx context.Context, from uint64, n int) ([]*recorder.Conn, uint64, error) {
	text, err := c.api.get(ctx, "/api/conns", url.Values{
		"from": {strconv.FormatUint(from, 10)}, "n": {strconv.Itoa(n)},
	})
	if err != nil {
		return nil, 0, err
	}
	var p Page
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, 0, fmt.Errorf("viewer at %s: connections from %d: %w", c.api.base.Host, from, err)
	}
	return p.Conns, p.Next, nil
}

// Files asks what is in the zip that an exchange brought. The error is fs.ErrNotExist when
// it was not kept.
func (c *Client) Files(ctx context.Context, id uint64) (*Listing, error) {
	text, err := c.api.get(ctx, "/api/body/"+strconv.FormatUint(id, 10), url.Values{"as": {"zip"}})
	if err != nil {
		return nil, err
	}
	l := new(Listing)
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("viewer at %s: files of %d: %w", c.api.base.Host, id, err)
	}
	return l, nil
}

// PageURL is the address of the page to be given to a program that opens a browser: see
// [Server.PageURL].
func (c *Client) PageURL(ctx context.Context) (string, error) {
	text, err := c.api.get(ctx, "/api/ticket", url.Values{})
	if err != nil {
		return "", err
	}
	var a struct{ Ticket string }
	if err := json.Unmarshal(text, &a); err != nil {
		return "", fmt.Errorf("viewer at %s: ticket: %w", c.api.base.Host, err)
	}
	u, q := c.api.base, maps.Clone(c.api.query)
	q.Set("ticket", a.Ticket)
	u.Path, u.RawQuery = "/", q.Encode()
	return u.String(), nil
}

// Report asks for the diagnosis so far, as modtap.report/1; nil when there is none yet.
func (c *Client) Report(ctx context.Context) ([]byte, error) {
	return c.api.get(ctx, "/api/report", url.Values{})
}

// Body asks for a kept body, the response's or the request's. The error is fs.ErrNotExist
// when it was not kept.
func (c *Client) Body(ctx context.Context, id uint64, request bool) ([]byte, error) {
	q := url.Values{}
	if request {
		q.Set("of", "request")
	}
	return c.api.get(ctx, "/api/body/"+strconv.FormatUint(id, 10), q)
}
