package main

import (
	"context"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/har"
)

// account compares the recording with what clients and the origin counted: every request is
// as many entries as it was sent times, with the client's status and bytes.
func (s *soak) account(t *testing.T) {
	t.Helper()
	rec, err := har.Open(s.file)
	if err != nil {
		t.Fatal(err)
	}
	if rec.End == nil || rec.Lost > 0 || rec.Missing > 0 || rec.Repaired {
		t.Errorf("the recording is not complete: end %v, %d lost, %d missing", rec.End, rec.Lost, rec.Missing)
	}
	entries := map[int][]*recorder.Exchange{}
	for i := range rec.Exchanges {
		x := &rec.Exchanges[i]
		entries[idOf(x.URL)] = append(entries[idOf(x.URL)], x)
	}
	asked := s.askedOfOrigin(t)
	wrong := 0
	report := func(format string, args ...any) {
		if wrong++; wrong <= 20 {
			t.Errorf(format, args...)
		}
	}
	total, tunnels, plain, twice := 0, 0, 0, 0
	for id, want := range s.expected {
		total += want.entries
		if s.names[id] == "plain HTTP" {
			plain++
		}
		if want.rawTunnel {
			tunnels++
		}
		got, again := withoutResent(entries[id])
		twice += again
		delete(entries, id)
		if len(got) != want.entries || asked[id] != want.origin {
			report("%s (n=%d): %d entries, want %d; the origin was asked %d times, want %d", s.names[id], id, len(got), want.entries, asked[id], want.origin)
			continue
		}
		for _, x := range got {
			checkOutcome(report, s.names[id], id, x, want)
		}
	}
	for id, left := range entries {
		report("%d entries that nobody sent, n=%d: %s, %v", len(left), id, left[0].URL, left[0].Err)
	}
	if twice > 1+total*resent/1_000_000 {
		t.Errorf("%d requests were sent again by their clients", twice)
	}
	if seen := int(s.plainSeen.Load()); seen != plain {
		t.Errorf("the plain server was asked %d times, clients asked %d times", seen, plain)
	}
	if raw := rawTunnels(rec); rec.LeftOut == 0 && raw != tunnels {
		t.Errorf("%d raw tunnels, want %d", raw, tunnels)
	}
	t.Logf("%d actions, %d requests, %d entries, %d of them of requests that clients sent again, %d raw tunnels, %d wrong; %s",
		len(s.expected), total, len(rec.Exchanges), twice, tunnels, wrong, s.faultList())
}

func rawTunnels(rec *har.Recording) (n int) {
	for _, tn := range rec.Tunnels {
		if tn.Kind == "raw" {
			n++
		}
	}
	return n
}

// withoutResent leaves out what the client sent again because its connection ended with the
// request on its way; see resent.
func withoutResent(all []*recorder.Exchange) (rest []*recorder.Exchange, again int) {
	for _, x := range all {
		if len(all) > 1 && x.Status == 0 && x.Err != nil && x.Err.Msg == "the server closed the connection" {
			again++
			continue
		}
		rest = append(rest, x)
	}
	return rest, again
}

func checkOutcome(report func(string, ...any), name string, id int, x *recorder.Exchange, want sent) {
	status := x.Status
	if x.Method == "CONNECT" {
		status = 0 // the client's library does not tell
	}
	if status != want.status && !(want.failed && want.status == 0) || (x.Err != nil) != want.failed {
		report("%s (n=%d): status %d, error %v; the client saw status %d, failure %v", name, id, x.Status, x.Err, want.status, want.failed)
	}
	if want.bytes >= 0 && x.Response.BodySize != want.bytes {
		report("%s (n=%d): %d bytes recorded, the client got %d", name, id, x.Response.BodySize, want.bytes)
	}
	if tm := x.Server.Timings(); x.Server.End > 0 && tm.Total() != x.Server.End {
		report("%s (n=%d): the phases %+v sum to %v, it took %v", name, id, tm, tm.Total(), x.Server.End)
	}
}

// hostID is the number in a host name of noRequest's.
var hostID = regexp.MustCompile(`^[a-z-]+-(\d+)\.`)

// idOf is the number of a request, -1 when it has none.
func idOf(raw string) int {
	u, err := url.Parse(raw)
	if err != nil {
		return -1
	}
	text := u.Query().Get("n")
	if m := hostID.FindStringSubmatch(u.Host); text == "" && m != nil {
		text = m[1]
	}
	id, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return id
}

// askedOfOrigin is how often the origin saw each request.
func (s *soak) askedOfOrigin(t *testing.T) map[int]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.o.Wait(ctx); err != nil {
		t.Error(err)
	}
	asked := map[int]int{}
	for _, r := range s.o.Requests() {
		asked[idOf(r.URL)]++
	}
	return asked
}
