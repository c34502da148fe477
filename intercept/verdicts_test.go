package intercept

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// issued is a certificate for name, of its own CA, and the pool with that.
func issued(t *testing.T, name string, notAfter time.Time) (*x509.Certificate, *x509.CertPool) {
	t.Helper()
	make := func(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Hour)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA of " + name}, NotBefore: before, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca = make(ca, ca, key, key)
	leaf := make(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: before, NotAfter: notAfter}, ca, key, key)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return leaf, pool
}

func TestVerdicts(t *testing.T) {
	var v verdicts
	leaf, roots := issued(t, "a.test", time.Now().Add(time.Hour))
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	if err := v.verify(state, "b.test", roots); err == nil {
		t.Error("the certificate of a.test is good for b.test")
	}
	if len(v.until) != 0 {
		t.Error("a bad verdict is remembered")
	}
	if err := v.verify(state, "a.test", roots); err != nil {
		t.Error(err)
	}
	if err := v.verify(state, "a.test", x509.NewCertPool()); err != nil {
		t.Errorf("it is looked at again, with roots that would not do: %v", err)
	}
	if err := v.verify(state, "b.test", roots); err == nil {
		t.Error("once it is remembered for a.test it is good for b.test")
	}
	other, _ := issued(t, "a.test", time.Now().Add(time.Hour))
	if err := v.verify(tls.ConnectionState{PeerCertificates: []*x509.Certificate{other}}, "a.test", roots); err == nil {
		t.Error("another CA's certificate for the same name is good")
	}
}

func TestVerdictsEnd(t *testing.T) {
	var v verdicts
	soon := time.Now().Add(2 * time.Second).Truncate(time.Second)
	leaf, roots := issued(t, "a.test", soon)
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	if err := v.verify(state, "a.test", roots); err != nil {
		t.Skip("the machine stood still: ", err)
	}
	for _, until := range v.until {
		if until.After(soon) {
			t.Errorf("remembered for %v longer than the certificate is valid", until.Sub(soon))
		}
	}
	for i := range 2 * maxVerdicts {
		v.keep([32]byte{byte(i), byte(i >> 8)}, time.Now(), nil)
	}
	if len(v.until) > maxVerdicts {
		t.Errorf("%d are remembered", len(v.until))
	}
}
