package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	skew    time.Duration
	api     api

	batches chan Batch
	quit    chan struct{}
	ended   chan struct{} // closed after err is set
	err     error
	once    sync.Once
	write   sync.Mutex
}

// DialOptions are what a Client may ask of a stream; the zero value is everything.
type DialOptions struct {
	Brief bool // exchanges without headers and trailers; [Client.Exchange] has them
}

// Dial follows the viewer at rawURL, the address that modtap printed (its token is
// taken from the query). A since=SEQ in the query resumes after a broken connection, and
// recording=ID follows a recording that was dropped on the page.
func Dial(ctx context.Context, rawURL string) (*Client, error) {
	return DialWith(ctx, rawURL, DialOptions{})
}

// DialWith is Dial with options.
func DialWith(ctx context.Context, rawURL string, o DialOptions) (*Client, error) {
	a, err := newAPI(rawURL)
	if err != nil {
		return nil, err
	}
	u := a.events(o)
	d := websocket.Dialer{HandshakeTimeout: 10 * time.Second} // no Proxy: the viewer is on this machine
	conn, resp, err := d.DialContext(ctx, u.String(), a.header)
	if err != nil {
		return nil, dialError(u.Host, resp, err)
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
		return nil, fmt.Errorf("viewer at %s speaks %q, not %s: use the modtap that runs there", u.Host, h.Protocol, Protocol)
	}
	c := &Client{
		conn: conn, session: h.Session, skew: skewOf(h.Now, time.Now()), api: a,
		batches: make(chan Batch), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.read()
	return c, nil
}

// dialError says what to do about a stream that did not open.
func dialError(host string, resp *http.Response, err error) error {
	if resp != nil {
		defer resp.Body.Close()
		return statusError(host, resp)
	}
	return unreachable(host, err)
}

// Session returns what the Hello said of the session; nil when it had not begun, and an
// event brings it.
func (c *Client) Session() *recorder.Session { return c.session }

// Skew is how far the server's clock was ahead of this machine's when the Hello came, less the
// time that the Hello took. It is 0 for a server that does not tell its time.
func (c *Client) Skew() time.Duration { return c.skew }

// skewOf compares the wall clocks: the monotonic one of here says nothing of there.
func skewOf(there, here time.Time) time.Duration {
	if there.IsZero() {
		return 0
	}
	return there.Sub(here.Round(0))
}

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
		c.api.client.CloseIdleConnections()
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
