package har

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"modtap/recorder"
)

// killEnv makes the test binary the process that gets killed; its value is the file.
const killEnv = "MODTAP_TEST_HAR_KILL"

func TestMain(m *testing.M) {
	if path := os.Getenv(killEnv); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

// writeUntilKilled records at full speed and prints how many entries it has flushed.
func writeUntilKilled(path string) {
	w, err := Create(path, Options{RotateAt: 2 << 20})
	if err != nil {
		panic(err)
	}
	w.Write(recorder.Event{Session: sampleSession()})
	w.Write(recorder.Event{Conn: sampleConn(7)})
	body := []byte(strings.Repeat("0123456789abcdef", 4096))
	for id := uint64(1); ; id++ {
		x := firstOnConn(id)
		if id%16 == 0 {
			x.Response.Body = body // more than a page: the kernel may stop between two
		}
		w.Write(recorder.Event{Exchange: x})
		if id%5 != 0 && id > 100 {
			continue
		}
		if w.Flush() != nil || w.Missing() > 0 {
			panic(w.Err())
		}
		fmt.Println(id)
	}
}

// TestKill kills a recording process with SIGKILL at random moments: what was flushed is
// there, and the file can be repaired.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	torn := 0
	for range rounds {
		path := filepath.Join(t.TempDir(), "kill.har")
		flushed := killed(t, path, time.Duration(rand.IntN(40))*time.Millisecond)
		rec, err := Open(path)
		if err != nil {
			if flushed > 0 {
				t.Fatalf("open after %d entries: %v", flushed, err)
			}
			continue // killed before Create
		}
		if len(rec.Exchanges) < flushed || flushed > 0 && len(rec.Conns) != 1 {
			t.Fatalf("%d exchanges, %d were flushed; %d conns", len(rec.Exchanges), flushed, len(rec.Conns))
		}
		for i := range rec.Exchanges {
			if rec.Exchanges[i].ID != uint64(i+1) {
				t.Fatalf("exchange %d has id %d", i, rec.Exchanges[i].ID)
			}
		}
		if rec.Repaired {
			torn++
		}
		last := PartPath(path, rec.Parts)
		if _, err := Repair(last); err != nil {
			t.Fatal(err)
		}
		parse(t, last)
		if again, err := Open(path); err != nil || len(again.Exchanges) != len(rec.Exchanges) {
			t.Fatalf("after the repair: %v, %d exchanges, want %d", err, len(again.Exchanges), len(rec.Exchanges))
		}
	}
	t.Logf("%d of %d were torn", torn, rounds)
}

// killed runs writeUntilKilled, kills it and returns how many entries it said it flushed.
func killed(t *testing.T, path string, after time.Duration) (flushed int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if lines.Scan() { // it has begun: the moment is counted from here
		time.AfterFunc(after, func() { cmd.Process.Kill() })
		flushed, _ = strconv.Atoi(lines.Text())
	}
	for lines.Scan() {
		if n, err := strconv.Atoi(lines.Text()); err == nil { // not a torn line
			flushed = max(flushed, n)
		}
	}
	cmd.Wait() // killed
	return flushed
}
