package ca

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var leafTests = []struct {
	name, host string
	asks       string // what the client verifies
	wantDNS    string
	wantIP     string
}{
	{name: "a name", host: "proxy.golang.org", asks: "proxy.golang.org", wantDNS: "proxy.golang.org"},
	{name: "upper case", host: "Proxy.Golang.Org", asks: "proxy.golang.org", wantDNS: "proxy.golang.org"},
	{name: "final dot", host: "proxy.golang.org.", asks: "proxy.golang.org.", wantDNS: "proxy.golang.org"},
	{name: "IPv4", host: "10.1.2.3", asks: "10.1.2.3", wantIP: "10.1.2.3"},
	{name: "IPv6", host: "2001:db8::1", asks: "2001:db8::1", wantIP: "2001:db8::1"},
	{name: "IPv6 in brackets", host: "[::1]", asks: "::1", wantIP: "::1"},
	{name: "IPv6 with a zone", host: "fe80::1%eth0", asks: "fe80::1", wantIP: "fe80::1"},
	// With a final dot it is a name to net.ParseIP, and so to the client.
	{name: "IPv4 with a final dot", host: "10.1.2.3.", asks: "10.1.2.3.", wantDNS: "10.1.2.3"},
	{name: "Unicode", host: "bücher.example", asks: "xn--bcher-kva.example", wantDNS: "xn--bcher-kva.example"},
	{name: "Punycode", host: "xn--bcher-kva.example", asks: "xn--bcher-kva.example", wantDNS: "xn--bcher-kva.example"},
	{name: "underscore", host: "a_b.corp.test", asks: "a_b.corp.test", wantDNS: "a_b.corp.test"},
	{
		name: "longer than a common name", host: strings.Repeat("long.", 13) + "test",
		asks: strings.Repeat("long.", 13) + "test", wantDNS: strings.Repeat("long.", 13) + "test",
	},
}

func TestLeaf(t *testing.T) {
	a := mustNew(t)
	for _, tt := range leafTests {
		t.Run(tt.name, func(t *testing.T) {
			cert, err := a.Leaf(tt.host, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(cert.Certificate) != 1 || cert.Leaf == nil {
				t.Fatalf("chain of %d, leaf %v, want the leaf alone", len(cert.Certificate), cert.Leaf)
			}
			leaf := cert.Leaf
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: poolOf(a.Certificate()), DNSName: tt.asks}); err != nil {
				t.Errorf("verify: %v", err)
			}
			if got := strings.Join(leaf.DNSNames, " "); got != tt.wantDNS {
				t.Errorf("DNS names %q, want %q", got, tt.wantDNS)
			}
			if got := strings.Trim(fmt.Sprint(leaf.IPAddresses), "[]"); got != tt.wantIP {
				t.Errorf("IP addresses %q, want %q", got, tt.wantIP)
			}
			if len(leaf.Subject.CommonName) > maxCommonName {
				t.Errorf("common name of %d bytes", len(leaf.Subject.CommonName))
			}
			checkLeafShape(t, a, leaf)
		})
	}
}

func checkLeafShape(t *testing.T, a *Authority, leaf *x509.Certificate) {
	t.Helper()
	if leaf.KeyUsage != x509.KeyUsageDigitalSignature || leaf.IsCA || !leaf.BasicConstraintsValid {
		t.Errorf("key usage %b, CA %v", leaf.KeyUsage, leaf.IsCA)
	}
	if len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("extended key usage %v, want serverAuth", leaf.ExtKeyUsage)
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 398*24*time.Hour {
		t.Errorf("valid for %v, browsers want at most 398 days", life)
	}
	if root := a.Certificate(); leaf.NotBefore.Before(root.NotBefore) || leaf.NotAfter.After(root.NotAfter) {
		t.Errorf("valid %v to %v, its issuer %v to %v", leaf.NotBefore, leaf.NotAfter, root.NotBefore, root.NotAfter)
	}
	if age := time.Since(leaf.NotBefore); age < 23*time.Hour {
		t.Errorf("valid since %v, want it backdated", age)
	}
	if leaf.SerialNumber.Sign() <= 0 || len(leaf.SerialNumber.Bytes()) > 20 {
		t.Errorf("serial number %v", leaf.SerialNumber)
	}
}

