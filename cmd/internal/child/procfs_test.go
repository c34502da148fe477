package child

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const aStat = "4711 (git-remote-http) S 4700 4711 4600 34816 4711 4194304 2113 1045 3 0 12 34 5 6 20 0 2 0 889231 35000320 2561 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0\n"

func TestParseStat(t *testing.T) {
	want := status{state: 'S', threads: 2, proc: proc{id: procID{born: 889231}, parent: 4700, name: "git-remote-http", cpu: 460 * time.Millisecond, waited: 110 * time.Millisecond}}
	zombie := want
	zombie.state, zombie.ended, zombie.exiting, zombie.name = 'Z', true, true, "a) S 1 (b"
	exiting := want
	exiting.state, exiting.exiting = 'R', true
	for _, tt := range []struct {
		text string
		want status
		ok   bool
	}{
		{aStat, want, true},
		{"4711 (a) S 1 (b) Z" + aStat[len("4711 (git-remote-http) S"):], zombie, true},
		{strings.Replace(strings.Replace(aStat, " S ", " R ", 1), " 4194304 ", " 4194308 ", 1), exiting, true},
		{"", status{}, false},
		{"4711 (git) S 4700", status{}, false},
		{"4711 )git( S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22", status{}, false},
	} {
		got, ok := parseStat([]byte(tt.text))
		if ok != tt.ok {
			t.Errorf("parseStat(%q): %v, want %v", tt.text, ok, tt.ok)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(status{}, proc{}, procID{})); ok && diff != "" {
			t.Errorf("parseStat(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestParseIO(t *testing.T) {
	for _, tt := range []struct {
		text          string
		read, written int64
	}{
		{"rchar: 3980\nwchar: 12\nsyscr: 8\nsyscw: 0\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n", 4096, 8192},
		{"rchar: 1\n", -1, -1},
		{"read_bytes: x\nwrite_bytes: -3\n", -1, -1},
		{"", -1, -1},
	} {
		if read, written := parseIO([]byte(tt.text)); read != tt.read || written != tt.written {
			t.Errorf("parseIO(%q): %d, %d; want %d, %d", tt.text, read, written, tt.read, tt.written)
		}
	}
}

func TestAnyWaits(t *testing.T) {
	const held = "1: FLOCK  ADVISORY  WRITE 4711 fe:00:400502 0 EOF\n"
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"nobody", held, false},
		{"ours waits", held + "1: -> FLOCK  ADVISORY  WRITE 12 fe:00:400502 0 EOF\n", true},
		{"ours waits second", held + "1: -> FLOCK  ADVISORY  WRITE 13 fe:00:400502 0 EOF\n1:    -> FLOCK  ADVISORY  WRITE 12 fe:00:400502 0 EOF\n", true},
		{"another waits", held + "1: -> FLOCK  ADVISORY  WRITE 13 fe:00:400502 0 EOF\n", false},
		{"ours waits for itself", "2: FLOCK  ADVISORY  WRITE 12 fe:00:400502 0 EOF\n2: -> FLOCK  ADVISORY  READ 12 fe:00:400502 0 EOF\n", false},
		{"torn", held + "1: -> FLOCK  ADV", false},
	} {
		if got := anyWaits([]byte(tt.text), map[int]proc{12: {}}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestParseQueued(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1073949 2730487 19\n": 2730487, "0 0 0\n": 0, "": 0, "1 x 2": 0, "1 -5 2": 0, "7": 0,
	} {
		if got := parseQueued([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzProcFiles(f *testing.F) {
	f.Add([]byte(aStat))
	f.Add([]byte("read_bytes: 4096\nwrite_bytes: 8192\n"))
	f.Add([]byte("1: FLOCK  ADVISORY  WRITE 4711 fe:00:400502 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 12 fe:00:400502 0 EOF\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, ok := parseStat(b); ok && (s.cpu < 0 || s.waited < 0 || s.threads < 0) {
			t.Errorf("%q: %+v", b, s)
		}
		if read, written := parseIO(b); read < -1 || written < -1 {
			t.Errorf("%q: %d, %d", b, read, written)
		}
		if d := parseQueued(b); d < 0 {
			t.Errorf("%q: %v", b, d)
		}
		if anyWaits(b, nil) {
			t.Errorf("%q: one of none waits", b)
		}
	})
}
