package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tuiScreens are screens of view --tui, one after the other, with the keys that lead to each
// and what it shows at least. testdata/tui has them; -update writes them anew.
var tuiScreens = []struct {
	name, keys, shows string
}{
	{"waterfall", "", `ended, exit 0`},
	{"details", "Home Enter", `Server leg`},
	{"findings", "Escape f", `\d+ findings?`},
	{"evidence", "Enter", `evidence|\d+ of \d+`},
	{"filter-error", "Escape / k i n d : z i p p", `did you mean zip`},
	{"filtered", "BSpace Enter", `filter kind:zip`},
	{"modules", "Escape m", `(?i)module`},
	{"hosts", "h", `(?i)host`},
	{"groups", "r g", `by module`},
	{"help", "?", `Moving`},
}

// startView shows a recording of a real go mod download.
func startView(t *testing.T, width, height int) *tmux {
	t.Helper()
	modtap, err := exec.LookPath("modtap")
	if err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs(filepath.Join("..", "..", "recorder", "diagnose", "testdata", "mod-download.har"))
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	return startTmux(t, width, height, home, append(os.Environ(), "MODTAP_HOME="+home, "HOME="+home, "TZ=UTC"), fmt.Sprintf(`
modes=$(stty -g)
%s view --tui %s
echo "modtap ended with $?"
[ "$modes" = "$(stty -g)" ] && echo "the modes are as before"
exec sleep 600
`, modtap, file))
}

// press types keys one after the other. With a key at once behind it Escape is Alt and that
// key: so what it does, which must be seen, is waited for.
func (m *tmux) press(keys ...string) {
	m.t.Helper()
	for _, k := range keys {
		before := ""
		if k == "Escape" {
			before = m.settled("")
		}
		m.keys(k)
		if k == "Escape" {
			m.settled(before)
		}
	}
}

// settled returns the screen once nothing moves on it, and it is another than before.
func (m *tmux) settled(before string) string {
	m.t.Helper()
	const often = 3 // captures in a row that are alike: what was asked for comes a moment later
	last, same := "", 0
	for deadline := time.Now().Add(screenTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // another process draws
		now := m.screen()
		if same++; now != last {
			last, same = now, 1
		}
		if same >= often && now != before {
			return now
		}
	}
	m.t.Fatalf("the screen moves on and on, or is still what it was; it is\n%s", last)
	return ""
}

// golden compares the screen, once it is drawn, with a file.
func (m *tmux) golden(name, shows string) {
	m.t.Helper()
	file := filepath.Join("testdata", "tui", name+".txt")
	m.await(shows)
	if *update {
		now := m.settled("")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	var got string
	for deadline := time.Now().Add(screenTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // another process draws
		if got = m.screen(); got == string(want) {
			return
		}
	}
	m.t.Errorf("%s, want (-), got (+):\n%s", file, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")))
}

// TestTUIScreens goes through the screens of a recording in terminals of two sizes.
func TestTUIScreens(t *testing.T) {
	for _, size := range []string{"80x24", "200x50"} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			var w, h int
			fmt.Sscanf(size, "%dx%d", &w, &h)
			m := startView(t, w, h)
			for _, s := range tuiScreens {
				m.press(strings.Fields(s.keys)...)
				m.golden(s.name+"-"+size, s.shows)
			}
			m.press("q")
			m.awaitIn(m.all, `(?m)^modtap ended with 0$\n^the modes are as before$`)
			m.plain()
		})
	}
}

// TestTUIResize: after any resize the screen is the one of that size, and nothing is left of
// what was there before. (The renderer once left text of the details under the help.)
func TestTUIResize(t *testing.T) {
	m := startView(t, 80, 24)
	m.await(tuiScreens[0].shows)
	m.press("Home", "Enter")
	m.await(`Server leg`)
	m.resize(200, 50)
	m.golden("details-200x50", `Server leg`)
	m.resize(80, 24)
	m.golden("details-80x24", `Server leg`)
	m.resize(200, 50)
	m.await(`Connection`)
	m.press("?")
	m.golden("help-over-details-200x50", `Moving`)
	m.resize(30, 6)
	m.await(`modtap needs`)
	m.resize(80, 24)
	m.await(`Moving`)
	m.press("?")
	m.golden("waterfall-80x24", `ended`)
	m.press("C-c")
	m.awaitIn(m.all, `(?m)^modtap ended with 0$\n^the modes are as before$`)
	m.plain()
}
