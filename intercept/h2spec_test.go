package intercept_test

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"modtap/intercept/origintest"
)

// h2specFails are the tests of h2spec that fail through the proxy, with the reason.
var h2specFails = map[string]string{
	"http2/4.2 Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE":                          "it does not: net/http allows 1 MiB and says so, h2spec sends 20 kB",
	"http2/6.5.3 Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE":                                            "net/http hangs up on SETTINGS with duplicates (h2_bundle.go, processSettings)",
	"http2/8.1.2.2 Sends a HEADERS frame that contains the connection-specific header field":                       "net/http answers 400 instead of a stream error (checkValidHTTP2RequestHeaders)",
	"http2/8.1.2.2 Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"": "net/http answers 400 instead of a stream error (checkValidHTTP2RequestHeaders)",
}

// h2spec is where CI gets it from.
const h2spec = "go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"

// TestH2Spec runs h2spec against the HTTP/2 side that clients of a tunnel see, and against
// the origin behind it, which is Go's own server, for comparison.
func TestH2Spec(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	program := needProgram(t, "h2spec", h2spec)
	o := origintest.Start(t, origintest.Config{Protos: []string{"h2"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Write(make([]byte, 1000))
	})})
	r := newRig(t, o, nil)
	port := connectPort(t, r.addr, strings.TrimPrefix(o.URL(), "https://"))
	var direct, through []h2specCase
	var directErr, throughErr error
	var wg sync.WaitGroup
	dir := t.TempDir()
	wg.Go(func() { direct, directErr = runH2Spec(program, o.Addr(), filepath.Join(dir, "direct.xml")) })
	wg.Go(func() { through, throughErr = runH2Spec(program, port, filepath.Join(dir, "through.xml")) })
	wg.Wait()
	if err := errors.Join(directErr, throughErr); err != nil {
		t.Fatal(err)
	}
	if len(through) != len(direct) || len(through) < 90 {
		t.Fatalf("%d tests ran through the proxy, %d directly", len(through), len(direct))
	}
	var table strings.Builder
	total := map[string]int{}
	w := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "section\ttest\tdirect\tthrough modtap\tbecause")
	seen := map[string]bool{}
	for i, c := range through {
		why, explained := h2specFails[c.name()]
		seen[c.name()] = true
		if (c.result() == "failed") != explained {
			t.Errorf("%s %s through the proxy; explanation %q\n%s", c.name(), c.result(), why, c.Text)
		}
		total["direct "+direct[i].result()]++
		total["through modtap "+c.result()]++
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Section, c.Title, direct[i].result(), c.result(), why)
	}
	for name := range h2specFails {
		if !seen[name] {
			t.Errorf("an explanation for %q, which did not run", name)
		}
	}
	w.Flush()
	t.Logf("%d tests: %v\n%s", len(through), total, table.String())
}

// An h2specCase is a testcase of h2spec's JUnit report.
type h2specCase struct {
	Section string    `xml:"package,attr"`
	Title   string    `xml:"classname,attr"`
	Failure *struct{} `xml:"failure"`
	Error   *struct{} `xml:"error"`
	Skipped *struct{} `xml:"skipped"`
	Text    string    `xml:",innerxml"`
}

func (c h2specCase) name() string { return c.Section + " " + c.Title }

func (c h2specCase) result() string {
	switch {
	case c.Failure != nil || c.Error != nil:
		return "failed"
	case c.Skipped != nil:
		return "skipped"
	}
	return "passed"
}

// runH2Spec runs every test against addr and reads the report.
func runH2Spec(program, addr, report string) ([]h2specCase, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	// its exit status is 1 when a test failed
	out, _ := exec.CommandContext(ctx, program, "-t", "-k", "-S", "-o", "4", "-h", host, "-p", port, "-P", "/h2spec", "-j", report).CombinedOutput()
	b, err := os.ReadFile(report)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	var all struct {
		Suites []struct {
			Cases []h2specCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	var cases []h2specCase
	for _, s := range all.Suites {
		cases = append(cases, s.Cases...)
	}
	return cases, nil
}

// connectPort listens on a port that turns each connection into a CONNECT to target, for a
// client that knows no proxies, and returns its address.
func connectPort(t *testing.T, proxy, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() }) // its clients have gone, and so their connections
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				if err := throughConnect(client, proxy, target); err != nil {
					t.Errorf("CONNECT %s: %v", target, err)
				}
			})
		}
	})
	return l.Addr().String()
}

func throughConnect(client net.Conn, proxy, target string) error {
	defer client.Close()
	server, err := net.Dial("tcp", proxy)
	if err != nil {
		return err
	}
	defer server.Close()
	fmt.Fprintf(server, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	br := bufio.NewReader(server)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		io.Copy(server, client)
		server.(*net.TCPConn).CloseWrite()
	})
	io.Copy(client, br)
	return client.Close()
}
