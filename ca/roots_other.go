//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package ca

// systemRoots is where crypto/x509 looks elsewhere (root_solaris.go, root_aix.go and
// root_plan9.go of Go 1.26; no path of one system exists on another with another
// meaning): the first file that exists, and folders.
func systemRoots() (files, dirs []string) {
	return []string{
			"/etc/certs/ca-certificates.crt",     // Solaris 11.2 and later
			"/etc/ssl/certs/ca-certificates.crt", // Joyent SmartOS
			"/etc/ssl/cacert.pem",                // OmniOS
			"/var/ssl/certs/ca-bundle.crt",       // AIX
			"/sys/lib/tls/ca.pem",                // Plan 9
		}, []string{
			"/etc/certs/CA",  // Solaris
			"/var/ssl/certs", // AIX
		}
}
