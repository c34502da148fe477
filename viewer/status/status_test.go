package status

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// terminal is what was written, and the screen that comes of it.
type terminal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.Write(p)
}

func (t *terminal) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.buf.Reset()
	return t.buf.String()
}

// last is the line that was drawn last.
func (t *terminal) last() string {
	_, line, _ := cutLast(t.take(), below)
	line, _, _ = strings.Cut(line, back)
	return line
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func zip(id uint64, start time.Time, bytes int64, done bool) recorder.Event {
	x := &recorder.Exchange{ID: id, Start: start, URL: "https://proxy.golang.org/x", Done: done}
	x.Go = gomod.Request{Kind: gomod.Zip, Module: "golang.org/x/text", Version: "v0.43.0"}
	x.Response.BodySize = bytes
	if done {
		x.Status = 200
	}
	return recorder.Event{Exchange: x}
}

func TestLineFollowsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, tty := recorder.NewLog(), &terminal{}
		s := Start(Config{Log: log, Out: tty, Live: true, Width: func() int { return 100 }})
		step := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := tty.last(); got != want {
				t.Errorf("the line is %q, want %q", got, want)
			}
		}
		step(time.Second, "")
		began := time.Now()
		log.Append(zip(1, began, 0, false))
		log.Append(zip(2, began.Add(time.Millisecond), 0, false))
		step(1200*time.Millisecond, "2 in flight · 0 done · 0 B · oldest 1.2s zip golang.org/x/text@v0.43.0")
		log.Append(zip(2, began, 3_000_000, true))
		step(300*time.Millisecond, "1 in flight · 1 done · 3.0 MB · 2.1 MB/s · oldest 1.5s zip golang.org/x/text@v0.43.0")
		step(10*time.Second, "1 in flight · 1 done · 3.0 MB · 0 bytes for 10 s · oldest 11 s zip golang.org/x/text@v0.43.0")
		log.Append(zip(1, began, 1_000_000, true))
		step(200*time.Millisecond, "0 in flight · 2 done · 4.0 MB")
		time.Sleep(hideAfter)
		synctest.Wait()
		if got := tty.take(); !strings.HasSuffix(got, erase) {
			t.Errorf("the idle line was not taken away: %q", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := tty.take(); got != "" {
			t.Errorf("%q was written while idle", got)
		}
		log.Close()
		s.Stop()
	})
}

func TestATunnelThatIsNotAnsweredIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, tty := recorder.NewLog(), &terminal{}
		s := Start(Config{Log: log, Out: tty, Live: true, Color: true, Width: func() int { return 100 }})
		tunnel := recorder.Tunnel{ID: 1, Target: "corp.example:443", Start: time.Now()}
		log.Append(recorder.Event{Tunnel: &tunnel})
		time.Sleep(12 * time.Second)
		synctest.Wait()
		want := "0 in flight · 0 done · 0 B · \x1b[33m0 bytes for 11 s\x1b[0m · connecting to corp.example:443 12 s"
		if got := tty.last(); got != want {
			t.Errorf("the line is %q, want %q", got, want)
		}
		failed := tunnel
		failed.Err = &recorder.Error{Op: "dial", Msg: "refused"}
		log.Append(recorder.Event{Tunnel: &failed})
		time.Sleep(redrawEvery)
		synctest.Wait()
		if got := tty.take(); got != erase {
			t.Errorf("%q was written, want the line taken away", got)
		}
		log.Close()
		s.Stop()
	})
}

func TestDrawsAtMostTenTimesASecondAndLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, tty := recorder.NewLog(), &terminal{}
		s := Start(Config{Log: log, Out: tty, Live: true, Width: func() int { return 40 }})
		began := time.Now()
		for i := range int64(1000) {
			log.Append(zip(1, began, i*1000, false))
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		got := tty.take()
		if n := strings.Count(got, below); n > 10 {
			t.Errorf("drawn %d times in a second", n)
		}
		if strings.ContainsAny(got, "\n") {
			t.Errorf("a line feed was written: %q", got)
		}
		for _, part := range strings.Split(got, below)[1:] {
			if line, _, _ := strings.Cut(part, back); len([]rune(line)) > 39 {
				t.Errorf("the line %q does not fit", line)
			}
		}
		log.Close()
		s.Stop()
		if got := tty.take(); !strings.HasSuffix(got, erase) || strings.HasSuffix(got, back) {
			t.Errorf("at the end the line stays: %q", got)
		}
	})
}

func TestNothingIsDrawnInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, tty := recorder.NewLog(), &terminal{}
		s := Start(Config{Log: log, Out: tty, Live: true, Visible: func() bool { return false }})
		log.Append(zip(1, time.Now(), 0, false))
		time.Sleep(time.Second)
		log.Close()
		s.Stop()
		if got := tty.take(); got != "" {
			t.Errorf("%q was written", got)
		}
	})
}

func TestWithoutATerminalThereIsNothing(t *testing.T) {
	log, tty := recorder.NewLog(), &terminal{}
	s := Start(Config{Log: log, Out: tty})
	log.Append(zip(1, time.Now(), 0, true))
	if _, err := s.Write([]byte("a warning\n")); err != nil {
		t.Fatal(err)
	}
	log.Close()
	s.Stop()
	if got := tty.take(); got != "a warning\n" {
		t.Errorf("%q was written", got)
	}
}

func TestVerboseLines(t *testing.T) {
	ms := func(n int) recorder.Span { return recorder.Span(n) * recorder.Span(time.Millisecond) }
	ok := zip(1, time.Now(), 8_600_000, true)
	ok.Exchange.Server = recorder.Marks{WroteHeaders: ms(1), WroteRequest: ms(1), FirstByte: ms(25), LastByte: ms(1240), End: ms(1240)}
	bad := recorder.Event{Exchange: &recorder.Exchange{
		ID: 2, Method: "GET", URL: "https://corp.example/a%1b[2J/b", Done: true, Client: recorder.Marks{End: ms(30000)},
		Err: &recorder.Error{Op: "dial", Msg: "dial tcp 10.1.2.3:443: i/o timeout"},
	}}
	mirrored := zip(3, time.Now(), 10, true)
	mirrored.Exchange.Status, mirrored.Exchange.SentTo = 404, "https://mirror.example/x"
	want := []string{
		"200 zip           golang.org/x/text@v0.43.0  8.6 MB  1.24 s  queue 1.0 ms, wait 24 ms, receive 1.22 s",
		"--- GET           corp.example/a·[2J/b  0 B  30.0 s  dial: dial tcp 10.1.2.3:443: i/o timeout",
		"404 zip           golang.org/x/text@v0.43.0  10 B  0.0 ms  sent to https://mirror.example/x",
	}
	log, tty := recorder.NewLog(), &terminal{}
	s := Start(Config{Log: log, Out: tty, Verbose: true})
	log.Append(zip(1, time.Now(), 0, false))
	for _, e := range []recorder.Event{ok, bad, mirrored} {
		log.Append(e)
	}
	log.Close()
	s.Stop()
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", tty.take()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
