package intercept_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"modtap/intercept/origintest"
)

func failureCases() []failureCase {
	return slices.Concat(connectCases, answerCases, rawCases, cutCases, streamCases(), goAwayCases, clientCases)
}

// certificate makes the origin show one of that kind.
func certificate(k origintest.CertKind) func(*origintest.Config) {
	return func(c *origintest.Config) { c.Cert = k }
}

// insecure is how cmd/go asks hosts of GOINSECURE: without HTTP/2, because its transport
// has a TLS configuration of its own.
func insecure(_ *http.Client, tr *http.Transport) { tr.TLSClientConfig.InsecureSkipVerify = true }

// Before a request.
var connectCases = []failureCase{
	{name: "no such host", host: "nosuch.example.test:443", op: "dns", connect: true, status: 502},
	{name: "DNS server fails", path: "/bytes/1", dns: &origintest.DNSReply{Code: dnsmessage.RCodeServerFailure}, op: "dns", connect: true, status: 502},
	{name: "connection refused", host: "proxy.golang.test:1", op: "dial", connect: true, status: 502},
	{name: "no TLS, closed", shake: origintest.HandshakeClose, op: "tls", connect: true},
	{name: "no TLS, reset", shake: origintest.HandshakeReset, op: "read", connect: true},
	{name: "no TLS, an alert", shake: origintest.HandshakeAlert, op: "tls", connect: true},
	{name: "no TLS, plain HTTP", shake: origintest.HandshakePlain, op: "tls", connect: true},
	{name: "TLS handshake timeout", shake: origintest.HandshakeStall, op: "timeout", connect: true, client: func(_ *http.Client, tr *http.Transport) {
		tr.TLSHandshakeTimeout = 2200 * time.Millisecond // the go command's is 10 s
	}},
	{name: "unknown authority", origin: certificate(origintest.UnknownCA), op: "tls", connect: true},
	{name: "expired", origin: certificate(origintest.Expired), op: "tls", connect: true},
	{name: "wrong name", origin: certificate(origintest.WrongName), op: "tls", connect: true},
	{name: "GOINSECURE, unknown authority", path: "/bytes/9", origin: certificate(origintest.UnknownCA), client: insecure, proto: "http/1.1", status: 200},
	{name: "GOINSECURE, expired", path: "/bytes/9", origin: certificate(origintest.Expired), client: insecure, proto: "http/1.1", status: 200},
	{name: "GOINSECURE, wrong name", path: "/bytes/9", origin: certificate(origintest.WrongName), client: insecure, proto: "http/1.1", status: 200},
}

const list = "/example.golang.test/m0/@v/list"

func answers(status int, header http.Header) origintest.Knob {
	return origintest.Knob{Status: status, Header: header, Body: "says the server\n"}
}

// handler serves /handler with f.
func handler(f http.HandlerFunc) func(*origintest.Config) {
	return func(c *origintest.Config) { c.Handler = f }
}

