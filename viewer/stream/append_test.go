package stream

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"modtap/recorder"
)

// checkAppend: what is appended of b is what encoding/json makes of it.
func checkAppend(t *testing.T, b Batch) {
	t.Helper()
	if b.Events == nil {
		b.Events = []recorder.Event{}
	}
	want, werr := json.Marshal(b)
	got, err := appendBatch(nil, &b)
	if (err != nil) != (werr != nil) {
		t.Fatalf("error %v, want %v", err, werr)
	}
	if err == nil && string(got) != string(want) {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

// Every field of every struct under an Exchange, alone, and all of them: one that is added
// and forgotten here fails.
func TestAppendExchange(t *testing.T) {
	full := reflect.ValueOf(&recorder.Exchange{}).Elem()
	n := 0
	eachField(full, func(set, unset func()) {
		set()
		x := full.Interface().(recorder.Exchange)
		checkAppend(t, Batch{Events: []recorder.Event{{Exchange: &x}}})
		unset()
		n++
	})
	if n < 90 {
		t.Errorf("only %d fields: the test does not see all", n)
	}
	eachField(full, func(set, _ func()) { set() })
	x := full.Interface().(recorder.Exchange)
	checkAppend(t, Batch{Events: []recorder.Event{{Exchange: &x}, {Exchange: &x}}})
}

// eachField calls do for every field under v, which is a struct; set gives it a value
// that is not zero.
func eachField(v reflect.Value, do func(set, unset func())) {
	for i := range v.NumField() {
		f := v.Field(i)
		plain := func(value any) {
			do(func() { f.Set(reflect.ValueOf(value).Convert(f.Type())) }, f.SetZero)
		}
		switch f.Interface().(type) {
		case time.Time:
			plain(time.Date(2026, 3, 1, 12, 0, 0, 120, time.FixedZone("", -3600)))
			continue
		case []byte:
			plain([]byte("body"))
			continue
		case []string:
			plain([]string{"a", "<b>"})
			continue
		case []recorder.Header:
			plain([]recorder.Header{{Name: "A", Value: "b\n"}, {}})
			continue
		}
		switch f.Kind() {
		case reflect.String:
			plain("a\"b")
		case reflect.Bool:
			plain(true)
		case reflect.Int, reflect.Int64:
			plain(-1_500_000)
			plain(2_000_000)
		case reflect.Uint64:
			plain(uint64(math.MaxUint64))
		case reflect.Struct:
			eachField(f, do)
		case reflect.Pointer:
			whole := reflect.New(f.Type().Elem())
			do(func() { f.Set(whole) }, f.SetZero)
			eachField(whole.Elem(), func(set, unset func()) {
				do(func() { f.Set(whole); set() }, func() { unset(); f.SetZero() })
			})
		default:
			panic(f.Type().String() + ": the test does not know it")
		}
	}
}

func TestAppendBatch(t *testing.T) {
	for _, b := range []Batch{
		{},
		{Seq: math.MaxUint64, Lost: math.MaxUint64, Snapshot: true},
		{Events: []recorder.Event{{}, {Session: &recorder.Session{ID: "s"}}, {End: &recorder.End{At: 3}}, {Exchange: &recorder.Exchange{}}}},
		{Events: []recorder.Event{{Exchange: &recorder.Exchange{Start: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}}}, // an error
	} {
		checkAppend(t, b)
	}
	for _, s := range []recorder.Span{0, 1, -1, 999_999, 1_000_000, 1_000_001, math.MaxInt64, math.MinInt64} {
		checkAppend(t, Batch{Events: []recorder.Event{{Exchange: &recorder.Exchange{Overhead: s, Injected: s}}}})
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("GET", "https://a.test/\u2028<&>\x00\xff", int64(-3), uint64(1))
	f.Fuzz(func(t *testing.T, method, text string, n int64, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		var x recorder.Exchange
		eachField(reflect.ValueOf(&x).Elem(), func(set, _ func()) {
			if r.IntN(2) == 0 {
				set()
			}
		})
		x.Method, x.URL, x.Reason, x.Overhead, x.Status = method, text, text, recorder.Span(n), int(n)
		x.Request.Header = []recorder.Header{{Name: method, Value: text}}
		x.Go.Module, x.Rules = text, []string{method, text}
		checkAppend(t, Batch{Seq: seed, Events: []recorder.Event{{Exchange: &x}}})
	})
}
