package intercept

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"syscall"
	"unicode"

	"modtap/intercept/upstream"
	"modtap/recorder"
)

// opOf names the operation that failed, for the record; otherwise is what it was when
// the error does not tell.
func opOf(err error, otherwise string) string {
	var dns *net.DNSError
	var op *net.OpError
	var parent *upstream.ParentError
	var alert tls.AlertError
	var redirect *redirectError
	switch {
	case errors.As(err, &redirect):
		return "redirect"
	case errors.Is(err, context.Canceled), errors.Is(err, errClientGone), errors.Is(err, errConnClosed):
		return "canceled"
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &parent):
		return "proxy"
	case isVerdict(err), errors.As(err, &alert):
		return "tls"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.As(err, &op):
		switch op.Op {
		case "proxyconnect":
			return "proxy"
		case "dial", "read", "write":
			return op.Op
		case "remote error", "local error":
			return "tls"
		}
	case strings.Contains(err.Error(), "tls:"):
		return "tls"
	}
	return otherwise
}

func isVerdict(err error) bool {
	var v *errVerdict
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	return errors.As(err, &v) || errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &host)
}

// failureOf is what to record of a failed request. A request that its client gave up is
// the client's doing, whatever the transport made of it.
func failureOf(ctx context.Context, err error) (string, error) {
	if ctx.Err() != nil {
		return "canceled", errClientGone
	}
	return opOf(err, "read"), err
}

// isReset reports whether the other side reset the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || isResetOS(err)
}

// alertOf returns the TLS alert that the server sent. crypto/tls keeps the type of a
// received alert to itself: it is the uint8 under the OpError "remote error".
func alertOf(err error) (byte, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return byte(v.Uint()), true
	}
	return 0, false
}

// failHandshake ends the client's connection the way the server ended ours, before any
// byte of our own TLS was sent: the same alert, what is not TLS, a reset, or nothing but
// the end.
func failHandshake(c *peekConn, err error) {
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil {
		c.Write(header.RecordHeader[:]) // not TLS: clients judge by these bytes what it is
	} else if a, ok := alertOf(err); ok {
		// a fatal alert in a plaintext record, TLS 1.2 framing (RFC 8446 §5.1, §6)
		c.Write([]byte{21, 3, 3, 0, 2, 2, a})
	} else if isReset(err) {
		c.reset()
	}
	c.Close()
}

// connectFailure is the answer to a CONNECT that failed. net/http shows the client what
// stands after the status code and drops the body, so the text must stand in the status
// line. A parent proxy's refusal is passed on as it came.
func connectFailure(err error) (status int, answer string) {
	var parent *upstream.ParentError
	if errors.As(err, &parent) {
		var b strings.Builder
		b.WriteString("HTTP/1.1 " + oneLine(parent.Status) + "\r\n")
		for _, v := range parent.Header["Proxy-Authenticate"] {
			b.WriteString("Proxy-Authenticate: " + oneLine(v) + "\r\n")
		}
		b.WriteString("Content-Length: 0\r\n\r\n")
		return parent.Code, b.String()
	}
	status = 502
	code := "502 "
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		status, code = 504, "504 "
	}
	return status, "HTTP/1.1 " + code + oneLine(err.Error()) + "\r\nContent-Length: 0\r\n\r\n"
}

// challenges are the headers of a parent proxy's refusal that say which kinds of names and
// passwords it takes.
func (p *Proxy) challenges(err error) []recorder.Header {
	var parent *upstream.ParentError
	if !errors.As(err, &parent) {
		return nil
	}
	return p.headers(http.Header{"Proxy-Authenticate": parent.Header["Proxy-Authenticate"]})
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// oneLine makes s fit for a header line. It may be in any encoding.
func oneLine(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c == 0x7f {
			b[i] = ' '
		}
	}
	return string(b)
}

// distrusts reports whether err is a client's alert about our certificate.
func distrusts(err error) bool {
	a, ok := alertOf(err)
	// bad_certificate, unsupported_certificate, certificate_unknown, unknown_ca
	return ok && (a == 42 || a == 43 || a == 46 || a == 48)
}
