package ca

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

func names(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = names, nil }
}

func manyNames(n int) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.DNSNames = nil
		for i := range n {
			c.DNSNames = append(c.DNSNames, fmt.Sprintf("n%d.other.test", i))
		}
	}
}

// Each of these servers is bad in one way. The client of modtap must say about the leaf
// what a client without modtap says about the server.
var flawTests = []struct {
	name   string
	host   string
	server func(w *world, host string) tls.Certificate
	want   string // part of what both say; "" when there is nothing to say
	says   string // what our client says when it cannot be the same
}{
	{
		name: "good", host: "good.test",
		server: func(w *world, host string) tls.Certificate { return w.server(host, nil) },
	},
	{
		name: "good address", host: "192.0.2.1",
		server: func(w *world, host string) tls.Certificate { return w.server(host, nil) },
	},
	{
		name: "unknown authority", host: "unknown.test",
		server: func(w *world, host string) tls.Certificate { return w.strange(host) },
		want:   "x509: certificate signed by unknown authority",
	},
	{
		name: "unknown authority of an address", host: "2001:db8::1",
		server: func(w *world, host string) tls.Certificate { return w.strange(host) },
		want:   "x509: certificate signed by unknown authority",
	},
	{
		name: "expired", host: "expired.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) { c.NotAfter = w.now.Add(-36 * time.Hour) })
		},
		want: "x509: certificate has expired or is not yet valid: current time ",
	},
	{
		name: "expired a second ago", host: "expired.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) { c.NotAfter = w.now.Add(-time.Second) })
		},
		want: " is after ",
	},
	{
		name: "not yet valid", host: "early.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) { c.NotBefore = w.now.Add(36 * time.Hour) })
		},
		want: " is before ",
	},
	{
		name: "expired intermediate", host: "expired.test",
		server: func(w *world, host string) tls.Certificate {
			return w.under(host, func(c *x509.Certificate) { c.NotAfter = w.now.AddDate(0, -2, 0) })
		},
		want: " is after ",
	},
	{
		name: "another name", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate { return w.server(host, names("other.test")) },
		want:   "x509: certificate is valid for other.test, not wanted.test",
	},
	{
		name: "other names", host: "a.wanted.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, names("*.other.test", "Wanted.test", "*.a.wanted.test"))
		},
		want: "x509: certificate is valid for *.other.test, Wanted.test, *.a.wanted.test, not a.wanted.test",
	},
	{
		name: "a hundred names", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate { return w.server(host, manyNames(100)) },
		want:   "x509: certificate is valid for 100 names, but none matched wanted.test",
	},
	{
		name: "a name for an address", host: "192.0.2.1",
		server: func(w *world, host string) tls.Certificate { return w.server(host, names("other.test")) },
		want:   "x509: cannot validate certificate for 192.0.2.1 because it doesn't contain any IP SANs",
	},
	{
		name: "another address", host: "192.0.2.1",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) {
				c.IPAddresses = []net.IP{net.ParseIP("192.0.2.2"), net.ParseIP("2001:db8::2")}
			})
		},
		want: "x509: certificate is valid for 192.0.2.2, 2001:db8::2, not 192.0.2.1",
	},
	{
		name: "an address for a name", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) {
				c.DNSNames, c.IPAddresses = nil, []net.IP{net.ParseIP("192.0.2.2")}
			})
		},
		want: "x509: certificate is not valid for any names, but wanted to match wanted.test",
	},
	{
		name: "common name only", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, host })
		},
		want: "x509: certificate relies on legacy Common Name field, use SANs instead",
	},
	{
		name: "another common name only", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, "other.test" })
		},
		want: "x509: certificate is not valid for any names, but wanted to match wanted.test",
	},
	{
		name: "neither subject nor names", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) { c.DNSNames, c.Subject = nil, pkix.Name{} })
		},
		want: "x509: certificate is not valid for any names, but wanted to match wanted.test",
	},
	{
		name: "a URI, and the host as common name", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) {
				c.DNSNames, c.Subject.CommonName = nil, host
				c.URIs = []*url.URL{{Scheme: "spiffe", Host: "corp.test", Path: "/web"}}
			})
		},
		want: "x509: certificate is not valid for any names, but wanted to match wanted.test",
	},
	{
		name: "critical names without a subject", host: "wanted.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) { c.DNSNames, c.Subject = []string{"other.test"}, pkix.Name{} })
		},
		want: "x509: certificate is valid for other.test, not wanted.test",
	},
	{
		name: "not for servers", host: "usage.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
			})
		},
		want: "x509: certificate specifies an incompatible key usage",
	},
	{
		name: "intermediate is no CA", host: "chain.test",
		server: func(w *world, host string) tls.Certificate {
			return w.under(host, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 })
		},
		want: "x509: ", says: "x509: certificate signed by unknown authority",
	},
	{
		name: "name constraints", host: "chain.test",
		server: func(w *world, host string) tls.Certificate {
			return w.under(host, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"corp.test"} })
		},
		want: "not authorized to sign for this name", says: "x509: certificate signed by unknown authority",
	},
	{
		name: "an extension nobody knows", host: "critical.test",
		server: func(w *world, host string) tls.Certificate {
			return w.server(host, func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
			})
		},
		want: "unhandled critical extension", says: "x509: certificate signed by unknown authority",
	},
}

