package ca

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxBundle bounds what is read from one file; the usual bundle has 0.2 MB.
const maxBundle = 16 << 20

// Bundle returns, as PEM, everything that a child must trust: what it would trust
// without modtap, and extra, the PEM of our CA. Write it to a file for SSL_CERT_FILE,
// GIT_SSL_CAINFO and the like.
//
// getenv reads the user's own environment, usually [os.Getenv]. As in crypto/x509, the
// file named by SSL_CERT_FILE replaces the system's file, and the folders listed in
// SSL_CERT_DIR are read too. A SSL_CERT_FILE that cannot be read or has no certificate
// is an error that names it; unreadable folders are passed over, as Go does. The
// system's own folders are read only when it has no file. Where the system has neither
// (Windows), the bundle is the user's file and folders plus extra.
//
// The result has CERTIFICATE blocks only, without comments and duplicates.
func Bundle(extra []byte, getenv func(string) string) ([]byte, error) {
	files, dirs := systemRoots()
	return bundleFrom(extra, getenv, files, dirs)
}

func bundleFrom(extra []byte, getenv func(string) string, systemFiles, systemDirs []string) ([]byte, error) {
	b := &bundle{seen: make(map[[sha256.Size]byte]bool)}
	userFile, userDirs := getenv("SSL_CERT_FILE"), getenv("SSL_CERT_DIR")
	found := false
	if userFile != "" {
		if err := b.addUserFile(userFile); err != nil {
			return nil, err
		}
		found = true
	} else {
		found = b.addFirst(systemFiles)
	}
	dirs := filepath.SplitList(userDirs)
	if userDirs == "" && !found {
		dirs = systemDirs
	}
	for _, dir := range dirs {
		b.addDir(dir)
	}
	if b.add(extra) == 0 && len(extra) > 0 {
		return nil, errors.New("bundle certificates: our own CA is not a PEM certificate")
	}
	return b.out.Bytes(), nil
}

// bundle collects certificates. They are told apart by the hash of their DER alone:
// parsing the 150 of a usual system would cost a quarter of the start-up budget.
type bundle struct {
	out  bytes.Buffer
	seen map[[sha256.Size]byte]bool
}

// add appends the certificates of data that are not there yet, and says how many
// certificates data has.
func (b *bundle) add(data []byte) int {
	b.out.Grow(len(data))
	// Notepad and PowerShell put a byte order mark before the first block, which would
	// hide it from the decoder.
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	count := 0
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return count
		}
		data = rest
		// Blocks with headers are no certificates for crypto/x509 either.
		if block.Type != blockCertificate || len(block.Headers) > 0 || !looksLikeCert(block.Bytes) {
			continue
		}
		count++
		sum := sha256.Sum256(block.Bytes)
		if b.seen[sum] {
			continue
		}
		b.seen[sum] = true
		pem.Encode(&b.out, block) // a bytes.Buffer does not fail
	}
}

// looksLikeCert reports whether der is one whole ASN.1 sequence. Go skips other blocks,
// but OpenSSL stops at them and loses what follows.
func looksLikeCert(der []byte) bool {
	var v asn1.RawValue
	rest, err := asn1.Unmarshal(der, &v)
	return err == nil && len(rest) == 0 && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence && v.IsCompound
}

// addUserFile adds the file that the user named in SSL_CERT_FILE.
func (b *bundle) addUserFile(path string) error {
	data, err := readBundle(path)
	if err != nil {
		// The path is named already.
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		return fmt.Errorf("SSL_CERT_FILE=%s: %w", path, err)
	}
	if b.add(data) == 0 {
		return fmt.Errorf("SSL_CERT_FILE=%s: no certificates in it (want PEM blocks, -----BEGIN CERTIFICATE-----)", path)
	}
	return nil
}

// addFirst adds the first file that can be read.
func (b *bundle) addFirst(paths []string) bool {
	for _, path := range paths {
		if data, err := readBundle(path); err == nil {
			b.add(data)
			return true
		}
	}
	return false
}

// addDir adds the files of dir that have certificates.
func (b *bundle) addDir(dir string) {
	if dir == "" {
		return // "a::b" does not mean the current folder
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if isAlias(entry, path) {
			continue
		}
		// A named pipe would block for ever, and a device never end.
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if data, err := readBundle(path); err == nil {
			b.add(data)
		}
	}
}

// isAlias reports whether entry is a link to another file of the same folder, as the
// ones named by hash that OpenSSL wants. They are half of the usual folder.
func isAlias(entry fs.DirEntry, path string) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return false
	}
	to, err := os.Readlink(path)
	return err == nil && !strings.ContainsRune(to, '/')
}

// readBundle reads a file of certificates.
func readBundle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var buf bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Size() < maxBundle {
		buf.Grow(int(info.Size()) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(f, maxBundle+1))
	if err != nil {
		return nil, err
	}
	if n > maxBundle {
		return nil, fmt.Errorf("larger than %d MiB", maxBundle>>20)
	}
	return buf.Bytes(), nil
}
