package origintest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// ProxyHost is the host name in [Origin.URL]. Every other name under golang.test is answered
// in the same way, but for [SumHost], which has the checksum database at its root.
const ProxyHost = "proxy.golang.test"

// Config is what an [Origin] is made of. The zero value is a healthy origin with the
// [DefaultTree] on a free loopback port.
type Config struct {
	Addr       string        // listen address, default 127.0.0.1:0
	Protos     []string      // ALPN, default h2 and http/1.1; {"http/1.1"} makes an old server
	Cert       CertKind      // default [Good]
	CA         *CA           // signs the certificate; nil: a new one
	Names      []string      // names in the certificate besides *.golang.test and golang.test
	Tree       *Tree         // nil: [DefaultTree]
	Prefix     string        // path of the GOPROXY on its host, such as /artifactory/api/go/x
	Records    int           // size of the checksum database, padded to this; default 300
	Knobs      []Knob        // see [Origin.SetKnobs]
	Handshakes []Handshake   // see [Origin.SetHandshakes]
	Idle       time.Duration // idle connections are closed after this; 0: never
	Streams    int           // concurrent HTTP/2 streams that are allowed, default 250
	// TLS, if set, may change the TLS configuration before the origin starts.
	TLS func(*tls.Config)
	// Handler answers what is neither tree, checksum database nor one of the fixed paths
	// of [Origin]; nil: 404. Knobs apply to its headers, not to its body.
	Handler http.Handler
	// Git are the repositories that [GitHost] serves, and every host of Names, and that ?go-get=1 names for their
	// import paths; nil: none.
	Git *GitRepos
}

// An Origin is a running TLS server. Besides the tree and the checksum database it has:
//
//	POST /echo       the request body, streamed back as it comes
//	POST /upload     {"bytes":N,"sha256":"…"} of the request body
//	GET  /bytes/N    N random bytes, the same ones each time
//	GET  /upgrade    101 to "echo": raw bytes come back (HTTP/1.1 only)
//	GET  /…?go-get=1 a go-import meta tag for GOPROXY=direct: the repository of Config.Git
//	                 that has the import path, else this origin as a module proxy
type Origin struct {
	settings
	journal
	c      Config
	ca     *CA
	tls    *tls.Config
	sumdb  http.Handler
	ln     net.Listener
	ready  chan net.Conn // connections that finished their handshake
	srv    *http.Server
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	open   map[*conn]bool // guarded by journal.mu
}

// Start runs an origin for a test and stops it with the test.
func Start(t testing.TB, c Config) *Origin {
	t.Helper()
	o, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// New starts an origin; Close stops it.
func New(c Config) (*Origin, error) {
	o := &Origin{c: c.withDefaults(), ready: make(chan net.Conn), open: map[*conn]bool{}}
	if err := o.prepare(); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", o.c.Addr)
	if err != nil {
		return nil, fmt.Errorf("start the origin: %w", err)
	}
	o.ln = ln
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.srv = &http.Server{
		Handler:     o,
		IdleTimeout: o.c.Idle,
		HTTP2:       &http.HTTP2Config{MaxConcurrentStreams: o.c.Streams},
		ErrorLog:    log.New(io.Discard, "", 0), // failures are what tests ask for
		BaseContext: func(net.Listener) context.Context { return o.ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(*tls.Conn).NetConn())
		},
	}
	o.wg.Go(o.accept)
	o.wg.Go(func() { _ = o.srv.Serve(readyListener{o}) })
	return o, nil
}

func (c Config) withDefaults() Config {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Protos == nil {
		c.Protos = []string{"h2", "http/1.1"}
	}
	if c.Tree == nil {
		c.Tree = DefaultTree()
	}
	if c.Records == 0 {
		c.Records = 300
	}
	c.Prefix = strings.TrimSuffix(c.Prefix, "/")
	return c
}

