package stream

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var bodyTests = []struct {
	name, path string
	status     int
	want       string
}{
	{"kept", "/api/body/1", 200, "<script>alert(1)</script>"},
	{"kept and empty", "/api/body/2", 200, ""},
	{"not kept", "/api/body/3", 404, ""},
	{"gzip", "/api/body/4", 200, "module example.test/x\n"},
	{"gzip that is none", "/api/body/5", 200, "plain"},
	{"the request's", "/api/body/1?of=request", 200, "want 1234"},
	{"unknown id", "/api/body/99", 404, ""},
	{"no number", "/api/body/1x", 404, ""},
	{"no id", "/api/body/", 404, ""},
}

func TestBody(t *testing.T) {
	log := recorder.NewLog()
	for i, m := range []recorder.Message{
		{Body: []byte("<script>alert(1)</script>"), Mime: "text/html", Kept: true},
		{Body: []byte{}, Kept: true},
		{Note: "zip"},
		{Body: gzipped(t, "module example.test/x\n"), Encoding: "gzip"},
		{Body: []byte("plain"), Encoding: "gzip"},
	} {
		x := &recorder.Exchange{ID: uint64(i + 1), Response: m, Done: true}
		if i == 0 {
			x.Request.Body = []byte("want 1234")
		}
		log.Append(recorder.Event{Exchange: x})
	}
	s := newServer(t, Config{Source: Source{Log: log}})
	for _, tt := range bodyTests {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(s, "GET", tt.path, "Authorization", "Bearer "+token)
			if resp.StatusCode != tt.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, tt.status)
			}
			if tt.status != 200 {
				return
			}
			got, _ := io.ReadAll(resp.Body)
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			h := resp.Header
			if h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(h.Get("Content-Disposition"), "attachment; ") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("a browser might render it: %v", h)
			}
		})
	}
}

// zipOf makes a zip of n files.
func zipOf(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range n {
		h := &zip.FileHeader{Name: fmt.Sprintf("example.test/x@v1.0.0/file%d.go", i), Method: zip.Store}
		if i == 1 {
			h.Modified = time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, strings.Repeat("package x\n", i%3+1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A zip in memory and one in a file are listed alike, without being unpacked.
func TestListing(t *testing.T) {
	dir := t.TempDir()
	sum := strings.Repeat("0a", 32)
	if err := os.Mkdir(filepath.Join(dir, "x.bodies"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.bodies", sum), zipOf(t, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	log := recorder.NewLog()
	for i, m := range []recorder.Message{
		{Body: zipOf(t, 2), Kept: true},
		{BodyFile: "x.bodies/" + sum, Kept: true, Mime: "application/zip"},
		{Body: []byte("PK, but no zip")},
		{Body: zipOf(t, maxListed+1)},
	} {
		log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: uint64(i + 1), Done: true, Response: m}})
	}
	s := newServer(t, Config{Source: Source{Log: log, HAR: func() string { return filepath.Join(dir, "x.har") }}})
	for _, id := range []string{"1", "2"} {
		status, text := ask(s, "/api/body/"+id+"?as=zip")
		var got Listing
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
			t.Fatalf("%d %s: %v", status, text, err)
		}
		for i := range got.Files {
			if got.Files[i].Packed == 0 {
				t.Errorf("%s takes no room", got.Files[i].Name)
			}
			got.Files[i].Packed = 0
		}
		want := Listing{Of: 2, Files: []ZipFile{
			{Name: "example.test/x@v1.0.0/file0.go", Size: 10},
			{Name: "example.test/x@v1.0.0/file1.go", Size: 20, Modified: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)},
		}}
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); d != "" {
			t.Error(d)
		}
	}
	if status, text := ask(s, "/api/body/3?as=zip"); status != 422 || text != `{"error":"the body is not a zip"}`+"\n" {
		t.Errorf("no zip: %d %s", status, text)
	}
	_, text := ask(s, "/api/body/4?as=zip")
	var many Listing
	if err := json.Unmarshal([]byte(text), &many); err != nil || len(many.Files) != maxListed || many.Of != maxListed+1 {
		t.Errorf("%d files of %d: %v", len(many.Files), many.Of, err)
	}
	resp := get(s, "GET", "/api/body/2", "Authorization", "Bearer "+token)
	if b, _ := io.ReadAll(resp.Body); !bytes.Equal(b, zipOf(t, 2)) || !strings.HasSuffix(resp.Header.Get("Content-Disposition"), "2.zip") {
		t.Errorf("%d bytes of the file, %v", len(b), resp.Header)
	}
}

