package har

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/har/hartest"
)

// factsOf is rec as OpenFacts should have read it.
func factsOf(rec *Recording) *Recording {
	if rec == nil {
		return nil
	}
	f := *rec
	f.Exchanges = slices.Clone(rec.Exchanges)
	for i := range f.Exchanges {
		f.Exchanges[i] = f.Exchanges[i].Facts()
	}
	return &f
}

// agree compares what Open and OpenFacts make of the file at path.
func agree(t *testing.T, path string) *Recording {
	t.Helper()
	want, wantErr := Open(path)
	got, err := OpenFacts(path)
	if (err == nil) != (wantErr == nil) || errors.Is(err, ErrNotHAR) != errors.Is(wantErr, ErrNotHAR) {
		t.Fatalf("error %v, want %v", err, wantErr)
	}
	if diff := cmp.Diff(factsOf(want), got); diff != "" {
		t.Fatalf("Open's facts (-) and OpenFacts (+):\n%.3000s", diff)
	}
	return got
}

// usual fails when the file at path is not read quickly.
func usual(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := new(builder).quickly(f, 1, func(header) error { return nil }); err != nil {
		t.Errorf("not read quickly: %v", err)
	}
}

func manyEvents(n int) []recorder.Event { return slices.Collect(hartest.GoCommand(n)) }

