package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// maxFrame bounds what a client takes as one frame: 256 exchanges with very large headers.
const maxFrame = 64 << 20

// A Client follows a stream. Call Next in a loop: a client that stops taking batches is
// cut off by the server like any other that is stuck.
type Client struct {
	conn    *websocket.Conn
	session *recorder.Session

	batches chan Batch
	quit    chan struct{}
	ended   chan struct{} // closed after err is set
	err     error
	once    sync.Once
	write   sync.Mutex
}

// Dial follows the viewer at rawURL, the address that modtap printed (its token is
// taken from the query). A since=SEQ in the query resumes after a broken connection.
func Dial(ctx context.Context, rawURL string) (*Client, error) {
	u, header, err := eventsURL(rawURL)
	if err != nil {
		return nil, err
	}
	d := websocket.Dialer{HandshakeTimeout: 10 * time.Second} // no Proxy: the viewer is on this machine
	conn, resp, err := d.DialContext(ctx, u.String(), header)
	if err != nil {
		if resp != nil && resp.StatusCode == http.StatusForbidden {
			return nil, fmt.Errorf("viewer at %s refused the token", u.Host)
		}
		return nil, fmt.Errorf("viewer at %s: %w", u.Host, err)
	}
	conn.SetReadLimit(maxFrame)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var h Hello
	if err := conn.ReadJSON(&h); err != nil {
		conn.Close()
		return nil, fmt.Errorf("viewer at %s: %w", u.Host, err)
	}
	if h.Protocol != Protocol {
		conn.Close()
		return nil, fmt.Errorf("viewer at %s speaks %q, not %s", u.Host, h.Protocol, Protocol)
	}
	c := &Client{
		conn: conn, session: h.Session,
		batches: make(chan Batch), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.read()
	return c, nil
}

// eventsURL turns the page's address into the stream's.
func eventsURL(raw string) (*url.URL, http.Header, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("viewer address: %w", err)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return nil, nil, fmt.Errorf("viewer address %q: not an http or ws URL", u.Redacted())
	}
	q := u.Query()
	header := http.Header{}
	if t := q.Get("token"); t != "" {
		header.Set("Authorization", "Bearer "+t)
	}
	q.Del("token")
	u.Path, u.RawQuery, u.Fragment = "/events", q.Encode(), ""
	return u, header, nil
}

// Session returns what the Hello said of the session; nil when it had not begun, and an
// event brings it.
func (c *Client) Session() *recorder.Session { return c.session }

// Next returns the next batch. It returns io.EOF when the session ended and everything
// was received, another error when the stream broke; ctx ends only this call.
func (c *Client) Next(ctx context.Context) (Batch, error) {
	select {
	case b := <-c.batches:
		return b, nil
	case <-c.ended:
		return Batch{}, c.err
	case <-ctx.Done():
		return Batch{}, ctx.Err()
	}
}

// RequestSnapshot asks for the whole state again, as a Batch with Lost should make you do.
func (c *Client) RequestSnapshot() error {
	c.write.Lock()
	defer c.write.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return c.conn.WriteJSON(ClientMessage{Snapshot: true})
}

// Close leaves the stream.
func (c *Client) Close() error {
	c.once.Do(func() {
		close(c.quit)
		_ = c.conn.WriteControl(websocket.CloseMessage,
			websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(closeWait))
		c.conn.Close()
	})
	<-c.ended
	return nil
}

// read hands batches over until the stream ends.
func (c *Client) read() {
	defer close(c.ended)
	for {
		var b Batch
		if err := c.conn.ReadJSON(&b); err != nil {
			c.err = fmt.Errorf("viewer stream: %w", err)
			if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				c.err = io.EOF
			}
			c.conn.Close()
			return
		}
		select {
		case c.batches <- b:
		case <-c.quit:
			c.err = errors.New("viewer stream: closed")
			return
		}
	}
}
