package hartest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
)

// get adds a request, in the first slot that is free. Its body is body, or size bytes that
// were not kept.
func (r *run) get(rawURL string, status int, body []byte, size int64) {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err) // the URL is our own
	}
	slot := 0
	for i, at := range r.free {
		if at < r.free[slot] {
			slot = i
		}
	}
	start := r.free[slot] + ms(r.rand.Float64())
	wait, receive := ms(5+r.rand.Float64()*40), ms(float64(size)/2000+0.1)
	r.id++
	conn := 1 + r.id%2
	if u.Host == "sum.golang.org" {
		conn += 2
	}
	m := recorder.Marks{Reused: true, WroteHeaders: 40_123, WroteRequest: 61_007}
	m.FirstByte = m.WroteRequest + wait
	m.LastByte = m.FirstByte + receive
	m.End = m.LastByte + 2_345
	x := &recorder.Exchange{
		ID: r.id, Conn: conn, Tunnel: conn, Start: Epoch.Add(start.Duration()), Method: "GET", URL: rawURL, Proto: "HTTP/2.0",
		Remote: r.conns[conn-1].Remote, Go: r.class.Classify("GET", u, ""), Server: m, Status: status, Done: true,
		Client:        recorder.Marks{GotConn: 11_000, FirstByte: m.FirstByte + 30_000, LastByte: m.LastByte + 40_000, End: m.End + 50_000},
		ServerBlocked: receive * 9 / 10, ClientBlocked: receive / 20, Overhead: 83_000,
		TCP:      tcp(r.rand.IntN(40)),
		Request:  recorder.Message{HeaderSize: 120, Header: []recorder.Header{{Name: "Accept-Encoding", Value: "gzip"}, {Name: "User-Agent", Value: "Go-http-client/2.0"}}},
		Response: recorder.Message{HeaderSize: 560, BodySize: size, Mime: mime(u.Path, status)},
	}
	if body != nil {
		x.Response.Body, x.Response.Kept, x.Response.BodySize = body, true, int64(len(body))
	} else {
		x.Response.Note = "body not kept: it is no text"
		x.Response.SHA256 = fmt.Sprintf("%064x", r.id*0x9e3779b97f4a7c15)
	}
	x.Response.Header = headers(x)
	r.conns[conn-1].Exchanges++
	r.free[slot] = start + x.Client.End
	r.now = max(r.now, r.free[slot])
	r.out = append(r.out, x)
}

func tcp(jitter int) *recorder.TCP {
	return &recorder.TCP{
		Samples: 2, RTT: ms(12 + float64(jitter)/10), RTTVar: ms(1.5), MinRTT: ms(11.2), MaxRTT: ms(19.75), SegsOut: int64(4 + jitter), BytesOut: int64(200 + jitter),
	}
}

func mime(path string, status int) string {
	switch {
	case status >= 400:
		return "text/plain; charset=utf-8"
	case strings.HasSuffix(path, ".zip"):
		return "application/zip"
	case strings.HasSuffix(path, ".info"):
		return "application/json"
	case strings.Contains(path, "/tile/"):
		return "application/octet-stream"
	}
	return "text/plain; charset=utf-8"
}

// headers are what proxy.golang.org answers with.
func headers(x *recorder.Exchange) []recorder.Header {
	date := x.Start.UTC().Format(time.RFC1123)
	return []recorder.Header{
		{Name: "Accept-Ranges", Value: "bytes"}, {Name: "Access-Control-Allow-Origin", Value: "*"}, {Name: "Age", Value: strconv.Itoa(int(x.ID % 10800))},
		{Name: "Alt-Svc", Value: `h3=":443"; ma=2592000,h3-29=":443"; ma=2592000`}, {Name: "Cache-Control", Value: "public, max-age=10800"},
		{Name: "Content-Length", Value: strconv.FormatInt(x.Response.BodySize, 10)}, {Name: "Content-Type", Value: x.Response.Mime},
		{Name: "Date", Value: date}, {Name: "Etag", Value: fmt.Sprintf("%q", fmt.Sprintf("%032x", x.ID))}, {Name: "Expires", Value: date},
		{Name: "Last-Modified", Value: date}, {Name: "Server", Value: "UploadServer"}, {Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "X-Frame-Options", Value: "SAMEORIGIN"}, {Name: "X-Goog-Generation", Value: strconv.FormatUint(1_700_000_000_000_000+x.ID, 10)},
		{Name: "X-Goog-Hash", Value: "crc32c=abcdef=="}, {Name: "X-Goog-Stored-Content-Length", Value: strconv.FormatInt(x.Response.BodySize, 10)},
		{Name: "X-Xss-Protection", Value: "0"},
	}
}
