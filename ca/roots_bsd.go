//go:build dragonfly || freebsd || netbsd || openbsd

package ca

// systemRoots is where crypto/x509 looks on the BSDs (root_bsd.go of Go 1.26): the
// first file that exists, and folders.
func systemRoots() (files, dirs []string) {
	return []string{
			"/usr/local/etc/ssl/cert.pem",            // FreeBSD
			"/etc/ssl/cert.pem",                      // OpenBSD
			"/usr/local/share/certs/ca-root-nss.crt", // DragonFly
			"/etc/openssl/certs/ca-certificates.crt", // NetBSD
		}, []string{
			"/etc/ssl/certs",         // FreeBSD 12.2 and later
			"/usr/local/share/certs", // FreeBSD
			"/etc/openssl/certs",     // NetBSD
		}
}
