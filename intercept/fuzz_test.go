package intercept

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// maxFuzzInput keeps one input's cost bounded: what breaks a parser is short.
const maxFuzzInput = 8 << 10

const hosts = "Host: h.test\r\n\r\n"

// portSeeds are what a client may send to the proxy's port, as it should and otherwise.
var portSeeds = []string{
	"",
	"\r\n\r\n",
	"CONNECT",
	"CONNECT h.test:443 HTTP/1.1\r\n",
	"CONNECT h.test:443 HTTP/1.1\r\n" + hosts,
	"CONNECT h.test:443 HTTP/1.1\r\n" + hosts + "GET / HTTP/1.1\r\n" + hosts,
	"CONNECT h.test:443 HTTP/1.0\r\n\r\nGET /cut HTTP/1.0\r\n\r\n",
	"CONNECT refused.test:443 HTTP/1.1\r\n" + hosts,
	"CONNECT forbidden.test:443 HTTP/1.1\r\n" + hosts,
	"CONNECT mirrored.test:443 HTTP/1.1\r\n" + hosts + "GET /x HTTP/1.1\r\nHost: mirrored.test\r\n\r\n",
	"CONNECT bypass.test:443 HTTP/1.1\r\n" + hosts + "\x16\x03\x01\x00\x05hello",
	"CONNECT first.test:25 HTTP/1.1\r\n" + hosts,
	"CONNECT h.test HTTP/1.1\r\n" + hosts,
	"CONNECT user:secret@h.test:443 HTTP/1.1\r\nProxy-Authorization: Basic c2VjcmV0\r\n" + hosts,
	"CONNECT [::1%25eth0]:443 HTTP/1.1\r\n" + hosts,
	"CONNECT h.test:99999999 HTTP/1.1\r\n" + hosts,
	"CONNECT /path HTTP/1.1\r\n" + hosts,
	"CONNECT https://h.test:443/ HTTP/1.1\r\n" + hosts,
	"CONNECT h.test:443 HTTP/1.1\r\nHost: other.test:1\r\nContent-Length: 5\r\n\r\nhello",
	"CONNECT h.test:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + hosts + "5\r\nhello\r\n0\r\n\r\n",
	"GET http://h.test/ HTTP/1.1\r\n" + hosts,
	"GET http://user:secret@h.test:8080/x?token=secret HTTP/1.0\r\n\r\n",
	"GET https://h.test/ HTTP/1.1\r\n" + hosts,
	"GET ftp://h.test/ HTTP/1.1\r\n" + hosts,
	"GET http:// HTTP/1.1\r\n" + hosts,
	"GET http://h.test:/ HTTP/1.1\r\n" + hosts,
	"GET http://[::1]:1/ HTTP/1.1\r\n" + hosts,
	"GET http://h.test/early HTTP/1.1\r\n" + hosts + "GET http://h.test/trailer HTTP/1.1\r\nTE: trailers\r\n" + hosts + "HEAD http://h.test/x HTTP/1.1\r\n" + hosts,
	"GET http://h.test/cut HTTP/1.1\r\n" + hosts + "GET http://h.test/moved HTTP/1.1\r\n" + hosts,
	"GET http://h.test/upgrade HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n" + hosts + "echo me",
	"GET http://h.test/upgrade HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + hosts + "\x81\x05hello",
	"GET http://mirrored.test/x HTTP/1.1\r\n" + hosts,
	"GET http://refused.test/x HTTP/1.1\r\n" + hosts,
	"POST http://h.test/ HTTP/1.1\r\nContent-Length: 10\r\n" + hosts + "half",
	"POST http://h.test/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + hosts + "4\r\nhalf\r\n",
	"POST http://h.test/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n" + hosts + "body",
	"OPTIONS * HTTP/1.1\r\n" + hosts,
	"GET / HTTP/1.1\r\n" + hosts,
	"GET http://h.test/ HTTP/1.1\r\nProxy-Connection: keep-alive\r\nX-A: \x00\r\n" + hosts,
	"GET http://h.test/ HTTP/9.9\r\n" + hosts,
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"\x16\x03\x01\x00\x05hello",
}

// FuzzProxyPort: whatever bytes arrive at the proxy's port, the connection ends, nothing
// of it goes on, and what was recorded is well-formed and has an end.
func FuzzProxyPort(f *testing.F) {
	for _, seed := range portSeeds {
		f.Add([]byte(seed), uint16(0))
		f.Add([]byte(seed), uint16(len(seed)*2/3))
	}
	r := newFuzzRig(f)
	f.Fuzz(func(t *testing.T, raw []byte, cut uint16) {
		if len(raw) > maxFuzzInput {
			return
		}
		send(t, r.dial(t), raw, cut)
		r.settled(t)
	})
}

// The hosts of tunnels: mirrored connection, a rule's, unread, a server that speaks first.
var tunnelHosts = []string{"h.test:443", "mirrored.test:443", "bypass.test:443", "first.test:25"}

