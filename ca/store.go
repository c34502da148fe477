package ca

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The files of an authority on disk, in the folder given to [LoadOrCreate].
const (
	CertFile = "ca.pem"     // the root certificate, for trust stores; public
	KeyFile  = "ca-key.pem" // its private key, mode 0600
)

const (
	blockCertificate = "CERTIFICATE"
	blockKey         = "PRIVATE KEY" // PKCS #8

	// maxPEM is many times what a certificate or a key needs.
	maxPEM = 1 << 20

	// rotateHint ends the errors that the user cannot repair in another way.
	rotateHint = `run "modtap ca rotate" to make a new CA (trust stores need the new one installed)`
)

// LoadOrCreate is [Load], but makes an authority in dir, valid for ten years, when
// there is none. Processes that do so at the same time end up with the same one.
func LoadOrCreate(dir string) (*Authority, error) {
	a, err := Load(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	return underLock(dir, func() (*root, error) {
		r, err := load(dir)
		if !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
		return create(dir)
	})
}

// Load reads the authority that [LoadOrCreate] or [Rotate] left in dir. The error wraps
// [fs.ErrNotExist] when there is none at all. A key that other users can read, one file
// without the other, or files that cannot be used are errors that say what to do.
func Load(dir string) (*Authority, error) {
	r, err := load(dir)
	if err == nil {
		return newAuthority(r)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// Perhaps another process is just replacing the two files: look again when it is
	// done. Where that cannot be known (a read-only folder), the first error stands.
	unlock, lockErr := lockDir(dir)
	if lockErr != nil {
		return nil, err
	}
	defer unlock()
	if r, err = load(dir); err != nil {
		return nil, err
	}
	return newAuthority(r)
}

// Rotate replaces the authority in dir, whatever state it is in, by a new one. The old
// one stays in the trust stores it was installed in, and what trusts only the old one
// rejects the new leaves.
func Rotate(dir string) (*Authority, error) {
	return underLock(dir, func() (*root, error) { return create(dir) })
}

// underLock makes dir if need be and calls get while no other process writes there.
func underLock(dir string, get func() (*root, error)) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make CA folder: %w", err)
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r, err := get()
	if err != nil {
		return nil, err
	}
	return newAuthority(r)
}

// create writes a new root to dir and returns what can be read there.
func create(dir string) (*root, error) {
	r, err := newRoot("CA", time.Now().AddDate(onDiskYears, 0, 0))
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(r.key)
	if err != nil {
		return nil, fmt.Errorf("encode CA key: %w", err)
	}
	// The key comes first: until the certificate is there too, nobody can install it.
	if err := replaceFile(dir, KeyFile, 0o600, &pem.Block{Type: blockKey, Bytes: der}); err != nil {
		return nil, err
	}
	if err := replaceFile(dir, CertFile, 0o644, &pem.Block{Type: blockCertificate, Bytes: r.cert.Raw}); err != nil {
		return nil, err
	}
	return load(dir)
}

// replaceFile puts block in the file name of dir so that a reader sees the old content
// or the new one, never a part.
func replaceFile(dir, name string, mode fs.FileMode, block *pem.Block) (err error) {
	f, err := os.CreateTemp(dir, "."+name+".*.tmp") // mode 0600 from the start
	if err != nil {
		return fmt.Errorf("write CA: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write CA: %w", err)
		}
	}()
	err = pem.Encode(f, block)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync() // a power cut after the rename must not leave an empty key
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return rename(f.Name(), filepath.Join(dir, name))
}

// rename is os.Rename that waits a moment on Windows, where a file that somebody reads
// (another modtap, a virus scanner) cannot be replaced.
func rename(from, to string) error {
	const tries, pause = 20, 10 * time.Millisecond
	for i := 1; ; i++ {
		err := os.Rename(from, to)
		if err == nil || runtime.GOOS != "windows" || i == tries {
			return err
		}
		time.Sleep(pause)
	}
}

// load reads the pair in dir once.
func load(dir string) (*root, error) {
	certPath, keyPath := filepath.Join(dir, CertFile), filepath.Join(dir, KeyFile)
	certPEM, certErr := readPEM(certPath, nil)
	keyPEM, keyErr := readPEM(keyPath, checkKeyMode)
	noCert, noKey := errors.Is(certErr, fs.ErrNotExist), errors.Is(keyErr, fs.ErrNotExist)
	switch {
	case noCert && noKey:
		return nil, fmt.Errorf("load CA from %s: %w", dir, fs.ErrNotExist)
	case noCert && keyErr == nil:
		return nil, fmt.Errorf("load CA: %s has no %s beside it: %s", keyPath, CertFile, rotateHint)
	case noKey && certErr == nil:
		return nil, fmt.Errorf("load CA: %s has no %s beside it: %s", certPath, KeyFile, rotateHint)
	case keyErr != nil && !noKey:
		return nil, fmt.Errorf("load CA: %w", keyErr)
	case certErr != nil:
		return nil, fmt.Errorf("load CA: %w", certErr)
	}
	r, err := parseRoot(certPEM, keyPEM, time.Now())
	if err != nil {
		return nil, fmt.Errorf("load CA from %s: %w: %s", dir, err, rotateHint)
	}
	return r, nil
}

// readPEM reads a small file that check, if there is one, has nothing against.
func readPEM(path string, check func(string, fs.FileInfo) error) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if check != nil {
		// The open file is asked, not the name, which could mean another file by now.
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if err := check(path, info); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err == nil && len(data) > maxPEM {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxPEM)
	}
	return data, err
}

// parseRoot makes a root of the contents of the two files, if it could sign leaves now.
func parseRoot(certPEM, keyPEM []byte, now time.Time) (*root, error) {
	cert, err := parseCert(certPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", CertFile, err)
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", KeyFile, err)
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(cert.PublicKey) {
		return nil, fmt.Errorf("%s is not the key of %s", KeyFile, CertFile)
	}
	const day = "2006-01-02"
	switch {
	case !cert.BasicConstraintsValid || !cert.IsCA || cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, fmt.Errorf("%s is not the certificate of a CA", CertFile)
	case now.After(cert.NotAfter):
		return nil, fmt.Errorf("%s expired on %s", CertFile, cert.NotAfter.Format(day))
	case now.Before(cert.NotBefore):
		return nil, fmt.Errorf("%s is not valid before %s: set the clock right, or", CertFile, cert.NotBefore.Format(day))
	}
	return &root{cert: cert, key: key}, nil
}

func parseCert(data []byte) (*x509.Certificate, error) {
	der, err := findBlock(data, blockCertificate)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func parseKey(data []byte) (crypto.Signer, error) {
	der, err := findBlock(data, blockKey)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The text of the error could quote what it found, and that may be a key.
		return nil, errors.New("not a PKCS #8 private key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign certificates", key)
	}
	return signer, nil
}

// findBlock returns the content of the first PEM block of that type.
func findBlock(data []byte, kind string) ([]byte, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("no %s block in it", kind)
		}
		if block.Type == kind {
			return block.Bytes, nil
		}
		data = rest
	}
}

// shellQuote makes path one word of a POSIX shell.
func shellQuote(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+:@%,=", r))
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