func chromeFile(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chrome.har")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(hartest.WriteChrome(f, n), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// quietly is record without a flush for each event.
func quietly(t testing.TB, o Options, events []recorder.Event) string {
	t.Helper()
	w := create(t, o)
	for _, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Path()
}

func TestFactsOfWholeFiles(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/foreign/*.har")
	if err != nil || len(paths) == 0 {
		t.Fatal("no foreign files", err)
	}
	rich := append(richExchanges(), failures()...)
	slices.Reverse(rich) // the order of ids is not that of finishing
	events := append([]recorder.Event{{Session: sampleSession()}, {Tunnel: sampleTunnel(3)}, {Conn: sampleConn(7)}}, exchangeEvents(rich...)...)
	const many = 1000 // of 2 KB and more: more batches than are on their way at once
	paths = append(paths, record(t, Options{Redacted: true}, events...), quietly(t, Options{}, manyEvents(many)), chromeFile(t, many))
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			rec := agree(t, path)
			if len(rec.Exchanges) == 0 || rec.Repaired {
				t.Errorf("%d exchanges, repaired: %t", len(rec.Exchanges), rec.Repaired)
			}
			if rec.Skipped == 0 {
				usual(t, path)
			}
		})
	}
}

// TestFactsOfEveryField fails when a field of recorder.Exchange is written and not read here.
func TestFactsOfEveryField(t *testing.T) {
	var x recorder.Exchange
	var n int
	fill(reflect.ValueOf(&x).Elem(), &n)
	x.Status, x.Request.Header[0].Name, x.Response.Header[0].Name = 404, "User-Agent", "Server"
	agree(t, record(t, Options{}, recorder.Event{Exchange: &x}))
}

func TestFactsOfOddFiles(t *testing.T) {
	for i, tt := range readTests {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "odd.har")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			agree(t, path)
		})
	}
}

// TestFactsOfOddEntries: each is left to encoding/json, which has the last word.
func TestFactsOfOddEntries(t *testing.T) {
	good := string(appendEntry(nil, firstOnConn(1), nil, nil))
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	entries := []string{
		swap(`"method":"GET"`, `"METHOD":"PUT"`), swap(`"method":"GET"`, `"method":"GET","method":"PUT"`), swap(`"method":"GET"`, `"method":null`),
		swap(`"method":"GET"`, `"method":"G\u0045T"`), swap(`"method":"GET"`, `"method":"G\ud83d\ude00"`), swap(`"method":"GET"`, "\"method\":\"G\xff\""),
		swap(`"method":"GET"`, `"method":7`), swap(`"method":"GET"`, `"method":"GET","new":{"a":[1,"\u00e9",true,null,-1.5e-3]}`),
		swap(`"status":200`, `"status":2e2`), swap(`"status":200`, `"status":200.0`), swap(`"status":200`, `"status":"200"`), swap(`"status":200`, `"status":null`),
		swap(`"id":1`, `"id":-1`), swap(`"id":1`, `"id":1e0`), swap(`"id":1`, `"id":18446744073709551615`), swap(`"id":1`, `"Id":5`), swap(`"id":1`, `"id":1,"ſtart":"2026-11-22T06:00:00Z"`),
		swap(`"bodySize":14`, `"bodySize":"14"`), swap(`"bodySize":14`, `"bodySize":14.0`), swap(`"bodySize":14`, `"bodySize":{}`),
		swap(`"overhead_ms":0.033333`, `"overhead_ms":-0.033333`), swap(`"overhead_ms":0.033333`, `"overhead_ms":1e300`), swap(`"overhead_ms":0.033333`, `"overhead_ms":0.0333339`),
		swap(`{"name":"Server","value":"ESF"}`, `{"value":"ESF","name":"Server"}`), swap(`{"name":"Server","value":"ESF"}`, `null`),
		swap(`{"name":"Server","value":"ESF"}`, `{"name":"SERVER","value":"E\"S\tF","comment":"x"}`), swap(`{"name":"Server","value":"ESF"}`, `{"name":"Server"}`),
		swap(`{"name":"Vary","value":"Accept"}`, `{"name":"Vary","value":1}`), swap(`"headers":[`, `"headers":{},"headers":[`),
		swap(`"cache":{}`, `"cache":`+strings.Repeat("[", 80)+strings.Repeat("]", 80)),
		swap(`"start":"`, `"start":"x`), `null`, `7`, `[]`, `{}`, `{"request":{},"response":{}}`,
		string(appendEntry(nil, with(firstOnConn(1), func(x *recorder.Exchange) { x.Status, x.Response.Body = 500, []byte("\"<é\u2028>\" \x00\x7f 😀\n") }), nil, nil)),
	}
	for _, e := range entries {
		path := filepath.Join(t.TempDir(), "odd.har")
		file := `{"log":{"_modtap":{"schema":"` + Schema + `"},"entries":[` + string(appendEntry(nil, reused(2), nil, nil)) + ",\n" + e + `,` + string(appendEntry(nil, reused(3), nil, nil)) + `]}}`
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		if rec := agree(t, path); len(rec.Exchanges)+rec.Skipped != 3 {
			t.Errorf("%d exchanges, %d skipped of\n%s", len(rec.Exchanges), rec.Skipped, e)
		}
	}
	for _, e := range []string{`{"a":tru}`, `{"a":01}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\n\"}", `{"a" 1}`, `{"a":1,}`, `{]`, `{"a":1 "b":2}`, `}`, `,`} {
		path := filepath.Join(t.TempDir(), "torn.har")
		file := `{"log":{"entries":[` + string(appendEntry(nil, reused(2), nil, nil)) + "," + e + `,` + string(appendEntry(nil, reused(3), nil, nil)) + `]}}`
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		if rec := agree(t, path); !rec.Repaired || len(rec.Exchanges) != 1 {
			t.Errorf("%s: %d exchanges, repaired: %t", e, len(rec.Exchanges), rec.Repaired)
		}
	}
}

func TestFactsOfTornFiles(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(quietly(t, Options{}, append([]recorder.Event{{Session: sampleSession()}, {Conn: sampleConn(7)}}, exchangeEvents(firstOnConn(1), reused(2))...)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "torn.har")
	for cut := 0; cut < len(whole); cut += 7 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		agree(t, path)
		if err := os.WriteFile(path, append(whole[:cut:cut], make([]byte, 500)...), 0o600); err != nil {
			t.Fatal(err)
		}
		agree(t, path)
	}
}

func TestFactsOfParts(t *testing.T) {
	t.Parallel()
	path := quietly(t, Options{RotateAt: 400 << 10}, manyEvents(1000))
	rec := agree(t, path)
	if len(rec.Exchanges) != 1000 || rec.Parts < 3 {
		t.Errorf("%d exchanges in %d parts", len(rec.Exchanges), rec.Parts)
	}
	second := PartPath(path, 2)
	whole, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func() []byte{
		func() []byte { return whole[:len(whole)/2] },                                               // torn
		func() []byte { return bytes.Replace(whole, []byte(`"cache":{}`), []byte(`"cache":}`), 1) }, // damaged
		func() []byte { return []byte("{}") },                                                       // another file
	} {
		if err := os.WriteFile(second, change(), 0o600); err != nil {
			t.Fatal(err)
		}
		agree(t, path)
	}
}

// TestFactsOfAFailingDisk: an error of reading is the error.
func TestFactsOfAFailingDisk(t *testing.T) {
	whole, err := os.ReadFile(quietly(t, Options{}, manyEvents(2000)))
	if err != nil {
		t.Fatal(err)
	}
	bad := errors.New("input/output error")
	var b builder
	r := io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), errReader{bad})
	if err := b.quickly(r, int64(len(whole)), func(header) error { return nil }); !errors.Is(err, bad) || len(b.rec.Exchanges) > 0 {
		t.Errorf("%v, %d exchanges", err, len(b.rec.Exchanges))
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// FuzzFacts: whatever the file is, OpenFacts takes it for what Open takes it for.
func FuzzFacts(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantErr := Read(bytes.NewReader(data))
		var b builder
		err := b.quickly(bytes.NewReader(data), int64(len(data)), func(header) error { return nil })
		if errors.Is(err, errUnusual) {
			return // then it is read as Open does it
		}
		if err != nil || wantErr != nil {
			t.Fatalf("error %v, want %v", err, wantErr)
		}
		if diff := cmp.Diff(factsOf(want), b.finish()); diff != "" {
			t.Fatalf("Open's facts (-) and OpenFacts (+):\n%s\n%q", diff, data)
		}
	})
}

func BenchmarkOpenFacts(b *testing.B) {
	const entries = 20_000
	for name, path := range map[string]string{"modtap": quietly(b, Options{}, manyEvents(entries)), "chrome": chromeFile(b, entries)} {
		b.Run(name, func(b *testing.B) {
			fi, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(fi.Size())
			b.ReportAllocs()
			for b.Loop() {
				if rec, err := OpenFacts(path); err != nil || len(rec.Exchanges) != entries {
					b.Fatal(err)
				}
			}
		})
	}
}
