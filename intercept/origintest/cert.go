package origintest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"time"
)

// A CertKind says what is wrong with the certificate of an [Origin].
type CertKind string

// The kinds of certificate. UnknownCA is signed by a root that [Origin.CAPEM] does not have.
const (
	Good      CertKind = ""
	UnknownCA CertKind = "unknown-ca"
	Expired   CertKind = "expired"
	WrongName CertKind = "wrong-name"
)

// A CA signs the certificates of origins. Share one between origins that a single
// SSL_CERT_FILE must cover. Its key protects nothing: trust it in tests only.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes a CA that lives as long as the process.
func NewCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the test CA: %w", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "origintest root"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the test CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &CA{cert, key}, err
}

// LoadCA reads the CA from file (its certificate, fit for SSL_CERT_FILE) and file.key; where
// they do not exist it makes both, so that several origins and later runs share one root.
func LoadCA(file string) (*CA, error) {
	pair, err := tls.LoadX509KeyPair(file, file+".key")
	if err == nil {
		key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("load the test CA %s: not an ECDSA key", file)
		}
		return &CA{pair.Leaf, key}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load the test CA %s: %w", file, err)
	}
	ca, err := NewCA()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(ca.key)
	if err != nil {
		return nil, err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	// The key first: whoever waits for the certificate then finds both.
	if err := os.WriteFile(file+".key", key, 0o600); err != nil {
		return nil, err
	}
	return ca, os.WriteFile(file, ca.PEM(), 0o644)
}

// PEM returns the certificate of the CA.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// Pool returns a pool with the CA alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// leaf makes a certificate of the kind for names.
func (ca *CA) leaf(kind CertKind, names []string) (tls.Certificate, error) {
	from, to := time.Now().Add(-time.Hour), time.Now().AddDate(0, 1, 0)
	switch kind {
	case Good:
	case UnknownCA:
		stranger, err := NewCA()
		if err != nil {
			return tls.Certificate{}, err
		}
		ca = stranger
	case Expired:
		from, to = time.Now().AddDate(0, -2, 0), time.Now().Add(-24*time.Hour)
	case WrongName:
		names = []string{"other.example.test"}
	default:
		return tls.Certificate{}, fmt.Errorf("unknown kind of certificate %q", kind)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: names[0]},
		DNSNames:     names,
		NotBefore:    from,
		NotAfter:     to,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n
}
