package ca

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// spoilt makes a root with key and certificate as change wants them.
func spoilt(t *testing.T, change func(*x509.Certificate)) []byte {
	t.Helper()
	w := newWorld(t)
	template := &x509.Certificate{
		NotBefore: w.now.AddDate(-1, 0, 0), NotAfter: w.now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
	}
	change(template)
	cert, key := w.issue(template, nil)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: cert.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der})...)
}

var brokenTests = []struct {
	name  string
	spoil func(t *testing.T, dir string)
	want  []string
}{
	{
		"no key",
		func(t *testing.T, dir string) { removeFile(t, dir, KeyFile) },
		[]string{"has no ca-key.pem beside it", "modtap ca rotate"},
	},
	{
		"no certificate",
		func(t *testing.T, dir string) { removeFile(t, dir, CertFile) },
		[]string{"has no ca.pem beside it", "modtap ca rotate"},
	},
	{
		"the key of another one",
		func(t *testing.T, dir string) {
			other := t.TempDir()
			if _, err := Rotate(other); err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir, KeyFile, readFile(t, other, KeyFile))
		},
		[]string{"ca-key.pem is not the key of ca.pem", "modtap ca rotate"},
	},
	{
		"a key of another kind",
		func(t *testing.T, dir string) {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir, KeyFile, pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}))
		},
		[]string{"ca-key.pem is not the key of ca.pem", "modtap ca rotate"},
	},
	{
		"empty certificate",
		func(t *testing.T, dir string) { writeFile(t, dir, CertFile, nil) },
		[]string{"ca.pem: no CERTIFICATE block in it", "modtap ca rotate"},
	},
	{
		"empty key",
		func(t *testing.T, dir string) { writeFile(t, dir, KeyFile, nil) },
		[]string{"ca-key.pem: no PRIVATE KEY block in it", "modtap ca rotate"},
	},
	{
		"garbage in the certificate",
		func(t *testing.T, dir string) {
			writeFile(t, dir, CertFile, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: []byte("garbage")}))
		},
		[]string{"ca.pem: x509: ", "modtap ca rotate"},
	},
	{
		"garbage in the key",
		func(t *testing.T, dir string) {
			writeFile(t, dir, KeyFile, pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: []byte("garbage")}))
		},
		[]string{"ca-key.pem: not a PKCS #8 private key", "modtap ca rotate"},
	},
	{
		"the files swapped",
		func(t *testing.T, dir string) {
			cert, key := readFile(t, dir, CertFile), readFile(t, dir, KeyFile)
			writeFile(t, dir, CertFile, key)
			writeFile(t, dir, KeyFile, cert)
		},
		[]string{"ca.pem: no CERTIFICATE block in it", "modtap ca rotate"},
	},
	{
		"expired",
		func(t *testing.T, dir string) {
			both := spoilt(t, func(c *x509.Certificate) { c.NotAfter = time.Date(2020, 5, 17, 0, 0, 0, 0, time.UTC) })
			writeFile(t, dir, CertFile, both)
			writeFile(t, dir, KeyFile, both)
		},
		[]string{"ca.pem expired on 2020-05-17", "modtap ca rotate"},
	},
	{
		"not yet valid",
		func(t *testing.T, dir string) {
			both := spoilt(t, func(c *x509.Certificate) { c.NotBefore = time.Now().AddDate(0, 0, 9) })
			writeFile(t, dir, CertFile, both)
			writeFile(t, dir, KeyFile, both)
		},
		[]string{"ca.pem is not valid before 2", "set the clock right", "modtap ca rotate"},
	},
	{
		"not a CA",
		func(t *testing.T, dir string) {
			both := spoilt(t, func(c *x509.Certificate) { c.IsCA = false })
			writeFile(t, dir, CertFile, both)
			writeFile(t, dir, KeyFile, both)
		},
		[]string{"ca.pem is not the certificate of a CA", "modtap ca rotate"},
	},
	{
		"a CA that may not sign",
		func(t *testing.T, dir string) {
			both := spoilt(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
			writeFile(t, dir, CertFile, both)
			writeFile(t, dir, KeyFile, both)
		},
		[]string{"ca.pem is not the certificate of a CA", "modtap ca rotate"},
	},
	{
		"larger than any key",
		func(t *testing.T, dir string) { writeFile(t, dir, KeyFile, bytes.Repeat([]byte("\n"), maxPEM+1)) },
		[]string{"ca-key.pem is larger than"},
	},
	{
		"a folder in place of the key",
		func(t *testing.T, dir string) {
			removeFile(t, dir, KeyFile)
			if err := os.Mkdir(filepath.Join(dir, KeyFile), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		[]string{KeyFile},
	},
}

func TestLoadOfBrokenFiles(t *testing.T) {
	for _, tt := range brokenTests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := LoadOrCreate(dir); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, dir)
			for call, load := range map[string]func(string) (*Authority, error){"Load": Load, "LoadOrCreate": LoadOrCreate} {
				_, err := load(dir)
				checkError(t, call, err, append(tt.want, dir))
			}
		})
	}
}

func checkError(t *testing.T, call string, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: no error", call)
	}
	text := err.Error()
	if strings.Contains(text, "\n") || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %q, want one line that is not fs.ErrNotExist", call, text)
	}
	for _, part := range want {
		if !strings.Contains(text, part) {
			t.Errorf("%s: %q, want %q in it", call, text, part)
		}
	}
}
