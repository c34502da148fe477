package ca

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"net"
)

type flawKind int

const (
	sound flawKind = iota
	unknownAuthority
	expired
	wrongName
	wrongUsage
)

// flaw is what was wrong with a server's certificate, reduced to what is needed to
// make a leaf that is wrong in the same way. It is comparable, so that leaves can be
// cached by it.
type flaw struct {
	kind flawKind

	notBefore, notAfter int64 // expired: seconds since 1970

	commonName  string // wrongName
	hasSAN      bool   // wrongName: the certificate has the extension, even if it is empty
	sanCritical bool
	san         string // the DER value of the extension
}

// flawOf finds out what a verdict of crypto/x509 or crypto/tls complains about.
func flawOf(verdict error) flaw {
	if verdict == nil {
		return flaw{}
	}
	if inv, ok := errors.AsType[x509.CertificateInvalidError](verdict); ok {
		return flawOfInvalid(inv)
	}
	if he, ok := errors.AsType[x509.HostnameError](verdict); ok && he.Certificate != nil {
		return flawOfNames(he.Certificate)
	}
	return flaw{kind: unknownAuthority}
}

func flawOfInvalid(inv x509.CertificateInvalidError) flaw {
	switch {
	case inv.Reason == x509.Expired && inv.Cert != nil:
		// inv.Cert is the certificate that expired, perhaps an intermediate one: its
		// dates are those in the client's message.
		return flaw{
			kind:      expired,
			notBefore: inv.Cert.NotBefore.Unix(),
			notAfter:  inv.Cert.NotAfter.Unix(),
		}
	case inv.Reason == x509.IncompatibleUsage:
		return flaw{kind: wrongUsage}
	}
	return flaw{kind: unknownAuthority}
}

func flawOfNames(cert *x509.Certificate) flaw {
	f := flaw{kind: wrongName, commonName: cert.Subject.CommonName}
	for _, ext := range cert.Extensions {
		if ext.Id.Equal(oidSubjectAltName()) {
			f.hasSAN, f.sanCritical, f.san = true, ext.Critical, string(ext.Value)
			return f
		}
	}
	if len(cert.DNSNames) == 0 && len(cert.IPAddresses) == 0 {
		return f
	}
	// A certificate that was never parsed has names but no extensions.
	san, err := marshalSAN(cert.DNSNames, cert.IPAddresses)
	if err != nil {
		return flaw{kind: unknownAuthority}
	}
	f.hasSAN, f.san = true, string(san)
	return f
}

// marshalSAN encodes the GeneralNames of RFC 5280, §4.2.1.6.
func marshalSAN(names []string, ips []net.IP) ([]byte, error) {
	const tagDNSName, tagIPAddress = 2, 7
	var general []asn1.RawValue
	for _, name := range names {
		general = append(general, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagDNSName, Bytes: []byte(name)})
	}
	for _, ip := range ips {
		if v4 := ip.To4(); v4 != nil {
			ip = v4
		}
		general = append(general, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagIPAddress, Bytes: ip})
	}
	return asn1.Marshal(general)
}

func oidSubjectAltName() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 5, 29, 17}
}
