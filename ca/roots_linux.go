package ca

// systemRoots is where crypto/x509 looks on Linux (root_linux.go of Go 1.26): the first
// file that exists, and folders.
func systemRoots() (files, dirs []string) {
	return []string{
			"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo
			"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
			"/etc/ssl/ca-bundle.pem",                            // openSUSE
			"/etc/pki/tls/cacert.pem",                           // OpenELEC
			"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL 7
			"/etc/ssl/cert.pem",                                 // Alpine
		}, []string{
			"/etc/ssl/certs",     // SLES 10 and 11
			"/etc/pki/tls/certs", // Fedora, RHEL
			// Android; they exist nowhere else.
			"/system/etc/security/cacerts",
			"/data/misc/keychain/certs-added",
		}
}