// Whole answers.
var answerCases = []failureCase{
	{name: "200", path: list, status: 200},
	{name: "large body", path: "/bytes/3000000", status: 200},
	{name: "404", path: "/example.golang.test/none/@v/list", status: 404},
	{name: "410", path: list, knob: answers(410, nil), status: 410},
	{name: "403", path: list, knob: answers(403, nil), status: 403},
	{name: "407 of a server", path: list, knob: answers(407, http.Header{"Proxy-Authenticate": {"Basic realm=x"}}), status: 407},
	{name: "429", path: list, knob: answers(429, http.Header{"Retry-After": {"30"}}), status: 429},
	{name: "500", path: list, knob: answers(500, nil), status: 500},
	{name: "503", path: list, knob: answers(503, nil), status: 503},
	{name: "HEAD", method: "HEAD", path: "/bytes/70000", status: 200},
	{name: "204", path: "/bytes/1", knob: origintest.Knob{Status: 204}, status: 204},
	{name: "304", path: "/bytes/1", knob: origintest.Knob{Status: 304, Header: http.Header{"Etag": {`"x"`}}}, status: 304},
	{name: "302 not followed", path: "/example.golang.test/m0/@v/v1.0.0.zip", knob: origintest.Knob{Redirect: "storage.golang.test"}, status: 302},
	{name: "302 followed", path: "/example.golang.test/m0/@v/v1.0.0.zip", knob: origintest.Knob{Match: origintest.Match{Host: origintest.ProxyHost}, Redirect: "storage.golang.test"}, status: 200, records: 2,
		client: func(c *http.Client, _ *http.Transport) { c.CheckRedirect = nil }},
	{name: "unknown length", path: "/bytes/70000", knob: origintest.Knob{Chunked: true}, status: 200},
	{name: "gzip untouched", path: "/bytes/9000", header: http.Header{"Accept-Encoding": {"gzip"}}, knob: origintest.Knob{Gzip: true}, status: 200},
	{name: "103 Early Hints", path: "/bytes/10", knob: origintest.Knob{EarlyHints: true}, status: 200},
	{name: "102 twice", path: "/handler", status: 200, origin: handler(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(102)
		w.WriteHeader(102)
		io.WriteString(w, "done")
	})},
	{name: "trailer", path: "/bytes/10", knob: origintest.Knob{Trailer: true}, status: 200},
	{name: "trailer that was not announced", path: "/handler", status: 200, origin: handler(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
	})},
	{name: "trailer after nothing", path: "/handler", status: 200, origin: handler(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.WriteHeader(200)
		w.Header().Set("X-Sum", "0")
	})},
	{name: "headers, repeated and empty", path: "/handler", status: 200, origin: handler(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2", "a=1"}
		w.Header()["X-Empty"] = []string{""}
		w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
		io.WriteString(w, "body")
	})},
	{name: "headers of 900 kB", path: "/handler", status: 200, origin: handler(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 900 {
			w.Header().Set(fmt.Sprint("X-Large-", i), strings.Repeat("x", 1000))
		}
		io.WriteString(w, "body")
	})},
	{name: "upload", method: "POST", path: "/echo", body: strings.Repeat("upload ", 50000), status: 200},
	{name: "Expect: 100-continue", method: "POST", path: "/echo", body: strings.Repeat("x", 9000), header: http.Header{"Expect": {"100-continue"}}, status: 200},
	{name: "websocket", path: "/upgrade", proto: "http/1.1", status: 101, client: func(c *http.Client, _ *http.Transport) { c.Timeout = 0 }, ask: echoWebsocket},
}

// echoWebsocket switches protocols and sends a few bytes each way.
func echoWebsocket(c *http.Client, url string) string {
	req, _ := http.NewRequest("GET", url+"/upgrade", nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	resp, err := c.Do(req)
	if err != nil {
		return "error: " + err.Error()
	}
	defer resp.Body.Close()
	rw, ok := resp.Body.(io.ReadWriter)
	if !ok {
		return resp.Status
	}
	io.WriteString(rw, "echo me")
	got := make([]byte, 7)
	_, err = io.ReadFull(rw, got)
	return fmt.Sprintf("%s %q %v %v", resp.Status, got, err, resp.Header)
}

// raw answers with bytes of HTTP/1 that net/http would not write, and closes.
func raw(text string) func(*origintest.Config) {
	return handler(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/1.1 can
		}
		defer c.Close()
		io.WriteString(c, text)
	})
}

