package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"sync"
	"testing"
	"time"
)

func poolOf(certs ...*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

// world is the internet as it is without modtap: a root that everybody trusts, and
// servers with certificates of all kinds.
type world struct {
	t    *testing.T
	root *root
	now  time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	w := &world{t: t, now: now}
	w.root = &root{}
	w.root.cert, w.root.key = w.issue(&x509.Certificate{
		Subject:  pkix.Name{CommonName: "World Root"},
		NotAfter: now.AddDate(20, 0, 0), NotBefore: now.AddDate(-20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	return w
}

// issue signs template with parent, or with its own key when there is none.
func (w *world) issue(template *x509.Certificate, parent *root) (*x509.Certificate, *ecdsa.PrivateKey) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	if parent == nil {
		parent = &root{cert: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, key.Public(), parent.key)
	if err != nil {
		w.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return cert, key
}

// server makes the chain of a server for host, good until change has seen the template.
func (w *world) server(host string, change func(*x509.Certificate)) tls.Certificate {
	w.t.Helper()
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "a server"},
		NotBefore:   w.now.AddDate(0, -1, 0),
		NotAfter:    w.now.AddDate(0, 1, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	if change != nil {
		change(template)
	}
	cert, key := w.issue(template, w.root)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// strange makes a server whose root nobody knows.
func (w *world) strange(host string) tls.Certificate {
	other := newWorld(w.t)
	other.root.cert, other.root.key = other.issue(&x509.Certificate{
		Subject:  pkix.Name{CommonName: "Another Root"},
		NotAfter: w.now.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true,
	}, nil)
	return other.server(host, nil)
}

// under makes a server whose intermediate certificate change has spoilt.
func (w *world) under(host string, change func(*x509.Certificate)) tls.Certificate {
	w.t.Helper()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "World Intermediate"},
		NotBefore: w.now.AddDate(-1, 0, 0), NotAfter: w.now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	change(template)
	inter, key := w.issue(template, w.root)
	below := &world{t: w.t, now: w.now, root: &root{cert: inter, key: key}}
	chain := below.server(host, nil)
	chain.Certificate = append(chain.Certificate, inter.Raw)
	return chain
}

// unblocked is a connection whose writes do not wait for the reader, as those of a
// socket do not: over a bare pipe, a client that refuses a certificate in the middle of
// the server's flight and the server would wait for each other.
type unblocked struct {
	net.Conn
	out chan []byte
}

func (c unblocked) Write(p []byte) (int, error) {
	c.out <- bytes.Clone(p)
	return len(p), nil
}

// handshake is what a client that trusts roots says to a server with that certificate,
// over a real TLS connection.
func handshake(t *testing.T, cert *tls.Certificate, host string, roots *x509.CertPool, now time.Time) error {
	t.Helper()
	near, far := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer near.Close()

	server := unblocked{far, make(chan []byte, 64)} // more than a handshake has flights
	wg.Go(func() {
		for p := range server.out {
			far.Write(p) // fails once the client has gone
		}
	})
	wg.Go(func() {
		defer close(server.out)
		tls.Server(server, &tls.Config{
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return &tls.Config{Certificates: []tls.Certificate{*cert}}, nil
			},
		}).Handshake()
	})
	return tls.Client(near, &tls.Config{
		RootCAs:    roots,
		ServerName: host,
		Time:       func() time.Time { return now },
	}).Handshake()
}
