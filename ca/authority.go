package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	// organization is in the subject of everything minted here, so that whoever looks
	// at a certificate in a browser or a trust store knows where it comes from.
	organization = "modtap"

	// backdate lets clients whose clock is behind accept what was minted just now
	// (virtual machines resumed from a snapshot, machines without NTP).
	backdate = 24 * time.Hour

	ephemeralLife = 7 * 24 * time.Hour
	onDiskYears   = 10

	// maxCommonName is the upper bound ub-common-name of RFC 5280, appendix A.1.
	maxCommonName = 64
	// maxHostInName leaves room in a root's common name for the words around it.
	maxHostInName = 40
)

// Authority is one root with its key, ready to mint leaves. It is safe for concurrent
// use. Printing one shows its name, never its key.
type Authority struct {
	cert    *x509.Certificate
	key     crypto.Signer
	leafKey *ecdsa.PrivateKey
	leaves  *leafCache

	// stranger signs the leaves that must look as if an unknown authority had signed
	// them. It is made on first use: most runs never meet a bad certificate.
	stranger func() (*root, error)
}

// root is a self-signed certificate with its key.
type root struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// New makes an authority that lives in memory only and is valid for a week: nothing is
// left on disk to steal. Hand its [Authority.CertPEM] to [Bundle] for the child.
func New() (*Authority, error) {
	r, err := newRoot("CA", time.Now().Add(ephemeralLife))
	if err != nil {
		return nil, err
	}
	return newAuthority(r)
}

func newAuthority(r *root) (*Authority, error) {
	// One key for all leaves: making a key for each would double the cost of the first
	// request to a host and protect nothing, they all live in this process.
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate leaf key: %w", err)
	}
	return &Authority{
		cert:    r.cert,
		key:     r.key,
		leafKey: leafKey,
		leaves:  newLeafCache(maxLeaves),
		stranger: sync.OnceValues(func() (*root, error) {
			return newRoot("stand-in for an unknown authority", time.Now().AddDate(onDiskYears, 0, 0))
		}),
	}, nil
}

// newRoot makes a self-signed certificate that may sign leaves and nothing else. Its
// name is unique: several of them may end up in one trust store, and verifiers look
// for issuers by name.
func newRoot(kind string, notAfter time.Time) (*root, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate CA key: %w", err)
	}
	id := make([]byte, 4)
	rand.Read(id) // never fails, see crypto/rand
	template := &x509.Certificate{
		// No SerialNumber: CreateCertificate draws a positive random one of at most 20
		// octets. No SubjectKeyId: it derives one from the key.
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   rootName(kind, hex.EncodeToString(id)),
		},
		NotBefore:             time.Now().Add(-backdate),
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("create CA certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse CA certificate: %w", err)
	}
	return &root{cert: cert, key: key}, nil
}

// rootName is the common name of a root: "modtap CA <host> <id>". The host name tells
// the user of a trust store on which machine the key lies.
func rootName(kind, id string) string {
	name := "modtap " + kind
	if kind != "CA" {
		return name + " " + id
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		return name + " " + id
	}
	return name + " " + shorten(host, maxHostInName) + " " + id
}

// shorten cuts s to at most n bytes without leaving half a character behind.
func shorten(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return string(bytes.ToValidUTF8([]byte(s), nil))
}

// CertPEM is the root certificate as one PEM block, without its key: what a client
// must trust. The caller owns the bytes.
func (a *Authority) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: a.cert.Raw})
}

// Certificate is the root certificate, to show its name, fingerprint and dates. It is
// shared: do not modify it.
func (a *Authority) Certificate() *x509.Certificate {
	return a.cert
}

// Leaf returns the certificate to present to a client that asked for host: a name in
// Unicode or Punycode, or an IP address, with or without brackets, zone or final dot,
// but without a port.
//
// verdict is what verifying the server's own certificate said. nil gives a leaf that
// clients of this authority accept. Otherwise the leaf is bad in the same way: expired
// with the server's dates, valid for the server's names only, or not meant for
// servers; whatever else was wrong becomes an unknown authority.
//
// The certificate is cached and shared: do not modify it. The root is not in its
// chain; who trusts it has it.
func (a *Authority) Leaf(host string, verdict error) (*tls.Certificate, error) {
	t, err := parseTarget(host)
	if err != nil {
		return nil, fmt.Errorf("mint certificate for %q: %w", host, err)
	}
	key := leafKey{target: t, flaw: flawOf(verdict)}
	cert, err := a.leaves.get(key, time.Now(), func() (*tls.Certificate, error) {
		return a.mint(key.target, key.flaw)
	})
	if err != nil {
		return nil, fmt.Errorf("mint certificate for %q: %w", host, err)
	}
	return cert, nil
}

// String names the authority. It exists so that printing one cannot show a key.
func (a *Authority) String() string {
	if a == nil {
		return "no authority"
	}
	return a.cert.Subject.CommonName
}

// GoString does for %#v what [Authority.String] does for the other verbs.
func (a *Authority) GoString() string {
	return a.String()
}
