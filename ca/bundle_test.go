package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// certs makes n certificates, as PEM.
func certs(t testing.TB, n int) []string {
	t.Helper()
	list := make([]string, n)
	for i := range list {
		list[i] = string(mustNew(t).CertPEM())
	}
	return list
}

// bundleTests name files of a folder: sys* are the system's, dir*/ its folders or those
// of the user. A, B, C and so on stand for certificates.
var bundleTests = []struct {
	name    string
	files   map[string]string
	sysFile []string
	sysDirs []string
	file    string   // SSL_CERT_FILE
	dirs    []string // SSL_CERT_DIR
	extra   string
	want    string
	wantErr string
}{
	{
		name:  "system file and our CA",
		files: map[string]string{"sys": "A B"}, sysFile: []string{"sys"}, extra: "C", want: "A B C",
	},
	{
		name:  "the first system file that exists",
		files: map[string]string{"sys2": "A", "sys3": "B"}, sysFile: []string{"sys1", "sys2", "sys3"}, extra: "C", want: "A C",
	},
	{
		name:  "system folders when there is no system file",
		files: map[string]string{"dir1/a": "A", "dir1/b": "B", "dir2/a": "D"}, sysFile: []string{"sys"},
		sysDirs: []string{"dir0", "dir1", "dir2"}, extra: "C", want: "A B D C",
	},
	{
		name:  "no system folders when there is a system file",
		files: map[string]string{"sys": "A", "dir1/b": "B"}, sysFile: []string{"sys"}, sysDirs: []string{"dir1"}, extra: "C", want: "A C",
	},
	{name: "no roots at all", extra: "C", want: "C"},
	{name: "nothing", want: ""},
	{
		name:  "the user's file in place of the system's",
		files: map[string]string{"sys": "A", "mine": "B"}, sysFile: []string{"sys"}, file: "mine", extra: "C", want: "B C",
	},
	{
		name:  "the user's folders beside the system's file",
		files: map[string]string{"sys": "A", "dir1/x": "B", "dir2/y": "D"}, sysFile: []string{"sys"},
		dirs: []string{"dir1", "missing", "dir2"}, extra: "C", want: "A B D C",
	},
	{
		name:  "the user's folders in place of the system's",
		files: map[string]string{"dir1/x": "A", "dir2/y": "B"}, sysDirs: []string{"dir1"}, dirs: []string{"dir2"}, extra: "C", want: "B C",
	},
	{
		name:  "an empty element is not the current folder",
		files: map[string]string{"dir1/x": "A"}, dirs: []string{"", "dir1", ""}, extra: "C", want: "A C",
	},
	{
		name:  "duplicates",
		files: map[string]string{"mine": "A B A", "dir1/x": "B A D"}, file: "mine", dirs: []string{"dir1"}, extra: "A C", want: "A B D C",
	},
	{
		name:  "our CA is there already",
		files: map[string]string{"mine": "A C"}, file: "mine", extra: "C", want: "A C",
	},
	{
		name:  "comments, keys and junk",
		files: map[string]string{"mine": "#comment\n A KEY junk\n BROKEN B TRUSTED NOTDER HEADERS D ----\n"}, file: "mine", extra: "C", want: "A B D C",
	},
	{
		name:  "byte order mark and CRLF",
		files: map[string]string{"mine": "\ufeff CRLF A B"}, file: "mine", extra: "C", want: "A B C",
	},
	{
		name:  "folders with other things in them",
		files: map[string]string{"dir1/README": "read me\n", "dir1/key": "KEY", "dir1/sub/x": "B", "dir1/a": "A"}, dirs: []string{"dir1"},
		extra: "C", want: "A C",
	},
	{
		name: "the user's file is missing", file: "mine", extra: "C",
		wantErr: "SSL_CERT_FILE=$DIR/mine: ",
	},
	{
		name:  "the user's file is a folder",
		files: map[string]string{"mine/x": "A"}, file: "mine", extra: "C", wantErr: "SSL_CERT_FILE=$DIR/mine: ",
	},
	{
		name:  "the user's file is empty",
		files: map[string]string{"mine": ""}, file: "mine", extra: "C",
		wantErr: "SSL_CERT_FILE=$DIR/mine: no certificates in it (want PEM blocks, -----BEGIN CERTIFICATE-----)",
	},
	{
		name:  "the user's file has a key only",
		files: map[string]string{"mine": "KEY"}, file: "mine", extra: "C", wantErr: "SSL_CERT_FILE=$DIR/mine: no certificates in it",
	},
	{
		name:  "the user's file is no text",
		files: map[string]string{"mine": "\x00\x01\x02"}, file: "mine", extra: "C", wantErr: "SSL_CERT_FILE=$DIR/mine: no certificates in it",
	},
	{
		name:  "the user's file is huge",
		files: map[string]string{"mine": "HUGE"}, file: "mine", extra: "C", wantErr: "SSL_CERT_FILE=$DIR/mine: larger than 16 MiB",
	},
	{name: "our CA is not PEM", extra: "junk", wantErr: "our own CA is not a PEM certificate"},
}

