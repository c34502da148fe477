package ca

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"time"
)

// leafLife keeps leaves short-lived; with [backdate] it stays far below the 398 days
// that browsers accept (CA/Browser Forum baseline requirements, §6.3.2).
const leafLife = 30 * 24 * time.Hour

// mint makes the leaf for t with flaw f. A flaw that cannot be rebuilt, or that this
// client would not notice, becomes an unknown authority: never a good leaf.
func (a *Authority) mint(t target, f flaw) (*tls.Certificate, error) {
	now := time.Now()
	template := a.leafTemplate(t, now)
	switch f.kind {
	case sound:
		return a.sign(template, &root{cert: a.cert, key: a.key})
	case expired:
		a.makeExpired(template, f, now)
	case wrongName:
		makeWrongName(template, f)
	case wrongUsage:
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	default:
		r, err := a.stranger()
		if err != nil {
			return nil, err
		}
		return a.sign(template, r)
	}
	cert, err := a.sign(template, &root{cert: a.cert, key: a.key})
	if err != nil || (f.kind == wrongName && isValidFor(cert.Leaf, t)) {
		return a.mint(t, flaw{kind: unknownAuthority})
	}
	return cert, nil
}

// isValidFor reports whether a client that asks for t, with or without a final dot,
// takes leaf for it.
func isValidFor(leaf *x509.Certificate, t target) bool {
	return leaf.VerifyHostname(t.String()) == nil || leaf.VerifyHostname(t.String()+".") == nil
}

// leafTemplate describes a leaf that clients of a accept for t.
func (a *Authority) leafTemplate(t target, now time.Time) *x509.Certificate {
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{organization}},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(leafLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, // says "not a CA" aloud
	}
	// Some verifiers (Apple's) want a leaf to lie within its issuer's dates.
	if template.NotBefore.Before(a.cert.NotBefore) {
		template.NotBefore = a.cert.NotBefore
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	if name := t.String(); len(name) <= maxCommonName {
		template.Subject.CommonName = name
	}
	if t.addr.IsValid() {
		template.IPAddresses = []net.IP{t.addr.AsSlice()}
	} else {
		template.DNSNames = []string{t.name}
	}
	return template
}

// makeExpired gives the template the dates of the server's certificate.
func (a *Authority) makeExpired(template *x509.Certificate, f flaw, now time.Time) {
	template.NotBefore = time.Unix(f.notBefore, 0)
	template.NotAfter = time.Unix(f.notAfter, 0)
	if now.Before(template.NotBefore) || now.After(template.NotAfter) {
		return
	}
	// The verifiers of Windows and macOS name the leaf when it is another certificate
	// of the chain that has expired, so the leaf's own dates may be good. The kind of
	// failure is then mirrored with a date that is certainly past.
	template.NotBefore = a.cert.NotBefore.Add(-backdate)
	template.NotAfter = a.cert.NotBefore
}

// makeWrongName gives the template the names of the server's certificate: the whole
// extension as it was, since verifiers tell "no such extension" from "no such name".
func makeWrongName(template *x509.Certificate, f flaw) {
	template.Subject.CommonName = f.commonName
	template.DNSNames, template.IPAddresses = nil, nil
	if f.hasSAN {
		template.ExtraExtensions = []pkix.Extension{{
			Id: oidSubjectAltName(), Critical: f.sanCritical, Value: []byte(f.san),
		}}
	}
}

// sign makes the certificate of template, signed by r and ready for a TLS server.
func (a *Authority) sign(template *x509.Certificate, r *root) (*tls.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, r.cert, a.leafKey.Public(), r.key)
	if err != nil {
		return nil, fmt.Errorf("sign leaf: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse leaf: %w", err)
	}
	return &tls.Certificate{
		Certificate: [][]byte{der},
		PrivateKey:  a.leafKey,
		Leaf:        leaf,
	}, nil
}
