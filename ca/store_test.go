package ca

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLoadOrCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config", "modtap")
	a, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(a.Certificate().NotAfter); left < 9*365*24*time.Hour {
		t.Errorf("valid for another %v, want ten years", left)
	}
	if got := readFile(t, dir, CertFile); !bytes.Equal(got, a.CertPEM()) {
		t.Errorf("%s has %q, want %q", CertFile, got, a.CertPEM())
	}
	for name, want := range map[string]fs.FileMode{".": 0o700, KeyFile: 0o600, CertFile: 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); runtime.GOOS != "windows" && got != want {
			t.Errorf("%s has mode %04o, want %04o", name, got, want)
		}
	}
	checkNoLitter(t, dir)

	again, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Certificate().Equal(a.Certificate()) || !loaded.Certificate().Equal(a.Certificate()) {
		t.Error("the second load gave another authority")
	}
	leaf, err := loaded.Leaf("a.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: poolOf(a.Certificate()), DNSName: "a.test"}); err != nil {
		t.Errorf("leaf of the loaded authority: %v", err)
	}
}

func TestLoadOfNothing(t *testing.T) {
	empty := t.TempDir()
	for _, dir := range []string{empty, filepath.Join(empty, "missing")} {
		if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load(%s): %v, want fs.ErrNotExist", dir, err)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) != 0 {
		t.Errorf("Load left %v behind (%v)", entries, err)
	}
}

func TestRotate(t *testing.T) {
	dir := t.TempDir()
	first, err := Rotate(dir) // also where there was none
	if err != nil {
		t.Fatal(err)
	}
	second, err := Rotate(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.Certificate().Equal(second.Certificate()) {
		t.Error("rotated to the same authority")
	}
	loaded, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Certificate().Equal(second.Certificate()) {
		t.Error("the files are not those of the new authority")
	}
	checkNoLitter(t, dir)
}

func TestRotateRepairs(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, CertFile, []byte("garbage"))
	if _, err := Rotate(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err != nil {
		t.Error(err)
	}
}

func TestLoadSkipsWhatElseIsInTheFiles(t *testing.T) {
	dir := t.TempDir()
	a, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := readFile(t, dir, CertFile), readFile(t, dir, KeyFile)
	// Users put both in one file, with comments; what is shown stays the certificate.
	both := bytes.Join([][]byte{[]byte("# my CA\n"), key, cert}, nil)
	writeFile(t, dir, CertFile, both)
	writeFile(t, dir, KeyFile, bytes.ReplaceAll(both, []byte("\n"), []byte("\r\n")))
	loaded, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(loaded.CertPEM(), a.CertPEM()) {
		t.Errorf("CertPEM = %q", loaded.CertPEM())
	}
}

func TestCreateTogether(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	got := make([]*Authority, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			a, err := LoadOrCreate(dir)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = a
		})
	}
	wg.Wait()
	final, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range got {
		if a != nil && !a.Certificate().Equal(final.Certificate()) {
			t.Errorf("got %v, the files have %v", a, final)
		}
	}
	checkNoLitter(t, dir)
}

// childDir makes TestCreateInProcesses run itself as a child that creates the CA.
const childDir = "MODTAP_CA_TEST_DIR"

func TestCreateInProcesses(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		a, err := LoadOrCreate(dir)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(a)
		return
	}
	dir := t.TempDir()
	names := make([]string, 4)
	var wg sync.WaitGroup
	for i := range names {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestCreateInProcesses$")
			cmd.Env = append(os.Environ(), childDir+"="+dir)
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("child: %v\n%s", err, out)
			}
			names[i], _, _ = strings.Cut(string(out), "\n")
		})
	}
	wg.Wait()
	final, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name != final.String() {
			t.Errorf("a process got %q, the files have %q", name, final)
		}
	}
}

func TestLoadWhileRotating(t *testing.T) {
	dir := t.TempDir()
	if _, err := Rotate(dir); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := Load(dir); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		if _, err := Rotate(dir); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	if _, err := LoadOrCreate(dir); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Load(dir); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzLoad feeds what could stand in the two files. Whatever it is, the answer is a
// usable root or an error of one line.
func FuzzLoad(f *testing.F) {
	dir := f.TempDir()
	if _, err := LoadOrCreate(dir); err != nil {
		f.Fatal(err)
	}
	cert, key := readFile(f, dir, CertFile), readFile(f, dir, KeyFile)
	f.Add(cert, key)
	f.Add(key, cert)
	f.Add(cert[:len(cert)/2], key)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"), []byte{})
	f.Fuzz(func(t *testing.T, certPEM, keyPEM []byte) {
		r, err := parseRoot(certPEM, keyPEM, time.Now())
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		a, err := newAuthority(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Leaf("fuzz.test", nil); err != nil {
			t.Errorf("accepted a root that cannot sign: %v", err)
		}
	})
}

func readFile(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func removeFile(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// checkNoLitter wants nothing in dir but what is documented: a temporary file left
// behind could be a key.
func checkNoLitter(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != CertFile && name != KeyFile && name != lockFile {
			t.Errorf("left %s behind", name)
		}
	}
}
