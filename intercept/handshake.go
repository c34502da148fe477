package intercept

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"modtap/recorder"
)

// upstreamTLSBudget ends a handshake with a server that never answers when the client
// does not give up by itself (the go command does after 10 s).
const upstreamTLSBudget = time.Minute

// patience tells a client that was waiting for a connection from one that had no need of
// it any more: the go command opens more connections than it uses and drops them when it
// exits. One that leaves sooner leaves a Conn and a Tunnel, but no exchange.
const patience = 2 * time.Second

// leftWithoutAWord reports the end of a client's connection without an alert.
func leftWithoutAWord(err error) bool {
	_, alert := alertOf(err)
	return !alert && (errors.Is(err, io.EOF) || isReset(err))
}

// serveTLS shakes hands with the client, and in the middle of it with the server.
func (t *tunnel) serveTLS() {
	t.p.opening.add(1)
	defer t.p.opening.add(-1)
	h := &handshake{t: t}
	t.client.records = &gather{conn: t.client.Conn}
	tc := tls.Server(t.client, &tls.Config{GetConfigForClient: h.config})
	err := tc.HandshakeContext(t.p.ctx)
	t.ready = time.Now()
	if err != nil {
		h.failed(err)
		return
	}
	state := tc.ConnectionState()
	t.set(func(r *recorder.Tunnel) {
		r.TLSDone = recorder.Span(max(1, t.ready.Sub(r.Start)))
		r.TLS = tlsFacts(state)
	})
	if t.up != nil {
		if !isHTTP(t.up.tls.ConnectionState().NegotiatedProtocol) {
			t.set(func(r *recorder.Tunnel) { r.Kind = "raw" })
			t.relay(tc, t.up.tls)
			return
		}
		if err := t.up.open(); err != nil {
			t.fail("write", err)
			return
		}
		t.leg.accepted = h.verdict
		t.leg.add(route{"https", t.rec.Target}, t.up)
	}
	t.snapshot()
	t.client.gathered = newGathered(t.p.ctx, tc, t.client.records)
	if state.NegotiatedProtocol == "h2" {
		t.serve(&frameConn{Conn: t.client.gathered, skip: clientPreface})
		return
	}
	t.serve(t.client.gathered)
}

// failed ends a tunnel whose handshake with the client ended with err. Whatever the
// server did wrong is the reason; config has told the client already.
func (h *handshake) failed(err error) {
	t := h.t
	soon := time.Since(t.rec.Start) < patience
	switch {
	case t.p.ctx.Err() != nil && soon: // Shutdown
		t.end(nil)
	case h.gaveUp && soon, h.upErr == nil && h.verdict == nil && soon && leftWithoutAWord(err):
		t.end(&recorder.Error{Op: "canceled", Msg: errClientGone.Error()})
	case h.upErr != nil:
		t.fail(h.op, h.upErr)
	case h.verdict != nil:
		t.fail("tls", h.verdict)
	case distrusts(err):
		t.fail("client-tls", fmt.Errorf("the client does not trust modtap's certificate for %s (%w)", t.host, err))
	default:
		t.fail("client-tls", err)
	}
}

func isHTTP(alpn string) bool {
	return alpn == "" || alpn == "h2" || alpn == "http/1.1" || alpn == "http/1.0"
}

// fail records that no request will come through this tunnel.
func (t *tunnel) fail(op string, err error) {
	t.failed(0, op, err)
	t.end(&recorder.Error{Op: op, Msg: t.p.c.Redactor.Text(err.Error())})
}

// A handshake is the client's TLS handshake with the server's inside it.
type handshake struct {
	t       *tunnel
	verdict error  // the server's certificate does not verify
	upErr   error  // the server's handshake failed
	op      string // of upErr
	gaveUp  bool   // the client left while the server's handshake went on
}

// config runs between the client's ClientHello and our ServerHello. What the server
// agrees to is what the client is offered, and a server whose certificate does not verify
// is mirrored by a leaf that does not verify in the same way.
func (h *handshake) config(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	t := h.t
	name := hello.ServerName
	if name == "" {
		name = t.host
	}
	protos := []string{"h2", "http/1.1"}
	if t.up != nil {
		if err := h.upstream(name, hello.SupportedProtos); err != nil {
			h.upErr = err
			failHandshake(t.client, err)
			return nil, err
		}
		protos = nil
		if np := t.up.tls.ConnectionState().NegotiatedProtocol; np != "" {
			protos = []string{np}
		}
	}
	start := time.Now()
	leaf, err := t.p.c.Leaf(name, h.verdict)
	t.set(func(r *recorder.Tunnel) { r.Mint = recorder.Span(time.Since(start)) })
	if err != nil {
		h.op, h.upErr = "client-tls", fmt.Errorf("make a certificate for %s: %w", name, err)
		t.p.c.Logger.Error().Str("host", name).Err(err).Msg("cannot make a certificate")
		return nil, h.upErr
	}
	return &tls.Config{
		NextProtos: protos, Certificates: []tls.Certificate{*leaf}, KeyLogWriter: t.p.c.KeyLog,
		// the leg is loopback: no post-quantum shares (18 % of a connection's cost), and no
		// tickets, which nobody could use
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, SessionTicketsDisabled: true,
	}, nil
}

// upstream shakes hands with the server while the client waits.
func (h *handshake) upstream(name string, alpn []string) error {
	ctx, stop := h.t.whileClientWaits()
	ctx, cancel := context.WithTimeout(ctx, upstreamTLSBudget)
	defer cancel()
	start := time.Now()
	verdict, err := h.t.up.handshake(ctx, name, alpn)
	late := ctx.Err() != nil
	gaveUp := stop()
	h.verdict = verdict
	if err == nil {
		return nil
	}
	h.op, h.gaveUp = opOf(err, "tls"), gaveUp
	if late || gaveUp {
		h.op = "timeout"
		who := "modtap"
		if gaveUp {
			who = "the client"
		}
		err = fmt.Errorf("no TLS handshake with %s: %s gave up after %s", h.t.rec.Target, who, time.Since(start).Round(time.Millisecond))
	}
	return err
}
