package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder"
	"modtap/recorder/har"
)

// A goFailure is something that a server, or the way to it, does to the go command.
type goFailure struct {
	name   string
	knob   origintest.Knob
	shake  origintest.HandshakeFailure
	cert   origintest.CertKind
	proxy  string // GOPROXY; "": the origin
	other  bool   // the go command trusts another CA alone
	vcs    bool   // GOPROXY=direct, with GOINSECURE for the origin, which is at port 443
	proto  string // "": both
	hole   bool   // the proxy's port takes no connection
	passes bool   // the command succeeds
	op     string // that some exchange on record has failed with; "": none has
	status int    // that some exchange on record has
}

var (
	zip  = origintest.Match{Kind: "zip"}
	info = origintest.Match{Kind: "info"}
)

var goFailures = []goFailure{
	{name: "nothing wrong", passes: true, status: 200},
	{name: "no such host", proxy: "https://nosuch.example.test", op: "dns", status: 502},
	{name: "connection refused", proxy: "https://proxy.golang.test:1", op: "dial", status: 502},
	{name: "dial timeout, 30 s", hole: true, proto: "h2", op: "timeout", status: 504},
	{name: "TLS handshake timeout, 10 s", shake: origintest.HandshakeStall, proto: "h2", op: "timeout"},
	{name: "TLS reset", shake: origintest.HandshakeReset, op: "read"},
	{name: "TLS closed", shake: origintest.HandshakeClose, op: "tls"},
	{name: "TLS alert", shake: origintest.HandshakeAlert, op: "tls"},
	{name: "not TLS but HTTP", shake: origintest.HandshakePlain, op: "tls"},
	{name: "unknown authority", cert: origintest.UnknownCA, op: "tls"},
	{name: "expired", cert: origintest.Expired, op: "tls"},
	{name: "wrong name", cert: origintest.WrongName, op: "tls"},
	{name: "GOINSECURE, unknown authority", cert: origintest.UnknownCA, vcs: true, proto: "http/1.1", op: "tls", status: 200},
	{name: "GOINSECURE, expired", cert: origintest.Expired, vcs: true, proto: "http/1.1", op: "tls", status: 200},
	{name: "GOINSECURE, wrong name", cert: origintest.WrongName, vcs: true, proto: "http/1.1", op: "tls", status: 200},
	{name: "the go command distrusts the CA", other: true, op: "client-tls"},
	{name: "404", knob: origintest.Knob{Match: info, Status: 404, Body: "not found: no such module"}, status: 404},
	{name: "410", knob: origintest.Knob{Match: zip, Status: 410}, status: 410},
	{name: "403", knob: origintest.Knob{Match: zip, Status: 403, Body: "by policy"}, status: 403},
	{name: "407", knob: origintest.Knob{Match: zip, Status: 407}, status: 407},
	{name: "429", knob: origintest.Knob{Match: zip, Status: 429}, status: 429},
	{name: "500", knob: origintest.Knob{Match: zip, Status: 500}, status: 500},
	{name: "503", knob: origintest.Knob{Match: zip, Status: 503}, status: 503},
	{name: "redirected zip", knob: origintest.Knob{Match: zip, Redirect: "storage.golang.test"}, passes: true, status: 302},
	{name: "reset before the headers", knob: origintest.Knob{Match: zip, Fail: origintest.Reset}, op: "read"},
	{name: "closed before the headers", knob: origintest.Knob{Match: zip, Fail: origintest.Close}, op: "read"},
	{name: "reset in the body", knob: origintest.Knob{Match: zip, Fail: origintest.ResetBody}, op: "read", status: 200},
	{name: "closed in the body", knob: origintest.Knob{Match: zip, Fail: origintest.CloseBody}, op: "read", status: 200},
	{name: "shorter than Content-Length", knob: origintest.Knob{Match: zip, Fail: origintest.ShortBody}, op: "read", status: 200},
	{name: "unknown length, closed", knob: origintest.Knob{Match: zip, Fail: origintest.CloseBody, Chunked: true}, op: "read", status: 200},
	{name: "RST_STREAM INTERNAL_ERROR", knob: origintest.Knob{Match: zip, Fail: origintest.ResetStream, Code: 2}, proto: "h2", op: "read"},
	{name: "RST_STREAM ENHANCE_YOUR_CALM", knob: origintest.Knob{Match: zip, Fail: origintest.ResetStream, Code: 11}, proto: "h2", op: "read"},
	{name: "RST_STREAM CANCEL in the body", knob: origintest.Knob{Match: zip, Fail: origintest.ResetStreamBody, Code: 8}, proto: "h2", op: "read", status: 200},
	{name: "RST_STREAM REFUSED_STREAM twice", knob: origintest.Knob{Match: origintest.Match{Kind: "zip", Times: 2}, Fail: origintest.ResetStream, Code: 7}, proto: "h2", passes: true, op: "read", status: 200},
	{name: "RST_STREAM PROTOCOL_ERROR twice", knob: origintest.Knob{Match: origintest.Match{Kind: "zip", Times: 2}, Fail: origintest.ResetStream, Code: 1}, proto: "h2", passes: true, op: "read", status: 200},
	{name: "GOAWAY ENHANCE_YOUR_CALM", knob: origintest.Knob{Match: zip, Fail: origintest.GoAway, Code: 11}, proto: "h2", op: "read"},
	{name: "GOAWAY in the body", knob: origintest.Knob{Match: zip, Fail: origintest.GoAwayBody}, proto: "h2", op: "read", status: 200},
	{name: "GOAWAY every 2 requests", knob: origintest.Knob{CloseEvery: 2}, passes: true, status: 200},
}

