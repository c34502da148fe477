package origintest

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// BannerConfig is what a [Banner] is made of.
type BannerConfig struct {
	Addr  string        // listen address, default 127.0.0.1:0
	Text  string        // what the server says first; "": nothing, ever, until the client speaks
	Delay time.Duration // before it speaks
}

// A Banner is a TCP service that is neither TLS nor HTTP and in which the server may speak
// first, as ssh, SMTP and git daemons do. After the banner it echoes.
type Banner struct {
	c      BannerConfig
	ln     net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// StartBanner runs a banner service for a test and stops it with the test.
func StartBanner(t testing.TB, c BannerConfig) *Banner {
	t.Helper()
	b, err := NewBanner(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// NewBanner starts a banner service; Close stops it.
func NewBanner(c BannerConfig) (*Banner, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("start the banner service: %w", err)
	}
	b := &Banner{c: c, ln: ln}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			b.wg.Go(func() { b.serve(conn) })
		}
	})
	return b, nil
}

// Addr returns HOST:PORT.
func (b *Banner) Addr() string { return b.ln.Addr().String() }

// Close cuts every connection and stops.
func (b *Banner) Close() {
	b.cancel()
	_ = b.ln.Close()
	b.wg.Wait()
}

func (b *Banner) serve(c net.Conn) {
	defer context.AfterFunc(b.ctx, func() { _ = c.Close() })()
	defer c.Close()
	if sleep(b.ctx, b.c.Delay) != nil {
		return
	}
	if _, err := io.WriteString(c, b.c.Text); err != nil {
		return
	}
	_, _ = io.Copy(c, c)
}
