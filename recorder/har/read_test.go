package har

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

func TestReadForeign(t *testing.T) {
	rec, err := Open("testdata/foreign/chrome.har")
	if err != nil {
		t.Fatal(err)
	}
	if !rec.Foreign || rec.Repaired || rec.Skipped != 3 || rec.Parts != 1 || rec.End != nil || len(rec.Exchanges) != 3 {
		t.Fatalf("recording %+v", rec)
	}
	start := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	if diff := cmp.Diff(&recorder.Session{Tool: "WebInspector 537.36", Mode: "har", Start: start}, rec.Session); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	first, second, failed := rec.Exchanges[0], rec.Exchanges[1], rec.Exchanges[2]
	first.Go, second.Go = recorder.Exchange{}.Go, recorder.Exchange{}.Go
	want := recorder.Exchange{
		ID: 1, Conn: 1, Start: start, Method: "GET", URL: "https://proxy.golang.org/rsc.io/quote/@v/list", Proto: "HTTP/2.0",
		Remote: "[2a00:1450::1]:443", Status: 200, Done: true,
		Server: recorder.Marks{
			DNSStart: ms(1), DNSDone: ms(9), ConnectStart: ms(9), ConnectDone: ms(24), ProxyStart: ms(24), ProxyDone: ms(25), TLSStart: ms(25), TLSDone: ms(50),
			GotConn: ms(50), WroteHeaders: ms(50), WroteRequest: ms(50), FirstByte: ms(110), LastByte: ms(120), End: ms(120),
		},
		Request:  recorder.Message{HeaderSize: -1},
		Response: recorder.Message{HeaderSize: -1, BodySize: 14, Mime: "text/plain", Body: []byte("v1.5.1\nv1.5.2\n"), Kept: true},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("first exchange (-want +got):\n%s", diff)
	}
	if second.ID != 2 || second.Conn != 1 || !second.Server.Reused || second.Response.BodySize != 204 || !bytes.Equal(second.Response.Body, []byte{0xff}) {
		t.Errorf("second exchange %+v", second)
	}
	if diff := cmp.Diff(&recorder.Error{Op: "dns", Msg: "net::ERR_NAME_NOT_RESOLVED"}, failed.Err); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	conn := recorder.Conn{
		ID: 1, Target: "proxy.golang.org:443", Scheme: "https", Start: start, Remote: "[2a00:1450::1]:443", Exchanges: 2,
		Marks: recorder.Marks{
			DNSStart: ms(1), DNSDone: ms(9), ConnectStart: ms(9), ConnectDone: ms(24),
			ProxyStart: ms(24), ProxyDone: ms(25), TLSStart: ms(25), TLSDone: ms(50),
		},
	}
	if diff := cmp.Diff([]recorder.Conn{conn}, rec.Conns); diff != "" {
		t.Errorf("conns (-want +got):\n%s", diff)
	}
}

