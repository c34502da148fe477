package har

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"modtap/recorder"
)

func values[T any](ps []*T) (vs []T) {
	for _, p := range ps {
		vs = append(vs, *p)
	}
	return vs
}

func TestRoundTrip(t *testing.T) {
	session, process := sampleSession(), &recorder.Process{Start: ms(1), End: ms(5000.25), ExitCode: 1, User: ms(900), System: ms(80)}
	finding := &recorder.Finding{ID: "slow-404", Severity: "warn", Title: "4 requests took 3 s", Cost: ms(3000), Evidence: []uint64{1, 2}, Commands: []string{"go env"}}
	end := &recorder.End{At: ms(5100), ExitCode: 1, BlindSpots: []string{"ssh"}, Unseen: []recorder.Unseen{{What: "git over ssh", Target: "git@host", Start: ms(5), Took: ms(700), Cut: true, Why: "x"}}}
	exchanges := append(richExchanges(), failures()...)
	events := []recorder.Event{{Session: session}, {Tunnel: sampleTunnel(3)}, {Conn: sampleConn(7)}, {Conn: sampleConn(8)}, {Conn: sampleConn(9)}}
	for _, x := range slices.Backward(exchanges) { // the order of ids is not that of finishing
		events = append(events, recorder.Event{Exchange: with(x, func(x *recorder.Exchange) { x.Done, x.Status = false, 0 })}, recorder.Event{Exchange: x})
	}
	closed := sampleConn(7)
	closed.Closed, closed.Marks.End = "server", ms(9000)
	events = append(events, recorder.Event{Conn: closed}, recorder.Event{Process: process}, recorder.Event{Finding: finding}, recorder.Event{End: end})

	got, err := Open(record(t, Options{Redacted: true}, events...))
	if err != nil {
		t.Fatal(err)
	}
	want := &Recording{
		Session: session, Process: process, End: end, Exchanges: values(exchanges),
		Conns: values([]*recorder.Conn{closed, sampleConn(8), sampleConn(9)}), Tunnels: []recorder.Tunnel{*sampleTunnel(3)},
		Findings: []recorder.Finding{*finding}, Redacted: true, Parts: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recording (-want +got):\n%s", diff)
	}
}

// TestRoundTripEveryField fails when a field is added to recorder.Exchange and forgotten here.
func TestRoundTripEveryField(t *testing.T) {
	var x recorder.Exchange
	var n int
	fill(reflect.ValueOf(&x).Elem(), &n)
	x.Request.Left, x.Response.Left = false, false // only facts have it
	got, err := Open(record(t, Options{}, recorder.Event{Exchange: &x}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]recorder.Exchange{x}, got.Exchanges); diff != "" {
		t.Errorf("exchange (-want +got):\n%s", diff)
	}
}

// fill gives everything in v a value of its own that is not zero.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(t0.Add(time.Duration(*n))))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", v.Type().Name(), *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n)*1_000_003 + 1)
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(uint64(*n))
	default:
		panic("fill " + v.Type().String())
	}
}

// TestRoundTripOfWhatComesLate: the session anew when its machine is known, and what the
// child's processes did; with entries before that and without.
func TestRoundTripOfWhatComesLate(t *testing.T) {
	session, process, n := *sampleSession(), recorder.Process{}, 0
	session.Environ = &recorder.Environ{}
	fill(reflect.ValueOf(session.Environ).Elem(), &n)
	fill(reflect.ValueOf(&process).Elem(), &n)
	process.Samples[1].Read, process.Samples[1].Written = -1, -1
	for _, exchanges := range [][]*recorder.Exchange{nil, {reused(1)}} {
		events := append([]recorder.Event{{Session: sampleSession()}, {Process: &recorder.Process{Start: ms(1)}}}, exchangeEvents(exchanges...)...)
		got, err := Open(record(t, Options{}, append(events, recorder.Event{Session: &session}, recorder.Event{Process: &process})...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&session, got.Session); diff != "" {
			t.Errorf("session after %d entries (-want +got):\n%s", len(exchanges), diff)
		}
		if diff := cmp.Diff(&process, got.Process); diff != "" {
			t.Errorf("process after %d entries (-want +got):\n%s", len(exchanges), diff)
		}
	}
}

func TestRoundTripBadUTF8(t *testing.T) {
	x := reused(1)
	x.Request.Header = []recorder.Header{{Name: "X", Value: "latin \xe4\xff"}}
	got, err := Open(record(t, Options{}, recorder.Event{Exchange: x}))
	if err != nil {
		t.Fatal(err)
	}
	if v := got.Exchanges[0].Request.Header[0].Value; v != "latin \uFFFD\uFFFD" {
		t.Errorf("header value %q", v)
	}
}

func TestEventsAreThoseOfALog(t *testing.T) {
	log := recorder.NewLog()
	events := []recorder.Event{{Session: sampleSession()}, {Conn: sampleConn(7)}, {Tunnel: sampleTunnel(3)}}
	events = append(events, exchangeEvents(richExchanges()...)...)
	events = append(events, recorder.Event{Process: &recorder.Process{End: ms(3)}},
		recorder.Event{Finding: &recorder.Finding{ID: "a"}}, recorder.Event{End: &recorder.End{At: ms(4)}})
	for _, e := range events {
		log.Append(e)
	}
	want, _ := log.Snapshot()
	rec, err := Open(record(t, Options{}, events...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rec.Events()); diff != "" {
		t.Errorf("events (-live +read):\n%s", diff)
	}
}

// FuzzRoundTrip looks for strings and bodies that do not come back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("https://a.test/x?y=z#f", "Name", "value", []byte("body"), "gzip", int64(5), true)
	f.Add("a.test:443", "ü", "\u2028\x00\x7f", []byte("\xff\x00"), "", int64(-1), false)
	f.Add("", "", "", []byte{}, "identity", int64(1<<40), true)
	f.Fuzz(func(t *testing.T, url, name, value string, body []byte, encoding string, n int64, kept bool) {
		for _, s := range []*string{&url, &name, &value, &encoding} {
			*s = string([]rune(*s)) // JSON has no other strings than UTF-8
		}
		n = min(max(n, -1), 1<<52)
		m := recorder.Message{
			Header: []recorder.Header{{Name: name, Value: value}}, HeaderSize: n, BodySize: n, Mime: value,
			Encoding: encoding, Body: body, Kept: kept, Note: name, SHA256: value,
		}
		x := recorder.Exchange{
			ID: 1, Start: t0, Method: name, URL: url, Proto: value, Remote: url, Reason: value, Request: m, Response: m,
			Server: recorder.Marks{DNSDone: recorder.Span(n), End: recorder.Span(n)}, Overhead: recorder.Span(n), Done: true,
		}
		line := appendEntry(nil, &x, nil, nil)
		file := `{"log":{"_modtap":{"schema":"` + Schema + `"},"entries":[` + string(line) + "]}}"
		got, err := Read(strings.NewReader(file))
		if err != nil || got.Repaired || len(got.Exchanges) != 1 {
			t.Fatalf("read: %v, %+v\n%s", err, got, file)
		}
		if diff := cmp.Diff(x, got.Exchanges[0], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("exchange (-want +got):\n%s\n%s", diff, line)
		}
		for _, c := range line {
			if c == '\n' || c == '\r' {
				t.Errorf("a line break in an entry: %s", line)
			}
		}
	})
}