var rawCases = []failureCase{
	{name: "body that ends with the connection", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nbody"), status: 200},
	{name: "reason of the server's own", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 404 Blocked by policy\r\nContent-Length: 4\r\n\r\nbody"), status: 404},
	{name: "no reason", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 403 \r\nContent-Length: 4\r\n\r\nbody"), status: 403},
	{name: "status 999", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 999 Request denied\r\nContent-Length: 4\r\n\r\nbody"), status: 999},
	{name: "HTTP/1.0", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody"), status: 200},
	{name: "Content-Length of a 304", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nEtag: x\r\n\r\n"), status: 304},
	{name: "Content-Length of a 204", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"), status: 204},
	{name: "HTTP/1.0, body ends with the connection", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.0 200 OK\r\n\r\nbody"), status: 200},
	{name: "HTTP/1.0, says that it closes", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.0 404 Nope\r\nConnection: close\r\n\r\nbody"), status: 404},
	{name: "100 that nobody asked for", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"), status: 200},
	{name: "reset in the headers", proto: "http/1.1", path: "/handler", origin: handler(func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Hal")
		c.(*tls.Conn).NetConn().Close()
	}), op: "read"},
	{name: "not HTTP", proto: "http/1.1", path: "/handler", origin: raw("SSH-2.0-OpenSSH\r\n\r\n"), op: "read"},
	{name: "HTTP with a bad header", proto: "http/1.1", path: "/handler", origin: raw("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), op: "read"},
}

// Answers that do not come, or not to their end.
var cutCases = []failureCase{
	{name: "reset before the headers", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.Reset}, op: "read"},
	{name: "closed before the headers", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.Close}, op: "read"},
	{name: "aborted before the headers", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.Abort}, op: "read"},
	{name: "reset in the body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.ResetBody}, status: 200, op: "read"},
	{name: "closed in the body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.CloseBody}, status: 200, op: "read"},
	{name: "aborted in the body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.AbortBody}, status: 200, op: "read"},
	{name: "shorter than Content-Length", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.ShortBody}, status: 200, op: "read"},
	{name: "small, closed in the body", path: "/bytes/100", knob: origintest.Knob{Fail: origintest.CloseBody}, status: 200, op: "read"},
	{name: "small, aborted in the body", path: "/bytes/100", knob: origintest.Knob{Fail: origintest.AbortBody}, status: 200, op: "read"},
	{name: "small, shorter than Content-Length", path: "/bytes/100", knob: origintest.Knob{Fail: origintest.ShortBody}, status: 200, op: "read"},
	{name: "no byte of Content-Length", path: "/handler", status: 200, op: "read", origin: handler(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})},
	{name: "unknown length, reset", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.ResetBody, Chunked: true}, status: 200, op: "read"},
	{name: "ended in the body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.EndBody}, status: 200, op: "read"},
	{name: "unknown length, ended", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.EndBody, Chunked: true}, status: 200, op: "read"},
	{name: "unknown length, closed", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.CloseBody, Chunked: true}, status: 200, op: "read"},
}

// streamCases are a RST_STREAM of each code. REFUSED_STREAM and PROTOCOL_ERROR make a Go
// client send again, at once and after a second: the third try is answered.
func streamCases() (all []failureCase) {
	for code, name := range []string{
		"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
		"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
		"CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED", "unknown code 14",
	} {
		before := failureCase{
			name: "RST_STREAM " + name, proto: "h2", path: "/bytes/1", op: "read",
			knob: origintest.Knob{Fail: origintest.ResetStream, Code: code},
		}
		if code == 1 || code == 7 {
			before.knob.Times = 2
			before.records, before.status, before.op = 3, 200, ""
		}
		in := failureCase{
			name: "RST_STREAM " + name + " in the body", proto: "h2", path: "/bytes/300000", status: 200, op: "read",
			knob: origintest.Knob{Fail: origintest.ResetStreamBody, Code: code},
		}
		all = append(all, before, in)
	}
	return all
}

var goAwayCases = []failureCase{
	{name: "GOAWAY NO_ERROR before the headers", proto: "h2", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.GoAway}, op: "read"},
	{name: "GOAWAY ENHANCE_YOUR_CALM before the headers", proto: "h2", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.GoAway, Code: 11}, op: "read"},
	{name: "GOAWAY NO_ERROR in the body", proto: "h2", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.GoAwayBody}, status: 200, op: "read"},
	{name: "GOAWAY PROTOCOL_ERROR in the body", proto: "h2", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.GoAwayBody, Code: 1}, status: 200, op: "read"},
	{name: "GOAWAY ENHANCE_YOUR_CALM, not processed", proto: "h2", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.GoAwayUnseen, Code: 11}, op: "read"},
	{name: "GOAWAY NO_ERROR, not processed", proto: "h2", path: "/bytes/1", knob: origintest.Knob{Match: origintest.Match{Times: 1}, Fail: origintest.GoAwayUnseen}, status: 200},
	{name: "end of connection every 7 requests", knob: origintest.Knob{CloseEvery: 7}, status: 200, records: 30, ask: oneByOne(30, 0)},
	{name: "idle connection closed after 200 ms", origin: func(c *origintest.Config) { c.Idle = 200 * time.Millisecond }, status: 200, records: 3, ask: oneByOne(3, 500*time.Millisecond)},
	{name: "100 streams at a time", proto: "h2", origin: func(c *origintest.Config) { c.Streams = 100 }, knob: origintest.Knob{FirstByte: 100 * time.Millisecond}, status: 200, records: 150, ask: atOnce(150),
		differs: "requests over the server's limit wait for a stream instead of dialling again"},
}

// oneByOne sends n requests with a pause between them.
func oneByOne(n int, pause time.Duration) func(*http.Client, string) string {
	return func(c *http.Client, url string) string {
		all := map[string]int{}
		for i := range n {
			req, _ := http.NewRequest("GET", url+"/bytes/100", nil)
			all[brief(seen(c, req))]++
			if i < n-1 {
				time.Sleep(pause)
			}
		}
		return fmt.Sprint(all)
	}
}

// atOnce sends n requests at the same time, after one that opens the connection.
func atOnce(n int) func(*http.Client, string) string {
	return func(c *http.Client, url string) string {
		first, _ := http.NewRequest("GET", url+"/bytes/100", nil)
		all := map[string]int{brief(seen(c, first)): 1}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range n - 1 {
			wg.Go(func() {
				req, _ := http.NewRequest("GET", url+"/bytes/100", nil)
				s := brief(seen(c, req))
				mu.Lock()
				defer mu.Unlock()
				all[s]++
			})
		}
		wg.Wait()
		return fmt.Sprint(all)
	}
}

// What the client does.
var clientCases = []failureCase{
	{name: "client distrusts the CA", path: "/bytes/1", op: "client-tls", connect: true, client: func(_ *http.Client, tr *http.Transport) {
		tr.TLSClientConfig.RootCAs = nil // the system's, which knows neither CA
	}},
	{name: "client gives up waiting for headers", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.Stall}, op: "canceled", client: impatient},
	{name: "client gives up on a stalled body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.StallBody}, status: 200, op: "canceled", client: impatient},
	{name: "client closes in the body", path: "/bytes/300000000", status: 200, op: "canceled", ask: func(c *http.Client, url string) string {
		resp, err := c.Get(url + "/bytes/300000000")
		if err != nil {
			return "error: " + err.Error()
		}
		n, err := io.CopyN(io.Discard, resp.Body, 1000)
		resp.Body.Close()
		return fmt.Sprint(resp.Status, ", ", n, " bytes taken ", err)
	}},
	{name: "slow client", path: "/bytes/8000000", status: 200, ask: func(c *http.Client, url string) string {
		resp, err := c.Get(url + "/bytes/8000000")
		if err != nil {
			return "error: " + err.Error()
		}
		defer resp.Body.Close()
		time.Sleep(300 * time.Millisecond) // it is busy
		n, err := io.Copy(io.Discard, resp.Body)
		return fmt.Sprint(resp.Status, ", ", n, " bytes ", err)
	}},
}

func impatient(c *http.Client, _ *http.Transport) { c.Timeout = 500 * time.Millisecond }
