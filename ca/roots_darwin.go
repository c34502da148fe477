package ca

// systemRoots is the file that Apple's curl and git read. crypto/x509 asks the keychain
// instead, which has no file.
func systemRoots() (files, dirs []string) {
	return []string{"/etc/ssl/cert.pem"}, nil
}