// A zip whose directory would fill the memory is not listed.
func TestListingIsBounded(t *testing.T) {
	entry := append([]byte("PK\x01\x02"), make([]byte, 42)...)
	n := maxDirectory/len(entry) + 1000
	b := bytes.Repeat(entry, n)
	end := append([]byte("PK\x05\x06"), make([]byte, 18)...)
	binary.LittleEndian.PutUint16(end[8:], uint16(n))
	binary.LittleEndian.PutUint16(end[10:], uint16(n))
	binary.LittleEndian.PutUint32(end[12:], uint32(len(b)))
	log := recorder.NewLog()
	log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: 1, Response: recorder.Message{Body: append(b, end...)}}})
	s := newServer(t, Config{Source: Source{Log: log}})
	if status, text := ask(s, "/api/body/1?as=zip"); status != 422 || !strings.Contains(text, "too many files") {
		t.Errorf("%d %.200s", status, text)
	}
}

// Only what modtap itself names is read from beside a recording, and nothing for a
// recording that came from a browser.
func TestBodyFile(t *testing.T) {
	dir := t.TempDir()
	sum := strings.Repeat("a", 64)
	for _, name := range []string{"x.bodies/" + sum, "secret.txt", "x.bodies/secret", "other/" + sum} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret.txt"), filepath.Join(dir, "x.bodies", strings.Repeat("b", 64))); err == nil {
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, "x.bodies", strings.Repeat("c", 64))); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		file    string
		dropped bool
		ok      bool
	}{
		{"x.bodies/" + sum, false, true},
		{"x.bodies/" + sum, true, false},
		{"secret.txt", false, false},
		{"x.bodies/secret", false, false},
		{"other/" + sum, false, false},
		{"../" + filepath.Base(dir) + "/x.bodies/" + sum, false, false},
		{"..bodies/" + sum, false, false},
		{filepath.Join(dir, "x.bodies", sum), false, false},
		{"x.bodies/" + strings.Repeat("c", 64), false, false},
		{"x.bodies/" + strings.Repeat("d", 64), false, false},
		{"", false, false},
	} {
		s := newServer(t, Config{})
		src := s.newSource(Source{Log: recorder.NewLog(), HAR: func() string { return filepath.Join(dir, "x.har") }}, tt.dropped)
		b, err := src.open(&recorder.Message{BodyFile: tt.file, Kept: true})
		if (err == nil) != tt.ok {
			t.Errorf("%q, dropped %v: %v", tt.file, tt.dropped, err)
		}
		if err == nil {
			b.close()
		}
	}
}

// What the Log let go of is taken from the recording.
func TestBodyOfThePast(t *testing.T) {
	log := recorder.NewLog()
	log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: 1, Done: true, Response: recorder.Message{Kept: true, Note: "no longer in memory"}}})
	past := &pastRuns{}
	for _, id := range []uint64{1, 2} {
		past.exchanges = append(past.exchanges, &recorder.Exchange{ID: id, Response: recorder.Message{Body: []byte("from the disk"), Kept: true}})
	}
	s := newServer(t, Config{Source: Source{Log: log, History: past}})
	for _, path := range []string{"/api/body/1", "/api/body/2"} {
		if status, text := ask(s, path); status != 200 || text != "from the disk" {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for _, path := range []string{"/api/body/1?of=request", "/api/body/3"} {
		if status, text := ask(s, path); status != 404 || text != `{"error":"the body was not kept"}`+"\n" {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// What a kept body grows to is bounded, and one that was cut says so.
func TestDecodedIsBounded(t *testing.T) {
	log := recorder.NewLog()
	sizes := []int{maxDecoded - 1, maxDecoded, maxDecoded + 1}
	for i, n := range sizes {
		m := recorder.Message{Encoding: "gzip", Body: gzipped(t, strings.Repeat("x", n)), Kept: true}
		log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: uint64(i + 1), Done: true, Response: m}})
	}
	s := newServer(t, Config{Source: Source{Log: log}})
	for i, size := range sizes {
		resp := get(s, "GET", fmt.Sprint("/api/body/", i+1), "Authorization", "Bearer "+token)
		n, err := io.Copy(io.Discard, resp.Body)
		cut := ""
		if size > maxDecoded {
			cut = fmt.Sprint(maxDecoded)
		}
		if err != nil || int(n) != min(size, maxDecoded) || resp.Header.Get(cutHeader) != cut {
			t.Errorf("of %d bytes %d came, cut %q, want %q; %v", size, n, resp.Header.Get(cutHeader), cut, err)
		}
	}
}
