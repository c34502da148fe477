package intercept

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"path"
	"strings"

	"github.com/rs/zerolog"

	"modtap/intercept/reverse"
	"modtap/intercept/rules"
	"modtap/intercept/upstream"
	"modtap/recorder"
	"modtap/recorder/gomod"
)

// Config is what a Proxy needs. Log, Leaf and Upstream are required.
type Config struct {
	// Log receives every snapshot.
	Log *recorder.Log
	// Leaf makes the certificate shown to a client for host. verdict is what verifying
	// the server's own certificate said: nil, or an x509 error, for which the leaf must
	// be bad in the same way.
	Leaf func(host string, verdict error) (*tls.Certificate, error)
	// Upstream dials servers.
	Upstream *upstream.Dialer
	// Roots verify servers; nil: the system's (SSL_CERT_FILE of our own environment included).
	Roots *x509.CertPool
	// Classifier says what requests mean; nil: the default GOPROXY's.
	Classifier *gomod.Classifier
	// Redactor removes secrets before anything is recorded; nil keeps them.
	Redactor *recorder.Redactor
	// Rules may rewrite or delay requests; nil: none.
	Rules *rules.Set
	// Bypass names hosts (path.Match globs, without port) whose tunnels are relayed untouched.
	Bypass []string
	// KeyLog receives NSS key log lines of both legs; nil: none.
	KeyLog io.Writer
	// Bodies says what is kept of bodies; the zero value keeps text up to 64 KiB.
	Bodies Bodies
	// Pool shares upstream connections between clients, which hides handshakes.
	Pool bool
	// Reverse has what the port serves in reverse mode; nil: nothing.
	Reverse *reverse.Plan
	// OutOfFiles hears, possibly often and from any goroutine, that a connection could not
	// be accepted or opened for want of file descriptors; nil: nobody.
	OutOfFiles func(error)
	// Logger gets what is not an exchange; the zero value is silent.
	Logger zerolog.Logger
}

// A BodyPolicy names which bodies are kept.
type BodyPolicy int

// The body policies of --bodies.
const (
	BodiesText BodyPolicy = iota // text-like bodies up to the limit, never a zip
	BodiesNone
	BodiesAll // every body; large ones in files
)

// Bodies is what is kept of response bodies.
type Bodies struct {
	Policy BodyPolicy
	Limit  int64 // bytes; 0: 64 KiB for text, no limit for all
	// Dir is the folder for bodies over 1 MiB with BodiesAll, named by their SHA-256. It is
	// made when it is needed. "": they are not kept.
	Dir string
}

// bypassed reports whether --bypass names host.
func (p *Proxy) bypassed(host string) bool {
	for _, glob := range p.c.Bypass {
		if ok, _ := path.Match(strings.ToLower(glob), strings.ToLower(host)); ok {
			return true
		}
	}
	return false
}