// expand replaces the words of a test's file by what they stand for.
func expand(text string, letters []string) string {
	if text == "HUGE" {
		return strings.Repeat("#", maxBundle+1)
	}
	block := func(kind string, der []byte, headers map[string]string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der, Headers: headers}))
	}
	der, _ := pem.Decode([]byte(letters[5]))
	words := map[string]string{
		"KEY":     block(blockKey, []byte("secret"), nil),
		"BROKEN":  "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		"TRUSTED": block("TRUSTED CERTIFICATE", der.Bytes, nil),
		"NOTDER":  block(blockCertificate, []byte("no certificate"), nil),
		"HEADERS": block(blockCertificate, der.Bytes, map[string]string{"Proc-Type": "x"}),
	}
	crlf := strings.Contains(text, "CRLF")
	var out strings.Builder
	for _, word := range strings.Split(strings.ReplaceAll(text, "CRLF ", ""), " ") {
		switch {
		case len(word) == 1 && word[0] >= 'A' && word[0] <= 'E':
			out.WriteString(letters[word[0]-'A'])
		case words[word] != "":
			out.WriteString(words[word])
		default:
			out.WriteString(word)
		}
	}
	if crlf {
		return strings.ReplaceAll(out.String(), "\n", "\r\n")
	}
	return out.String()
}

func TestBundle(t *testing.T) {
	letters := certs(t, 6)
	for _, tt := range bundleTests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			at := func(names []string) []string {
				paths := make([]string, len(names))
				for i, name := range names {
					if name != "" {
						paths[i] = filepath.Join(dir, name)
					}
				}
				return paths
			}
			for name, text := range tt.files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				writeFile(t, dir, name, []byte(expand(text, letters)))
			}
			env := map[string]string{"SSL_CERT_DIR": strings.Join(at(tt.dirs), string(os.PathListSeparator))}
			if tt.file != "" {
				env["SSL_CERT_FILE"] = filepath.Join(dir, tt.file)
			}
			getenv := func(key string) string { return env[key] }
			got, err := bundleFrom([]byte(expand(tt.extra, letters)), getenv, at(tt.sysFile), at(tt.sysDirs))
			if tt.wantErr != "" {
				want := strings.ReplaceAll(tt.wantErr, "$DIR/", dir+string(filepath.Separator))
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("error %v, want one line with %q", err, want)
				}
				if env["SSL_CERT_FILE"] != "" && strings.Count(err.Error(), dir) != 1 {
					t.Errorf("%v: names the file more than once", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := expand(tt.want, letters); string(got) != want {
				t.Errorf("got %s, want %s", letterNames(got, letters), tt.want)
			}
		})
	}
}