// TestGoFailures runs the real go command into each failure, directly and under modtap: it
// must print the same, end with the same code and ask the same, and the recording must
// have what happened. With -v it prints the table.
func TestGoFailures(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs the go command a hundred times")
	}
	_, err := exec.LookPath("unshare")
	need(t, err == nil && os.Geteuid() == 0, "root and unshare (Debian package util-linux)")
	origintest.StartDNS(t, origintest.DNSConfig{Addr: testResolver + ":53"})
	rows := make([]string, 2*len(goFailures))
	t.Cleanup(func() {
		var table strings.Builder
		w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
		fmt.Fprint(w, "case\tprotocol\tthe go command, directly\tthrough modtap\trecorded\n", strings.Join(rows, ""))
		w.Flush()
		t.Logf("\n%s", table.String())
	})
	// Those in which nothing happens for half a minute go beside the others, which follow one
	// another: some of them take port 443.
	for _, waits := range []bool{true, false} {
		t.Run(map[bool]string{true: "waits", false: "answers"}[waits], func(t *testing.T) {
			t.Parallel()
			for i, f := range goFailures {
				if f.hole == waits {
					f.rows(t, rows[2*i:])
				}
			}
		})
	}
}

// rows runs f over each protocol, and sets its rows of the table.
func (f goFailure) rows(t *testing.T, rows []string) {
	for i, proto := range []string{"h2", "http/1.1"} {
		if f.proto != "" && f.proto != proto {
			continue
		}
		t.Run(proto+" "+f.name, func(t *testing.T) {
			direct, tapped, rec := f.run(t, proto)
			through := "same"
			if direct != tapped {
				through = "DIFFERS"
				t.Errorf("through modtap:\n%s\ndirectly:\n%s", tapped, direct)
			}
			f.checkRecord(t, rec)
			rows[i] = fmt.Sprintf("%s\t%s\t%s\t%s\t%s\n", f.name, proto, direct.brief(), through, recorded(rec.Exchanges))
		})
	}
}

// testResolver is a loopback address, because resolv.conf has no place for a port.
const testResolver = "127.77.0.53"

// A printed is what a go command leaves its user with.
type printed struct {
	code   int
	stderr string
	asked  string // what the origin was asked, and what it answered
}

func (p printed) String() string { return fmt.Sprintf("exit %d\n%s%s", p.code, p.stderr, p.asked) }

// brief is the last line, in a cell of the table.
func (p printed) brief() string {
	lines := strings.Split(strings.TrimSpace(p.stderr), "\n")
	text := strings.TrimSpace(lines[len(lines)-1])
	for _, cut := range []string{"\": ", "@v1.0.0: "} {
		if _, after, ok := strings.Cut(text, cut); ok {
			text = after
		}
	}
	return fmt.Sprintf("exit %d  %s", p.code, text)
}

// run does it twice, with the same origin.
func (f goFailure) run(t *testing.T, proto string) (direct, tapped printed, rec *har.Recording) {
	config := origintest.Config{Protos: []string{proto}, Cert: f.cert, Handshakes: []origintest.Handshake{{Fail: f.shake}}}
	module := "example.golang.test/m0@v1.0.0"
	if f.vcs { // the module's page is read without a look at the certificate, its proxy is not
		config.Addr, module = "127.0.0.1:443", "vcs.golang.test/m0@v1.0.0"
	}
	o := origintest.Start(t, config)
	proxy := o.URL()
	if f.proxy != "" {
		proxy = f.proxy
	}
	if f.hole {
		proxy = "https://proxy.golang.test:" + blackHole(t)
	}
	file := filepath.Join(t.TempDir(), "x.har")
	child := []string{"go", "mod", "download", module}
	if f.other {
		pem := filepath.Join(t.TempDir(), "other.pem")
		if err := origintest.Start(t, origintest.Config{}).WriteCA(pem); err != nil {
			t.Fatal(err)
		}
		child = append([]string{"env", "SSL_CERT_FILE=" + pem, "SSL_CERT_DIR=" + t.TempDir()}, child...)
	}
	var wg sync.WaitGroup
	wg.Go(func() { direct = f.runGo(t, o, proxy, child) })
	if !f.hole && f.shake != origintest.HandshakeStall { // which take their time and ask the origin nothing
		wg.Wait()
	}
	wg.Go(func() {
		tapped = f.runGo(t, o, proxy, append([]string{"modtap", "run", "-q", "-o", file, "--"}, child...))
	})
	wg.Wait()
	rec, err := har.Open(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, tapped)
	}
	return direct, tapped, rec
}

