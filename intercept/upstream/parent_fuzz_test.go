package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzParentAnswer: whatever a parent proxy answers to CONNECT, the dial ends, its error
// has none of the credentials, and after a 200 no byte of the tunnel is lost.
func FuzzParentAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n220 early bytes\r\n", "HTTP/1.0 200 Connection established\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", "HTTP/1.1 503 \r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "SSH-2.0-x\r\n", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\nX", "\x16\x03\x01\x00\x05hello", "HTTP/1.1 999999 x\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	parent := &url.URL{Scheme: "http", Host: "parent.test", User: url.UserPassword("me", "CaNaRy7")}
	f.Fuzz(func(t *testing.T, answer []byte) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		served := make(chan struct{})
		go func() {
			defer close(served)
			buf := make([]byte, 4096)
			theirs.Read(buf) // the CONNECT, in one write
			theirs.Write(answer)
			theirs.Close()
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		c, err := connect(ctx, ours, parent, "h.test:443")
		if err != nil {
			ours.Close()
			var refused *ParentError
			if errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "CaNaRy7") && !strings.Contains(string(answer), "CaNaRy7") || errors.As(err, &refused) && refused.Code == 200 {
				t.Errorf("%q: %v", answer, err)
			}
		} else {
			rest, _ := io.ReadAll(c)
			c.Close()
			if !strings.HasSuffix(string(answer), string(rest)) {
				t.Errorf("%q: the tunnel begins with %q", answer, rest)
			}
		}
		<-served
	})
}
