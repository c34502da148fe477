package intercept

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

const (
	// verdictFor is how long a chain that verified is taken to verify.
	verdictFor = time.Minute
	// maxVerdicts bounds how many are remembered.
	maxVerdicts = 256
)

// verdicts remembers which certificate chains verified. A go command opens a connection to
// the same host for each of its processors, and checking the signatures again took a
// seventh of the proxy's CPU for a new connection, within the time of the server's
// handshake.
type verdicts struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

// verify judges a server's certificate as a Go client does (crypto/tls.verifyServerCertificate).
func (v *verdicts) verify(s tls.ConnectionState, name string, roots *x509.CertPool) error {
	now := time.Now()
	key := chainKey(s.PeerCertificates, name)
	v.mu.Lock()
	good := now.Before(v.until[key])
	v.mu.Unlock()
	if good {
		return nil
	}
	opts := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, c := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := s.PeerCertificates[0].Verify(opts)
	if err != nil {
		return err
	}
	v.keep(key, now, chains[0])
	return nil
}

// keep remembers that chain verified, for as long as it is sure to.
func (v *verdicts) keep(key [sha256.Size]byte, now time.Time, chain []*x509.Certificate) {
	until := now.Add(verdictFor)
	for _, c := range chain {
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.until == nil || len(v.until) >= maxVerdicts {
		v.until = map[[sha256.Size]byte]time.Time{}
	}
	v.until[key] = until
}

// chainKey tells what a server sent for name from all else.
func chainKey(certs []*x509.Certificate, name string) (key [sha256.Size]byte) {
	h := sha256.New()
	h.Write(append([]byte(name), 0))
	for _, c := range certs {
		sum := sha256.Sum256(c.Raw) // of fixed length: no two lists look alike
		h.Write(sum[:])
	}
	h.Sum(key[:0])
	return key
}