// TestForeignTimings: what a file says of its phases is what Timings gives again.
func TestForeignTimings(t *testing.T) {
	for _, tt := range []struct {
		timings, time string
		want          recorder.Timings
	}{
		{`{"blocked":2,"_blocked_proxy":1,"dns":8,"connect":40,"ssl":25,"send":1,"wait":60,"receive":10}`, "121",
			recorder.Timings{Blocked: ms(2), Proxy: ms(1), DNS: ms(8), Connect: ms(40), SSL: ms(25), Send: ms(1), Wait: ms(60), Receive: ms(10)}},
		{`{"blocked":3,"dns":-1,"connect":-1,"ssl":-1,"send":1,"wait":60,"receive":10}`, "74",
			recorder.Timings{Blocked: ms(3), DNS: -1, Connect: -1, SSL: -1, Send: ms(1), Wait: ms(60), Receive: ms(10)}},
		{`{"blocked":1,"connect":7,"ssl":130,"send":1,"wait":9,"receive":5}`, "153", // ssl beside connect
			recorder.Timings{Blocked: ms(1), DNS: -1, Connect: ms(137), SSL: ms(130), Send: ms(1), Wait: ms(9), Receive: ms(5)}},
		{`{"blocked":1,"send":1,"wait":9,"receive":5}`, "20", // a surplus is download
			recorder.Timings{Blocked: ms(1), DNS: -1, Connect: -1, SSL: -1, Send: ms(1), Wait: ms(9), Receive: ms(9)}},
	} {
		rec, err := Read(strings.NewReader(`{"log":{"entries":[{"startedDateTime":"2026-11-22T06:00:00Z","time":` + tt.time +
			`,"request":{"url":"https://a.test/"},"response":{"status":200},"timings":` + tt.timings + `}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, rec.Exchanges[0].Server.Timings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.timings, diff)
		}
	}
}

// TestForeignUnknown: what a file does not say is not made up.
func TestForeignUnknown(t *testing.T) {
	const reused = `"connect":-1,"send":0,"wait":60,"receive":10`
	for _, tt := range []struct {
		name, response, time, timings string
		size                          int64
		want                          recorder.Marks
	}{
		{"no time at all", `"status":200,"bodySize":3`, "0", `"send":-1,"wait":-1,"receive":-1`, 3, recorder.Marks{}},
		{"no answer", `"status":0`, "70", `"connect":-1,"send":0,"wait":60,"receive":0`, 0,
			recorder.Marks{Reused: true, GotConn: 1, WroteHeaders: 1, WroteRequest: 1, End: ms(70)}},
		{"never sent", `"status":0`, "5", `"blocked":5,"dns":-1,"connect":-1,"send":0,"wait":0,"receive":0`, 0, recorder.Marks{End: ms(5)}},
		{"no word of a connection", `"status":200`, "70", `"send":0,"wait":60,"receive":10`, 0, answered(false)},
		{"a decoded size", `"status":200,"bodySize":-1,"headers":[{"name":"content-encoding","value":"gzip"}],"content":{"size":4000}`, "70", reused, -1, answered(true)},
		{"what the coding saved", `"status":200,"bodySize":-1,"content":{"size":4000,"compression":3000}`, "70", reused, 1000, answered(true)},
		{"a size without a coding", `"status":200,"bodySize":-1,"content":{"size":4000}`, "70", reused, 4000, answered(true)},
		{"no size", `"status":200,"bodySize":-1,"content":{"size":-1}`, "70", reused, -1, answered(true)},
	} {
		rec, err := Read(strings.NewReader(`{"log":{"entries":[{"startedDateTime":"2026-11-22T06:00:00Z","time":` + tt.time +
			`,"request":{"url":"https://a.test/"},"response":{` + tt.response + `},"timings":{` + tt.timings + `}}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		x := rec.Exchanges[0]
		if diff := cmp.Diff(tt.want, x.Server); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if x.Response.BodySize != tt.size {
			t.Errorf("%s: %d bytes, want %d", tt.name, x.Response.BodySize, tt.size)
		}
	}
}

// answered are the marks of a request that waited for 60 ms and received for 10.
func answered(reused bool) recorder.Marks {
	return recorder.Marks{Reused: reused, GotConn: 1, WroteHeaders: 1, WroteRequest: 1, FirstByte: ms(60), LastByte: ms(70), End: ms(70)}
}

const minimal = `{"startedDateTime":"2026-11-22T06:00:00Z","request":{"url":"https://a.test/"},"response":{}}`

var readTests = []struct {
	name, file string
	exchanges  int
	skipped    int
	repaired   bool
	err        error
}{
	{name: "empty", file: "", err: ErrNotHAR},
	{name: "not JSON", file: "module x\n", err: ErrNotHAR},
	{name: "another JSON", file: `{"a":{"entries":[]}}`, err: ErrNotHAR},
	{name: "a list", file: `[{"log":{}}]`, err: ErrNotHAR},
	{name: "no entries", file: `{"log":{}}`, err: ErrNotHAR},
	{name: "entries is no list", file: `{"log":{"entries":{}}}`, err: ErrNotHAR},
	{name: "torn before the entries", file: `{"log":{"version":"1.2","creat`, err: ErrNotHAR},
	{name: "nothing recorded", file: `{"log":{"entries":[]}}`},
	{name: "one entry", file: `{"log":{"entries":[` + minimal + `]}}`, exchanges: 1},
	{name: "byte order mark", file: "\ufeff" + `{"log":{"entries":[` + minimal + `]}}`, exchanges: 1},
	{name: "trailing NULs", file: `{"log":{"entries":[` + minimal + "]}}\x00\x00", exchanges: 1},
	{name: "the brackets twice", file: `{"log":{"entries":[` + minimal + "]}}]}}", exchanges: 1},
	{name: "unknown members", file: `{"x":[1,{"y":2}],"log":{"z":[[]],"entries":[` + minimal + `]},"log2":{}}`, exchanges: 1},
	{name: "torn behind an entry", file: `{"log":{"entries":[` + minimal, exchanges: 1, repaired: true},
	{name: "torn within an entry", file: `{"log":{"entries":[` + minimal + "," + minimal[:40], exchanges: 1, repaired: true},
	{name: "torn before the first", file: `{"log":{"entries":[`, repaired: true},
	{name: "NULs instead of an entry", file: `{"log":{"entries":[` + minimal + ",\x00\x00\x00", exchanges: 1, repaired: true},
	{name: "torn behind the entries", file: `{"log":{"entries":[` + minimal + `],"comment":"`, exchanges: 1, repaired: true},
	{name: "entries of wrong types", file: `{"log":{"entries":[1,null,"",[],{},` + minimal + `,{"request":1}]}}`, exchanges: 1, skipped: 6},
	{name: "header of wrong types", file: `{"log":{"creator":1,"pages":{},"_modtap":[],"_modtap_end":"x","entries":[` + minimal + `]}}`, exchanges: 1},
	{name: "bad base64", file: `{"log":{"entries":[{"startedDateTime":"2026-11-22T06:00:00Z","request":{"url":"https://a.test/"},"response":{"content":{"text":"!","encoding":"base64"}}}]}}`, skipped: 1},
	{name: "bad start", file: `{"log":{"entries":[{"startedDateTime":"x","request":{"url":"https://a.test/"},"response":{}}]}}`, skipped: 1},
	{name: "ours without an id", file: `{"log":{"entries":[{"request":{"url":"https://a.test/"},"response":{},"_modtap":{}}]}}`, skipped: 1},
	{name: "numbers in quotes", file: `{"log":{"entries":[{"startedDateTime":"2026-11-22T06:00:00+0100","connection":12,"request":{"url":"https://a.test/","bodySize":"12"},"response":{"bodySize":1.5e3}}]}}`, exchanges: 1},
}

func TestRead(t *testing.T) {
	for _, tt := range readTests {
		t.Run(tt.name, func(t *testing.T) {
			rec, err := Read(strings.NewReader(tt.file))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if len(rec.Exchanges) != tt.exchanges || rec.Skipped != tt.skipped || rec.Repaired != tt.repaired {
				t.Errorf("%d exchanges, %d skipped, repaired %v", len(rec.Exchanges), rec.Skipped, rec.Repaired)
			}
		})
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("disk gone")
	r := io.MultiReader(strings.NewReader(`{"log":{"entries":[`+minimal+`,`), iotest.ErrReader(broken))
	if _, err := Read(r); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the reader", err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.HasSuffix(err.Error(), dir+": it is a directory") {
		t.Errorf("directory: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "x.har")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestLastSnapshotOfAnIDWins(t *testing.T) {
	again := with(reused(1), func(x *recorder.Exchange) { x.Status = 500 })
	rec, err := Open(record(t, Options{}, recorder.Event{Exchange: reused(1)}, recorder.Event{Exchange: reused(2)}, recorder.Event{Exchange: again}))
	if err != nil || len(rec.Exchanges) != 2 || rec.Exchanges[0].Status != 500 {
		t.Errorf("%v, %+v", err, rec)
	}
}

// TestTornAnywhere cuts a recording at every byte. Nothing complete may get lost, and the
// repaired file must be whole.
func TestTornAnywhere(t *testing.T) {
	events := append([]recorder.Event{{Session: sampleSession()}, {Conn: sampleConn(7)}}, exchangeEvents(firstOnConn(1), reused(2), reused(3))...)
	whole, err := os.ReadFile(record(t, Options{}, events...))
	if err != nil {
		t.Fatal(err)
	}
	// Behind the list's bracket, and behind each entry.
	ends := []int{bytes.Index(whole, []byte(`"entries":[`)) + len(`"entries":[`)}
	for i := range 3 {
		ends = append(ends, lineEnd(whole, i+1))
	}
	path := filepath.Join(t.TempDir(), "torn.har")
	for cut := range len(whole) {
		complete, near := -1, cut%199 == 0
		for _, end := range ends {
			if cut >= end {
				complete++
			}
			near = near || max(cut-end, end-cut) < 3
		}
		rec, err := Read(bytes.NewReader(whole[:cut]))
		if complete < 0 && !errors.Is(err, ErrNotHAR) || complete >= 0 && (err != nil || len(rec.Exchanges) != complete) {
			t.Fatalf("cut at %d of %d: %v, %+v", cut, len(whole), err, rec)
		}
		if !near { // each repair waits for the disk
			continue
		}
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkTorn(path, complete); err != nil {
			t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
		}
	}
}

// lineEnd is the offset behind the i-th entry.
func lineEnd(file []byte, i int) int {
	at := 0
	for range i {
		at += bytes.IndexByte(file[at:], '\n') + 1
	}
	end := at + bytes.IndexByte(file[at:], '\n')
	if file[end-1] == ',' {
		end--
	}
	return end
}

// checkTorn opens and repairs the file at path, which has complete entries; -1: not even
// the beginning of its list.
func checkTorn(path string, complete int) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rec, err := Open(path)
	if complete < 0 {
		if _, rerr := Repair(path); !errors.Is(err, ErrNotHAR) || !errors.Is(rerr, ErrNotHAR) {
			return fmt.Errorf("open: %v, repair: %v", err, rerr)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if len(rec.Exchanges) != complete {
		return fmt.Errorf("%d exchanges, want %d", len(rec.Exchanges), complete)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(before, now) {
		return errors.New("Open changed the file")
	}
	lost, err := Repair(path)
	if err != nil {
		return fmt.Errorf("repair: lost %d, %v", lost, err)
	}
	after, err := Open(path)
	if err != nil || len(after.Exchanges) != complete || after.Repaired != rec.Repaired {
		return fmt.Errorf("after the repair: %v, %+v", err, after)
	}
	if lost, err := Repair(path); lost != 0 || err != nil {
		return fmt.Errorf("second repair: lost %d, %v", lost, err)
	}
	return nil
}

func TestRepairCutsGarbage(t *testing.T) {
	for name, tail := range map[string]string{"NULs": "\x00\x00\x00", "brackets": "]}}", "far away": strings.Repeat(" ", 9000) + "x"} {
		path := record(t, Options{}, recorder.Event{Exchange: reused(1)})
		whole, _ := os.ReadFile(path)
		os.WriteFile(path, append(whole, tail...), 0o600)
		lost, err := Repair(path)
		if want := int64(len(tail) + 1); err != nil || lost != want { // the line break goes too
			t.Errorf("%s: lost %d, want %d, %v", name, lost, want, err)
		}
		parse(t, path)
	}
}

func TestRepairLeavesTheWholeAlone(t *testing.T) {
	path := record(t, Options{}, recorder.Event{Exchange: reused(1)})
	before, _ := os.ReadFile(path)
	lost, err := Repair(path)
	after, _ := os.ReadFile(path)
	if lost != 0 || err != nil || !bytes.Equal(before, after) {
		t.Errorf("lost %d, %v", lost, err)
	}
	for _, name := range []string{"go.mod", "other.json"} {
		path := filepath.Join(t.TempDir(), name)
		os.WriteFile(path, []byte(`{"dependencies":{}`), 0o600)
		if _, err := Repair(path); !errors.Is(err, ErrNotHAR) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