func TestLeafMirrorsTheVerdict(t *testing.T) {
	w := newWorld(t)
	a := mustNew(t)
	for _, tt := range flawTests {
		t.Run(tt.name, func(t *testing.T) {
			server := tt.server(w, tt.host)
			verdict := handshake(t, &server, tt.host, poolOf(w.root.cert), w.now)
			if tt.want == "" && verdict != nil || tt.want != "" && (verdict == nil || !strings.Contains(verdict.Error(), tt.want)) {
				t.Fatalf("without modtap: %v, want %q", verdict, tt.want)
			}
			leaf, err := a.Leaf(tt.host, verdict)
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprint(verdict)
			if tt.says != "" {
				want = "tls: failed to verify certificate: " + tt.says
			}
			// The client trusts what it trusted before, and our CA.
			roots := poolOf(w.root.cert, a.Certificate())
			if got := fmt.Sprint(handshake(t, leaf, tt.host, roots, w.now)); got != want {
				t.Errorf("with modtap: %s\n    without: %s", got, want)
			}
			_, err = leaf.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: tt.host, CurrentTime: w.now})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || "tls: failed to verify certificate: "+err.Error() != want) {
				t.Errorf("verify: %v, want %s", err, want)
			}
		})
	}
}

// Verdicts that crypto/x509 does not give for this host and this moment, or not as a
// parsed certificate. None of them may yield a leaf that the client accepts.
var oddVerdictTests = []struct {
	name    string
	verdict error
	want    string
}{
	{
		"any other error", errors.New("pin does not match"),
		"x509: certificate signed by unknown authority",
	},
	{
		"expired without a certificate", x509.CertificateInvalidError{Reason: x509.Expired},
		"x509: certificate signed by unknown authority",
	},
	{
		"wrong name without a certificate", x509.HostnameError{Host: "odd.test"},
		"x509: certificate signed by unknown authority",
	},
	{
		"wrong name though the name is right",
		x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"*.test"}}, Host: "elsewhere.test"},
		"x509: certificate signed by unknown authority",
	},
	{
		"names that were never parsed",
		x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"a.test", "b.test"}}, Host: "odd.test"},
		"x509: certificate is valid for a.test, b.test, not odd.test",
	},
	{
		"addresses that were never parsed",
		x509.HostnameError{Certificate: &x509.Certificate{IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}}, Host: "odd.test"},
		"x509: certificate is not valid for any names, but wanted to match odd.test",
	},
	{
		"names that no certificate can have",
		x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"\xff"}}, Host: "odd.test"},
		"x509: certificate signed by unknown authority",
	},
	{
		"expired though its dates are good (the platform verifiers, for another one of the chain)",
		x509.CertificateInvalidError{Reason: x509.Expired, Cert: &x509.Certificate{
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}},
		"x509: certificate has expired or is not yet valid: current time ",
	},
	{
		"dates that no certificate can have",
		x509.CertificateInvalidError{Reason: x509.Expired, Cert: &x509.Certificate{
			NotBefore: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(30000, 1, 1, 0, 0, 0, 0, time.UTC),
		}},
		"x509: certificate signed by unknown authority",
	},
}

func TestLeafIsNeverGoodAfterAVerdict(t *testing.T) {
	a := mustNew(t)
	for _, tt := range oddVerdictTests {
		t.Run(tt.name, func(t *testing.T) {
			leaf, err := a.Leaf("odd.test", fmt.Errorf("handshake: %w", &tls.CertificateVerificationError{Err: tt.verdict}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = leaf.Leaf.Verify(x509.VerifyOptions{Roots: poolOf(a.Certificate()), DNSName: "odd.test"})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("verify: %v, want %s", err, tt.want)
			}
		})
	}
}

// "possibly because of …" would send the user looking for a candidate that modtap made.
func TestStrangerIsNoCandidate(t *testing.T) {
	a := mustNew(t)
	leaf, err := a.Leaf("unknown.test", x509.UnknownAuthorityError{})
	if err != nil {
		t.Fatal(err)
	}
	root := a.Certificate()
	if string(leaf.Leaf.RawIssuer) == string(root.RawSubject) || string(leaf.Leaf.AuthorityKeyId) == string(root.SubjectKeyId) {
		t.Errorf("the leaf of an unknown authority names %s as its issuer", root.Subject)
	}
}
