package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"modtap/intercept/origintest"
)

// A level is what the process holds at a moment.
type level struct {
	inside
	rss, fds int64 // RSS in bytes
}

func (l level) String() string {
	return fmt.Sprintf("RSS %.1f MiB, heap %.1f MiB, %d goroutines, %d descriptors",
		float64(l.rss)/(1<<20), float64(l.HeapAlloc)/(1<<20), l.Goroutines, l.fds)
}

// A subject is a modtap serve as a process of its own.
type subject struct {
	t       testing.TB
	cmd     *exec.Cmd
	stderr  syncBuffer
	home    string
	file    string // the recording
	proxy   *url.URL
	viewer  string // the live view's URL, token included
	roots   *x509.CertPool
	ask     *os.File
	answers *json.Decoder
	ended   chan struct{}
}

// A syncBuffer may be read while a process writes it.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var (
	proxyLine  = regexp.MustCompile(`(?m)^modtap: proxy +(http://\S+)$`)
	viewerLine = regexp.MustCompile(`(?m)^modtap: live view +(http://\S+)$`)
)

// startSubject starts modtap serve, which records to file, in front of o. wrap is put
// before its command line.
func startSubject(t testing.TB, o *origintest.Origin, file string, args ...string) *subject {
	t.Helper()
	return startWrapped(t, o, file, nil, args...)
}

func startWrapped(t testing.TB, o *origintest.Origin, file string, wrap []string, args ...string) *subject {
	t.Helper()
	dns, err := origintest.NewDNS(origintest.DNSConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	s := &subject{t: t, home: t.TempDir(), file: file, ended: make(chan struct{})}
	ca := filepath.Join(s.home, "origin-ca.pem")
	if err := o.WriteCA(ca); err != nil {
		t.Fatal(err)
	}
	line := append(wrap, "modtap-watched", "serve", "--listen", "127.0.0.1:0", "--view=127.0.0.1:0", "--resolver", dns.Addr(), "-o", file)
	line = append(line, args...)
	s.cmd = exec.Command(line[0], line[1:]...)
	s.cmd.Env = append(os.Environ(), "MODTAP_HOME="+s.home, "HOME="+s.home, "SSL_CERT_FILE="+ca, "SSL_CERT_DIR="+s.home,
		"HTTPS_PROXY=", "https_proxy=", "HTTP_PROXY=", "http_proxy=")
	s.cmd.Stderr = &s.stderr
	askIn, askOut := pipe(t)
	answerIn, answerOut := pipe(t)
	s.ask, s.answers = askOut, json.NewDecoder(answerIn)
	s.cmd.ExtraFiles = []*os.File{askIn, answerOut}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	askIn.Close()
	answerOut.Close()
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("modtap said:\n%s", s.stderr.String())
		}
	})
	s.awaitReady()
	return s
}

func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// awaitReady waits until modtap has said where it is.
func (s *subject) awaitReady() {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(s.stderr.String(), "Ctrl-C ends") {
		select {
		case <-s.ended:
			s.t.Fatalf("modtap ended:\n%s", s.stderr.String())
		case <-time.After(5 * time.Millisecond): // another process
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("modtap is not ready:\n%s", s.stderr.String())
		}
	}
	text := s.stderr.String()
	s.proxy, _ = url.Parse(proxyLine.FindStringSubmatch(text)[1])
	if m := viewerLine.FindStringSubmatch(text); m != nil {
		s.viewer = m[1]
	}
	pem, err := os.ReadFile(filepath.Join(s.home, bundleFile))
	if err != nil {
		s.t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(pem)
}

// client returns a client with connections of its own that uses the proxy as the go
// command does; protos is the ALPN it offers.
func (s *subject) client(protos ...string) *http.Client {
	var p http.Protocols
	for _, name := range protos {
		p.SetHTTP1(p.HTTP1() || name == "http/1.1")
		p.SetHTTP2(p.HTTP2() || name == "h2")
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyURL(s.proxy), Protocols: &p, MaxIdleConnsPerHost: 100,
			TLSClientConfig: &tls.Config{RootCAs: s.roots}, DisableCompression: true,
		},
	}
}

// level measures the process; what says "collect" to have it collect garbage first.
func (s *subject) level(what string) level {
	s.t.Helper()
	var l level
	if _, err := fmt.Fprintln(s.ask, what); err != nil {
		s.t.Fatal(err)
	}
	if err := s.answers.Decode(&l.inside); err != nil {
		s.t.Fatalf("%v\n%s", err, s.stderr.String())
	}
	proc := "/proc/" + strconv.Itoa(s.pid())
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			l.rss = kib << 10
		}
	}
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		s.t.Fatal(err)
	}
	l.fds = int64(len(fds))
	return l
}

// openFiles lists the descriptors of the process.
func (s *subject) openFiles() string {
	dir := fmt.Sprintf("/proc/%d/fd", s.pid())
	fds, _ := os.ReadDir(dir)
	var out []string
	for _, fd := range fds {
		to, _ := os.Readlink(filepath.Join(dir, fd.Name()))
		out = append(out, fd.Name()+" "+to)
	}
	return strings.Join(out, "\n")
}

func (s *subject) pid() int { return s.cmd.Process.Pid }

// cpu is the processor time that the process has used.
func (s *subject) cpu() time.Duration {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid()) + "/stat")
	if err != nil {
		s.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(after)
	user, _ := strconv.Atoi(f[11]) // fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// settled waits until ok holds of the level, for at most d, and returns the last one.
func (s *subject) settled(d time.Duration, ok func(level) bool) level {
	s.t.Helper()
	for deadline := time.Now().Add(d); ; time.Sleep(100 * time.Millisecond) { // another process
		if l := s.level("collect"); ok(l) || time.Now().After(deadline) {
			return l
		}
	}
}

// stop ends modtap as Ctrl-C does and returns its exit code.
func (s *subject) stop() int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		s.t.Error("modtap does not end")
		s.kill()
	}
	return s.cmd.ProcessState.ExitCode()
}

// kill ends it as kill -9 does.
func (s *subject) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL) // it may have ended
	<-s.ended
}