func TestLeafLiesWithinItsIssuer(t *testing.T) {
	w := newWorld(t)
	cert, key := w.issue(&x509.Certificate{
		NotBefore: w.now.Add(-time.Hour), NotAfter: w.now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}, nil)
	a, err := newAuthority(&root{cert: cert, key: key})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.Leaf("a.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !leaf.Leaf.NotBefore.Equal(cert.NotBefore) || !leaf.Leaf.NotAfter.Equal(cert.NotAfter) {
		t.Errorf("valid %v to %v, want %v to %v as its issuer",
			leaf.Leaf.NotBefore, leaf.Leaf.NotAfter, cert.NotBefore, cert.NotAfter)
	}
}

func TestLeafOfNoHost(t *testing.T) {
	for _, host := range []string{"", "a b", "host:443", "*"} {
		_, err := mustNew(t).Leaf(host, nil)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("mint certificate for %q: ", host)) {
			t.Errorf("Leaf(%q): %v, want an error that names it", host, err)
		}
	}
}

func TestLeafIsCachedByHostAndVerdict(t *testing.T) {
	a := mustNew(t)
	unknown := &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	leaf := func(host string, verdict error) *tls.Certificate {
		t.Helper()
		cert, err := a.Leaf(host, verdict)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	good := leaf("a.test", nil)
	if leaf("A.test.", nil) != good {
		t.Error("the same host in other letters is another leaf")
	}
	if leaf("b.test", nil) == good {
		t.Error("two hosts share a leaf")
	}
	bad := leaf("a.test", unknown)
	if bad == good {
		t.Error("a rejected certificate got the good leaf")
	}
	if leaf("a.test", errors.New("something else")) != bad {
		t.Error("two verdicts that look the same to the client are two leaves")
	}
}

func TestLeafIsMintedOnce(t *testing.T) {
	c := newLeafCache(8)
	var minted atomic.Int32
	release := make(chan struct{})
	mint := func() (*tls.Certificate, error) {
		minted.Add(1)
		<-release
		return &tls.Certificate{}, nil
	}
	key := leafKey{target: target{name: "a.test"}}
	var wg sync.WaitGroup
	certs := make([]*tls.Certificate, 16)
	for i := range certs {
		wg.Go(func() { certs[i], _ = c.get(key, time.Now(), mint) })
	}
	// Another host must not wait for the slow one.
	if _, err := c.get(leafKey{target: target{name: "b.test"}}, time.Now(), func() (*tls.Certificate, error) {
		return &tls.Certificate{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	close(release)
	wg.Wait()
	if got := minted.Load(); got != 1 {
		t.Errorf("minted %d times, want once", got)
	}
	for _, cert := range certs {
		if cert == nil || cert != certs[0] {
			t.Fatal("callers got different leaves")
		}
	}
}

func TestLeafCacheIsBounded(t *testing.T) {
	const size = 4
	c := newLeafCache(size)
	now := time.Now()
	minted := 0
	get := func(host string, err error) {
		c.get(leafKey{target: target{name: host}}, now, func() (*tls.Certificate, error) {
			minted++
			return &tls.Certificate{}, err
		})
	}
	for i := range 10 {
		get(fmt.Sprint("host", i), nil)
		if len(c.entries) > size || len(c.order) > size {
			t.Fatalf("%d entries, %d in order, want at most %d", len(c.entries), len(c.order), size)
		}
	}
	get("host9", nil)
	get("host6", nil)
	if minted != 10 {
		t.Errorf("minted %d, want 10: the newest four stay", minted)
	}
	get("host0", nil)
	if minted != 11 {
		t.Errorf("minted %d, want 11: the oldest was evicted", minted)
	}

	get("bad", errors.New("no"))
	get("bad", errors.New("no"))
	if minted != 13 {
		t.Errorf("minted %d, want 13: a failure is not kept", minted)
	}
	now = now.Add(renewAfter + time.Second)
	get("host0", nil)
	if minted != 14 {
		t.Errorf("minted %d, want 14: an old leaf is renewed", minted)
	}
	if len(c.entries) > size {
		t.Errorf("%d entries, want at most %d", len(c.entries), size)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		mustNew(b)
	}
}

func BenchmarkLeaf(b *testing.B) {
	a := mustNew(b)
	i := 0
	for b.Loop() {
		i++
		if _, err := a.Leaf(fmt.Sprintf("host%d.bench.test", i), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeafCached(b *testing.B) {
	a := mustNew(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Leaf("proxy.golang.org", nil); err != nil {
			b.Fatal(err)
		}
	}
}