// letterNames says which certificates are in a bundle.
func letterNames(bundle []byte, letters []string) string {
	text := string(bundle)
	for i, letter := range letters {
		text = strings.ReplaceAll(text, letter, fmt.Sprintf("%c ", 'A'+i))
	}
	return text
}

// OpenSSL's folders name each certificate twice, the second time by its hash.
func TestBundleOfLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("making links needs a privilege on Windows")
	}
	letters := certs(t, 2)
	dir, elsewhere := t.TempDir(), t.TempDir()
	writeFile(t, dir, "a.pem", []byte(letters[0]))
	writeFile(t, elsewhere, "b.pem", []byte(letters[1]))
	for from, to := range map[string]string{
		"0a0b0c0d.0": "a.pem",
		"b.pem":      filepath.Join(elsewhere, "b.pem"),
		"gone.pem":   filepath.Join(elsewhere, "gone.pem"),
	} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(key string) string { return map[string]string{"SSL_CERT_DIR": dir}[key] }
	got, err := bundleFrom(nil, getenv, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := letters[0] + letters[1]; string(got) != want {
		t.Errorf("got %q, want both certificates once", letterNames(got, letters))
	}
}

// The bundle must hold every root that Go itself would take from the system.
func TestBundleOfThisSystem(t *testing.T) {
	files, dirs := systemRoots()
	none := func(string) string { return "" }
	first := &bundle{seen: map[[32]byte]bool{}}
	if !first.addFirst(files) {
		t.Skipf("no roots file on this system (looked for %s and in %s)", files, dirs)
	}
	extra := mustNew(t)
	got, err := Bundle(extra.CertPEM(), none)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rest := got; ; n++ {
		block, next := pem.Decode(rest)
		if block == nil {
			break
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			t.Errorf("certificate %d: %v", n, err)
		}
		rest = next
	}
	if want := len(first.seen) + 1; n != want {
		t.Errorf("%d certificates, want the system's %d and ours", n, want-1)
	}
	if !bytes.HasSuffix(got, extra.CertPEM()) {
		t.Error("our CA is not the last one")
	}
}

// syntheticBundle is like the file of a usual Debian: 150 certificates with comments.
func syntheticBundle(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ca-certificates.crt")
	var text strings.Builder
	for i := range 150 {
		der := append([]byte{0x30, 0x82, 0x04, 0x00}, bytes.Repeat([]byte{byte(i)}, 1024)...)
		fmt.Fprintf(&text, "# certificate %d\n", i)
		pem.Encode(&text, &pem.Block{Type: blockCertificate, Bytes: der})
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func BenchmarkBundle(b *testing.B) {
	path := syntheticBundle(b)
	extra := mustNew(b).CertPEM()
	getenv := func(key string) string { return map[string]string{"SSL_CERT_FILE": path}[key] }
	for b.Loop() {
		if _, err := Bundle(extra, getenv); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzBundle: whatever a file holds, the bundle is made of certificate blocks only, and
// bundling it again changes nothing.
func FuzzBundle(f *testing.F) {
	letters := certs(f, 6)
	for _, tt := range bundleTests {
		for name, text := range tt.files {
			if text != "HUGE" {
				f.Add([]byte(name), []byte(expand(text, letters)))
			}
		}
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		b := &bundle{seen: map[[32]byte]bool{}}
		b.add(first)
		b.add(second)
		once := bytes.Clone(b.out.Bytes())
		again := &bundle{seen: map[[32]byte]bool{}}
		if n := again.add(once); n != len(b.seen) {
			t.Errorf("%d certificates became %d", len(b.seen), n)
		}
		if !bytes.Equal(again.out.Bytes(), once) {
			t.Errorf("bundled twice: %q, once: %q", again.out.Bytes(), once)
		}
		for line := range strings.Lines(string(once)) {
			if strings.HasPrefix(line, "-----BEGIN") && line != "-----BEGIN CERTIFICATE-----\n" {
				t.Errorf("bundle has the block %q", line)
			}
		}
	})
}
