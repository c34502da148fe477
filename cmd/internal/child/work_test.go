package child

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// work does what a test wants its child to do, and ends it: words are done one after
// another, as in "burn:300ms,sleep:1s,run:git=burn:200ms".
func work(script string) {
	if script == "" {
		return
	}
	for _, word := range strings.Split(script, ",") {
		verb, arg, _ := strings.Cut(word, ":")
		switch verb {
		case "burn":
			burn(arg)
		case "sleep":
			d, err := time.ParseDuration(arg)
			must(err)
			time.Sleep(d)
		case "write":
			f, err := os.Create(arg)
			must(err)
			_, err = f.Write(make([]byte, 4<<20))
			must(err)
			must(f.Sync())
			must(f.Close())
		case "lock":
			lockFile(arg)
		case "run", "each": // NAME=WORD: a copy of this program under that name; each: 20 times
			name, next, _ := strings.Cut(arg, "=")
			n := 1
			if verb == "each" {
				n = 20
			}
			for range n {
				c := exec.Command(filepath.Join(os.Getenv("CHILD_TEST_DIR"), name))
				c.Env = append(os.Environ(), "CHILD_TEST="+next)
				must(c.Run())
			}
		default:
			must(os.ErrInvalid)
		}
	}
	os.Exit(0)
}

func must(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(99)
	}
}