// prepare makes the certificate and the checksum database.
func (o *Origin) prepare() error {
	o.ca = o.c.CA
	if o.ca == nil {
		ca, err := NewCA()
		if err != nil {
			return err
		}
		o.ca = ca
	}
	names := append([]string{"*.golang.test", "golang.test"}, o.c.Names...)
	cert, err := o.ca.leaf(o.c.Cert, names)
	if err != nil {
		return fmt.Errorf("make the origin's certificate: %w", err)
	}
	o.tls = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: o.c.Protos}
	if o.c.TLS != nil {
		o.c.TLS(o.tls)
	}
	o.sumdb, err = newSumDB(o.c.Tree, o.c.Records)
	o.setKnobs(o.c.Knobs)
	o.setHandshakes(o.c.Handshakes)
	return err
}

// Close cuts every connection and returns when nothing of the origin runs any more.
func (o *Origin) Close() error {
	o.cancel()
	err := o.ln.Close()
	_ = o.srv.Close()
	o.journal.update(func() {
		for c := range o.open {
			_ = c.Conn.Close() // hijacked ones too, which the server has forgotten
		}
	})
	o.wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if werr := o.journal.wait(ctx); werr != nil {
		return fmt.Errorf("stop the origin: requests are still being answered: %w", werr)
	}
	return err
}

// Addr returns the listening address, HOST:PORT.
func (o *Origin) Addr() string { return o.ln.Addr().String() }

// URL returns the base URL of the module proxy: https://proxy.golang.test:PORT.
func (o *Origin) URL() string { return o.HostURL(ProxyHost) + o.c.Prefix }

// HostURL returns https://HOST:PORT of this origin, for any name under golang.test.
func (o *Origin) HostURL(host string) string {
	_, port, _ := net.SplitHostPort(o.Addr())
	if port == "443" {
		return "https://" + host
	}
	return "https://" + net.JoinHostPort(host, port)
}

// GOSUMDB returns the value of the variable that makes the go command verify this origin's
// database through the proxy ([Origin.URL]/sumdb/…). It is the same for every origin.
func (o *Origin) GOSUMDB() string {
	_, verifier, err := sumKeys()
	if err != nil {
		panic(err) // New made the same keys already
	}
	return verifier
}

// GOSUMDBWithURL is [Origin.GOSUMDB] with the URL of [SumHost]: the go command then asks
// that host and never the proxy.
func (o *Origin) GOSUMDBWithURL() string { return o.GOSUMDB() + " " + o.HostURL(SumHost) }

// CAPEM returns the root that clients trust, to be written where SSL_CERT_FILE points.
func (o *Origin) CAPEM() []byte { return o.ca.PEM() }

// CertPool returns the root that clients trust.
func (o *Origin) CertPool() *x509.CertPool { return o.ca.Pool() }

// WriteCA writes [Origin.CAPEM] to a file.
func (o *Origin) WriteCA(file string) error { return os.WriteFile(file, o.CAPEM(), 0o644) }

// SetKnobs replaces the knobs, counts for Skip and Times included. Requests that are being
// answered keep theirs.
func (o *Origin) SetKnobs(knobs ...Knob) { o.setKnobs(knobs) }

// SetHandshakes replaces what happens in handshakes.
func (o *Origin) SetHandshakes(hs ...Handshake) { o.setHandshakes(hs) }

// Stats returns a copy of everything counted so far.
func (o *Origin) Stats() Stats { return o.stats() }

// Requests returns the requests in order of arrival, unfinished ones included. A client has
// its answer a moment before Done is set: use Wait first where that matters.
func (o *Origin) Requests() []Request { return o.stats().Requests }

// Conns returns the number of TCP connections that were accepted.
func (o *Origin) Conns() int { return len(o.stats().Conns) }

// Handshakes returns the number of TLS handshakes that were completed.
func (o *Origin) Handshakes() int { return o.stats().Handshakes }

// Forget empties the records, so that one origin serves several measurements. Numbering goes
// on, and a connection that is still open is not listed again.
func (o *Origin) Forget() { o.reset() }

// Wait returns when no request is being answered, or ctx's error.
func (o *Origin) Wait(ctx context.Context) error { return o.journal.wait(ctx) }
