// Package gittrace reads what git writes about itself for GIT_TRACE2_EVENT: which remotes
// it talked to, how, and how long. It sees what a proxy cannot: ssh, and the https that a
// user's own settings lead elsewhere.
//
// It is apart from the child package, which only sets the variable, and from recorder,
// which knows no files of other programs. What must never happen here: trusting a file to
// be whole, or small. git may be killed in the middle of a line.
package gittrace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// MaxFiles bounds the files, one for each process of git, that are written and read.
	MaxFiles = 20_000
	// maxFile bounds what is read of one; a fetch writes about 10 KB.
	maxFile = 256 << 10
	// maxTotal bounds what is read of all.
	maxTotal = 64 << 20
	// maxRemotes bounds what is told.
	maxRemotes = 10_000
)

// Vars are the variables that make git write its trace to dir, an absolute path. The bound
// would hold for traces of other kinds too, so it is not set where the user's environment
// has any.
func Vars(dir string, has func(name string) bool) [][2]string {
	vars := [][2]string{{"GIT_TRACE2_EVENT", dir}}
	if !has("GIT_TRACE2") && !has("GIT_TRACE2_PERF") && !has("GIT_TRACE2_MAX_FILES") {
		vars = append(vars, [2]string{"GIT_TRACE2_MAX_FILES", fmt.Sprint(MaxFiles)})
	}
	return vars
}

// A Remote is one conversation of git with a remote repository.
type Remote struct {
	Transport string // ssh, https or http
	Host      string // as on the command line: git@host of ssh, with ":port" where one is given
	URL       string // of https and http, without user and password
	Name      string // of the remote (origin), or its URL again
	Start     time.Time
	Took      time.Duration
	Ended     bool // Took and Code are known
	Code      int  // exit code of the program that talked
}

// A Trace is what a folder of traces tells.
type Trace struct {
	Remotes   []Remote // in the order of starting
	Processes int      // of git
	// Incomplete: there was more than the bounds allow.
	Incomplete bool
}

// ReadDir reads every trace in dir. What cannot be read is left out.
func ReadDir(dir string) Trace {
	var t Trace
	d, err := os.Open(dir)
	if err != nil {
		return t
	}
	defer d.Close()
	names, _ := d.Readdirnames(MaxFiles + 1) // what was read counts
	slices.Sort(names)                       // they start with the time
	total := 0
	for _, name := range names {
		if name == "git-trace2-discard" { // git's own note that there are MaxFiles
			t.Incomplete = true
			continue
		}
		t.Processes++
		b, more := readFile(filepath.Join(dir, name))
		if total += len(b); total > maxTotal || t.Processes > MaxFiles || len(t.Remotes) >= maxRemotes {
			t.Incomplete = true
			break
		}
		t.Incomplete = t.Incomplete || more
		t.Remotes = append(t.Remotes, Parse(b)...)
	}
	slices.SortStableFunc(t.Remotes, func(a, b Remote) int { return a.Start.Compare(b.Start) })
	return t
}

// readFile reads a regular file up to the bound; more says that there is more of it.
func readFile(path string) (b []byte, more bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	b, _ = io.ReadAll(io.LimitReader(f, maxFile+1)) // what was read counts
	return b[:min(len(b), maxFile)], len(b) > maxFile
}

// An event is what is read of a line. The format is that of
// Documentation/technical/api-trace2.txt of git.
type event struct {
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
	ID    int       `json:"child_id"`
	Class string    `json:"child_class"`
	Argv  []string  `json:"argv"`
	Code  int       `json:"code"`
	TRel  float64   `json:"t_rel"` // seconds since child_start
}

// Parse reads the trace of one process, which may be cut off anywhere.
func Parse(b []byte) []Remote {
	var remotes []Remote
	running := map[int]int{} // index by child_id
	for line := range bytes.Lines(b) {
		if !bytes.Contains(line, []byte(`"child_`)) { // most lines are about other things
			continue
		}
		var e event
		if json.Unmarshal(line, &e) != nil || e.Time.IsZero() {
			continue
		}
		switch e.Event {
		case "child_start":
			delete(running, e.ID)
			if r, ok := e.remote(); ok && len(remotes) < maxRemotes {
				running[e.ID] = len(remotes)
				remotes = append(remotes, r)
			}
		case "child_exit":
			if i, ok := running[e.ID]; ok {
				r := &remotes[i]
				r.Ended, r.Code, r.Took = true, e.Code, seconds(e.TRel)
				delete(running, e.ID)
			}
		}
	}
	return remotes
}

// seconds is a span of a trace, which is neither negative nor longer than a year.
func seconds(s float64) time.Duration {
	const year = 365 * 24 * 3600
	return time.Duration(max(0, min(s, year)) * float64(time.Second))
}

// remote tells whom a child that was started talks to.
func (e *event) remote() (Remote, bool) {
	r := Remote{Start: e.Time}
	n := len(e.Argv)
	switch e.Class {
	case "transport/ssh": // ssh [-o …] [-p PORT] HOST COMMAND, see git's connect.c
		if n < 3 {
			return r, false
		}
		r.Transport, r.Host = "ssh", e.Argv[n-2]
		for i, arg := range e.Argv[1 : n-2] {
			if arg == "-p" || arg == "-P" { // plink's
				r.Host += ":" + e.Argv[i+2]
				break
			}
		}
	case "remote-https", "remote-http": // git remote-https NAME URL, see transport-helper.c
		if n < 4 {
			return r, false
		}
		u, err := url.Parse(withoutUser(e.Argv[n-1]))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return r, false
		}
		r.Transport, r.Host, r.URL = u.Scheme, u.Host, u.String()
		if r.Name = e.Argv[n-2]; strings.Contains(r.Name, "://") {
			r.Name = r.URL
		}
	default:
		return r, false
	}
	return r, printable(r.Host) && printable(r.URL) && printable(r.Name)
}

// withoutUser cuts the userinfo off rawURL. git 2.44 and later write user:<REDACTED>@ there,
// which is no URL to net/url.
func withoutUser(rawURL string) string {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	authority, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + rest[strings.LastIndexByte(authority, '@')+1:]
}

// printable reports whether s may be shown: a host or URL is ASCII without spaces.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