func (f goFailure) runGo(t *testing.T, o *origintest.Origin, proxy string, args []string) (p printed) {
	o.SetKnobs(f.knob)
	o.Forget()
	dir := origintest.Project(t, "")
	resolv := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(resolv, []byte("nameserver "+testResolver+"\n"), 0o644); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	// a mount namespace of its own, in which names are resolved by the test's server
	args = append([]string{"-m", "sh", "-c", `mount --bind "$0" /etc/resolv.conf && exec "$@"`, resolv}, args...)
	c := exec.CommandContext(ctx, "unshare", args...)
	c.Dir, c.Env = dir, origintest.GoEnv(t, o, "GOPROXY="+proxy, "MODTAP_HOME="+t.TempDir(), "GODEBUG=netdns=go")
	if f.vcs {
		c.Env = append(c.Env, "GOPROXY=direct", "GOINSECURE=*.golang.test", "GONOSUMDB=*")
	}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	err := c.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		p.code = exit.ExitCode()
	} else if err != nil {
		t.Error(err)
	}
	if (p.code == 0) != f.passes {
		t.Errorf("exit code %d\n%s", p.code, stderr.String())
	}
	p.stderr = normalOutput(stderr.String())
	if err := o.Wait(ctx); err != nil {
		t.Error(err)
	}
	var asked []string
	for _, r := range o.Requests() {
		asked = append(asked, fmt.Sprintln(r.Method, r.URL, r.Status))
	}
	slices.Sort(asked)
	if len(o.Requests()) > 0 && o.Requests()[0].Proto == "HTTP/1.1" {
		// a request that dies on a connection used before is sent again, and how many of
		// those there are is a race
		asked = slices.Compact(asked)
	}
	p.asked = strings.Join(asked, "")
	return p
}

// outputRaces are what differs between two runs of the same thing.
var outputRaces = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`(read|write) (tcp|udp) [^ ]+->`), "$1 $2 "},       // the client's port
	{regexp.MustCompile(`read tcp [^ ]+ read: connection reset`), "reset"}, // of the proxy's port or of the server's
	{regexp.MustCompile(` current time \S+ is after \S+`), ""},             // of an expired certificate
	{regexp.MustCompile(` \(possibly because of .*\)`), ""},                // which CA of the same name it may have been
}

func normalOutput(s string) string {
	for _, r := range outputRaces {
		s = r.re.ReplaceAllString(s, r.to)
	}
	return s
}

func (f goFailure) checkRecord(t *testing.T, rec *har.Recording) {
	t.Helper()
	var ops []string
	var statuses []int
	for _, x := range rec.Exchanges {
		statuses = append(statuses, x.Status)
		if x.Err != nil && !refusalGivenUp(&x) {
			ops = append(ops, x.Err.Op)
		}
	}
	if f.op == "" && len(ops) > 0 || f.op != "" && !slices.Contains(ops, f.op) || !slices.Contains(statuses, f.status) {
		t.Errorf("recorded %s; want op %q and status %d", recorded(rec.Exchanges), f.op, f.status)
	}
	if rec.End == nil || rec.Lost > 0 || rec.Missing > 0 {
		t.Error("the recording is not complete")
	}
}

// recorded is what a recording has, in a cell of the table.
func recorded(xs []recorder.Exchange) string {
	var all []string
	for _, x := range xs {
		text := fmt.Sprint(x.Status)
		if x.Status == 0 {
			text = "no status"
		}
		if x.Method == "CONNECT" {
			text = "CONNECT " + text
		}
		if x.Err != nil {
			text += " " + x.Err.Op
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// blackHole returns a port of 127.0.0.1 whose SYNs are dropped: its queue of connections
// that nobody accepts is full.
func blackHole(t *testing.T) (port string) {
	t.Helper()
	open := func() int {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(fd) })
		return fd
	}
	fd := open()
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // more than it takes
		syscall.Connect(open(), name)
	}
	return fmt.Sprint(name.(*syscall.SockaddrInet4).Port)
}
