package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

func mustNew(t testing.TB) *Authority {
	t.Helper()
	a, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRoot(t *testing.T) {
	a := mustNew(t)
	c := a.Certificate()
	if c.SerialNumber.Sign() <= 0 || len(c.SerialNumber.Bytes()) > 20 {
		t.Errorf("serial number %v, want a positive one of at most 20 octets", c.SerialNumber)
	}
	if !c.IsCA || !c.BasicConstraintsValid || !c.MaxPathLenZero || c.MaxPathLen != 0 {
		t.Errorf("IsCA %v, path length %d (zero: %v), want a CA with path length 0", c.IsCA, c.MaxPathLen, c.MaxPathLenZero)
	}
	if want := x509.KeyUsageCertSign | x509.KeyUsageCRLSign; c.KeyUsage != want {
		t.Errorf("key usage %b, want %b", c.KeyUsage, want)
	}
	if len(c.SubjectKeyId) == 0 {
		t.Error("no subject key id")
	}
	if key, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("public key is a %T, want ECDSA P-256", c.PublicKey)
	}
	if name := c.Subject.CommonName; !strings.HasPrefix(name, "modtap CA ") || len(name) > maxCommonName {
		t.Errorf("common name %q", name)
	}
	if got := c.Subject.Organization; len(got) != 1 || got[0] != "modtap" {
		t.Errorf("organisation %q", got)
	}
	if age := time.Since(c.NotBefore); age < 23*time.Hour {
		t.Errorf("valid since %v, want it backdated", age)
	}
	if err := c.CheckSignatureFrom(c); err != nil {
		t.Errorf("not signed by itself: %v", err)
	}
}

func TestRootsAreUnique(t *testing.T) {
	a, b := mustNew(t).Certificate(), mustNew(t).Certificate()
	if a.SerialNumber.Cmp(b.SerialNumber) == 0 {
		t.Error("same serial number twice")
	}
	if a.Subject.CommonName == b.Subject.CommonName {
		t.Errorf("same name twice: %q", a.Subject.CommonName)
	}
	if bytes.Equal(a.SubjectKeyId, b.SubjectKeyId) {
		t.Error("same key id twice")
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"host", "host"},
		{strings.Repeat("h", 50), strings.Repeat("h", maxHostInName)},
		{strings.Repeat("h", 39) + "ü", strings.Repeat("h", 39)},
	} {
		if got := shorten(tt.in, maxHostInName); got != tt.want {
			t.Errorf("shorten(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// secrets are the forms in which the keys of a could turn up in a text.
func secrets(t *testing.T, a *Authority) []string {
	t.Helper()
	var forms []string
	for _, key := range []*ecdsa.PrivateKey{a.key.(*ecdsa.PrivateKey), a.leafKey} {
		raw, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms,
			string(raw),
			fmt.Sprintf("%x", raw),
			fmt.Sprintf("%X", raw),
			strings.Trim(fmt.Sprint(raw), "[]"),
			new(big.Int).SetBytes(raw).String(),
			string(pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der})),
			"PRIVATE KEY",
		)
	}
	return forms
}

func TestKeyIsNeverShown(t *testing.T) {
	a := mustNew(t)
	bundle, err := Bundle(a.CertPEM(), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{
		"CertPEM": string(a.CertPEM()),
		"Bundle":  string(bundle),
	}
	type holder struct{ Authority *Authority }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		shown[verb] = fmt.Sprintf(verb, a)
		shown[verb+" in a struct"] = fmt.Sprintf(verb, holder{a})
	}
	asJSON, err := json.Marshal(holder{a})
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(asJSON)

	for where, text := range shown {
		for _, secret := range secrets(t, a) {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows a private key: %.200s", where, text)
			}
		}
	}
	if got, want := shown["%+v"], a.Certificate().Subject.CommonName; got != want {
		t.Errorf("%%+v shows %q, want %q", got, want)
	}
}

func TestCertPEMIsACopy(t *testing.T) {
	a := mustNew(t)
	first := a.CertPEM()
	clear(first)
	block, rest := pem.Decode(a.CertPEM())
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 || !bytes.Equal(block.Bytes, a.Certificate().Raw) {
		t.Errorf("CertPEM = %q, want the root as one block", a.CertPEM())
	}
}
