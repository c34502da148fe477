package origintest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// Client returns a client that reaches this origin under any name, without DNS or proxy. It
// trusts the origin's root, follows no redirects and decompresses nothing. Each call returns
// a client with connections of its own; protos is the ALPN it offers, default h2 and http/1.1.
func (o *Origin) Client(protos ...string) *http.Client {
	if len(protos) == 0 {
		protos = []string{"h2", "http/1.1"}
	}
	var p http.Protocols
	for _, name := range protos {
		switch name {
		case "h2":
			p.SetHTTP2(true)
		case "http/1.1":
			p.SetHTTP1(true)
		}
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, o.Addr())
			},
			TLSClientConfig:    &tls.Config{RootCAs: o.CertPool(), NextProtos: protos},
			Protocols:          &p,
			DisableCompression: true,
		},
	}
}