// connectTo opens a tunnel.
func (r *fuzzRig) connectTo(t *testing.T, host string) net.Conn {
	t.Helper()
	c := r.dial(t)
	io.WriteString(c, "CONNECT "+host+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	early, _ := br.Peek(br.Buffered())
	return &peekConn{Conn: c, ahead: early}
}

// FuzzTunnel: the same for what a client sends into a tunnel, TLS or not.
func FuzzTunnel(f *testing.F) {
	seeds := append([]string{"GET / HTTP/1.1\r\n" + hosts, h2Preface, h2Preface + string(h2Request("/"))}, portSeeds...)
	for _, hello := range [][]byte{clientHello("h.test", "h2", "http/1.1"), clientHello("", "smtp"), clientHello("..bad_name..")} {
		seeds = append(seeds, string(hello), string(hello[:20]), string(hello)+"\x15\x03\x03\x00\x02\x02\x2a",
			string(hello[:5])+string(hello[5:60])+"\x16\x03\x01\x00\x03abc"+string(hello[60:]))
	}
	for i, seed := range seeds {
		f.Add([]byte(seed), uint16(0), byte(i))
		f.Add([]byte(seed), uint16(len(seed)/2), byte(0))
	}
	r := newFuzzRig(f)
	f.Fuzz(func(t *testing.T, raw []byte, cut uint16, host byte) {
		if len(raw) > maxFuzzInput {
			return
		}
		send(t, r.connectTo(t, tunnelHosts[int(host)%len(tunnelHosts)]), raw, cut)
		r.settled(t)
	})
}

// FuzzInsideTLS: the same after a good handshake, HTTP/1.1 or HTTP/2 as was agreed, or
// something else.
func FuzzInsideTLS(f *testing.F) {
	for i, seed := range append([]string{"GET /x HTTP/1.1\r\n" + hosts, "GET / HTTP/1.1\r\nHost: other.test\r\n\r\nGET /large HTTP/1.1\r\n" + hosts}, portSeeds...) {
		f.Add([]byte(seed), uint16(0), byte(4*i))
		f.Add([]byte(seed), uint16(len(seed)/2), byte(4*i+1))
	}
	for _, seed := range h2Seeds() {
		f.Add(append([]byte(h2Preface), seed...), uint16(0), byte(2))
		f.Add(append([]byte(h2Preface), seed...), uint16(len(seed)), byte(3))
	}
	r := newFuzzRig(f)
	f.Fuzz(func(t *testing.T, raw []byte, cut uint16, mode byte) {
		if len(raw) > maxFuzzInput {
			return
		}
		host := tunnelHosts[mode&1]
		alpn := [][]string{{"http/1.1"}, {"h2"}, nil, {"h2", "http/1.1"}}[mode>>1&3]
		tc := tls.Client(r.connectTo(t, host), &tls.Config{InsecureSkipVerify: true, ServerName: "h.test", NextProtos: alpn})
		if err := tc.Handshake(); err != nil {
			t.Fatal(err)
		}
		send(t, tc, raw, cut)
		r.settled(t)
	})
}

// clientHello is the first flight of crypto/tls.
func clientHello(name string, alpn ...string) []byte {
	client, server := net.Pipe()
	go func() {
		tls.Client(client, &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: alpn}).Handshake()
		client.Close()
	}()
	defer server.Close()
	server.SetDeadline(time.Now().Add(time.Second))
	buf := make([]byte, 16<<10)
	n, _ := server.Read(buf)
	return buf[:n]
}

const h2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// h2Frame is one frame of RFC 9113 §4.1.
func h2Frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// h2Request is a GET of path on stream 1, in literals and RFC 7541's static table.
func h2Request(path string) []byte {
	return append(h2Frame(4, 0, 0, nil), h2Frame(1, 0x5, 1, h2Fields(path))...)
}

func h2Fields(path string) []byte {
	b := []byte{0x82, 0x87, 0x44, byte(len(path))} // :method GET, :scheme https, :path literal
	b = append(b, path...)
	b = append(b, 0x41, 6)
	b = append(b, "h.test"...)
	return b
}

// h2Seeds are sequences of frames, right and wrong.
func h2Seeds() [][]byte {
	settings := h2Frame(4, 0, 0, nil)
	seq := func(frames ...[]byte) []byte { return bytes.Join(append([][]byte{settings}, frames...), nil) }
	open := h2Frame(1, 0x4, 1, h2Fields("/x")) // no END_STREAM: a body follows
	return [][]byte{
		nil,
		h2Request("/"), h2Request("/early"), h2Request("/trailer"), h2Request("/cut"), h2Request("/large"), h2Request("/moved"), h2Request("/upgrade"),
		seq(open, h2Frame(0, 1, 1, []byte("body"))),
		seq(open, h2Frame(3, 0, 1, []byte{0, 0, 0, 8})),                                   // RST_STREAM
		seq(h2Frame(1, 0x5, 1, h2Fields("/large")), h2Frame(3, 0, 1, []byte{0, 0, 0, 8})), // while the answer comes
		seq(h2Frame(1, 0x5, 1, h2Fields("/a")), h2Frame(1, 0x5, 3, h2Fields("/b")), h2Frame(1, 0x5, 5, h2Fields("/c"))),
		seq(h2Frame(6, 0, 0, []byte("12345678")), h2Frame(7, 0, 0, make([]byte, 8))), // PING, GOAWAY
		seq(h2Frame(8, 0, 0, []byte{0x7f, 0xff, 0xff, 0xff}), h2Frame(8, 0, 1, []byte{0, 0, 0, 0})),
		seq(h2Frame(1, 0x1, 1, []byte{0x82}), h2Frame(9, 0x4, 1, h2Fields("/x")[1:])), // CONTINUATION
		seq(h2Frame(1, 0x5, 2, h2Fields("/even"))),
		seq(h2Frame(1, 0x5, 1, []byte{0xff, 0xff, 0xff, 0xff})),
		seq(h2Frame(0, 0, 7, []byte("no stream"))),
		seq(h2Frame(4, 0, 0, []byte{0, 4, 0, 0, 0, 0}), h2Frame(1, 0x5, 1, h2Fields("/large"))), // no window
		seq(h2Frame(99, 0xff, 0xffffffff, []byte("unknown"))),
		h2Frame(4, 0, 0, []byte{0, 5, 0, 0, 0, 1}),
	}
}
