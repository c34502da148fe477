package diagnose

import (
	"net/url"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

var epoch = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

// A world is a recording that a test writes down request by request. Times are
// milliseconds since the start of the session.
type world struct{ Input }

// newWorld is a session of `go mod download` with GOPROXY's default, on Linux with 4
// processors and no go.sum; the command runs from 0 until ends is called.
func newWorld() *world {
	return &world{Input{
		Session: &recorder.Session{
			ID: "1", Mode: "run", Argv: []string{"go", "mod", "download"}, Start: epoch, OS: "linux/amd64", Go: "go1.26.8",
			GOPROXY: "https://proxy.golang.org,direct", GOSUMDB: "sum.golang.org",
			Environ: &recorder.Environ{Shell: "sh", MaxProcs: 4, CPUs: 4, GoSum: -1, Go: map[string]string{
				"GOPROXY": "https://proxy.golang.org,direct", "GOSUMDB": "sum.golang.org", "GOVERSION": "go1.26.8",
			}},
		},
		Process: &recorder.Process{Start: 1},
		End:     &recorder.End{},
	}}
}

// ends ends the command.
func (w *world) ends(at float64, exit int) *world {
	w.Process.End, w.Process.ExitCode = ms(at), exit
	w.End.At, w.End.ExitCode = ms(at+5), exit
	return w
}

// A phases is how long the phases of a request take, in milliseconds; dns, connect and tls
// only of a request that opened its connection.
type phases struct{ dns, connect, tls, send, wait, receive float64 }

// get adds a finished GET on connection conn (made when it is new), and returns it for the
// test to change. The kind is that of the URL.
func (w *world) get(conn uint64, at float64, rawURL string, status int, size int64, p phases) *recorder.Exchange {
	u, err := url.Parse(rawURL)
	if err != nil {
		panic(err)
	}
	x := recorder.Exchange{
		ID: uint64(len(w.Exchanges) + 1), Conn: conn, Tunnel: conn, Start: epoch.Add(time.Duration(ms(at))), Method: "GET", URL: rawURL,
		Proto: "HTTP/2.0", Status: status, Done: true,
		Go: gomod.NewClassifier(w.Session.GOPROXY, w.Session.GOSUMDB).Classify("GET", u, ""),
	}
	cursor := recorder.Span(1000)
	m := &x.Server
	phase := func(from, to *recorder.Span, d float64) {
		if d > 0 {
			*from, *to = cursor, cursor+ms(d)
			cursor = *to
		}
	}
	phase(&m.DNSStart, &m.DNSDone, p.dns)
	phase(&m.ConnectStart, &m.ConnectDone, p.connect)
	phase(&m.TLSStart, &m.TLSDone, p.tls)
	m.Reused = p.connect == 0
	m.WroteHeaders, m.WroteRequest = cursor, cursor+ms(p.send)
	if status != 0 {
		m.FirstByte = m.WroteRequest + ms(p.wait)
		m.LastByte = m.FirstByte + ms(p.receive)
	}
	m.End = m.WroteRequest + ms(p.wait+p.receive)
	x.Client = recorder.Marks{GotConn: 500, FirstByte: m.FirstByte, LastByte: m.LastByte, End: m.End}
	x.Response.BodySize = size
	x.Response.HeaderSize, x.Request.HeaderSize = 200, 150
	if w.conn(conn) == nil && conn != 0 {
		port := u.Port()
		if port == "" {
			port = "443"
		}
		c := recorder.Conn{ID: conn, Tunnel: conn, Target: u.Hostname() + ":" + port, Scheme: u.Scheme, Start: x.Start, Marks: *m, Remote: "192.0.2.1:" + port,
			TLS: &recorder.TLS{Version: "TLS 1.3", ALPN: "h2"}, Closed: "client"}
		c.Marks.WroteHeaders, c.Marks.WroteRequest, c.Marks.FirstByte, c.Marks.LastByte, c.Marks.Reused = 0, 0, 0, 0, false
		c.Dials = []recorder.Dial{{Addr: c.Remote, Start: m.ConnectStart, Done: m.ConnectDone}}
		w.Conns = append(w.Conns, c)
	}
	if c := w.conn(conn); c != nil {
		c.Exchanges++
		x.Remote = c.Remote
	}
	w.Exchanges = append(w.Exchanges, x)
	return &w.Exchanges[len(w.Exchanges)-1] // valid until the next get
}

// fails adds a request that got no answer: its error, and how long it took.
func (w *world) fails(conn uint64, at float64, rawURL, op, msg string, p phases) *recorder.Exchange {
	x := w.get(conn, at, rawURL, 0, 0, p)
	x.Err = &recorder.Error{Op: op, Msg: msg}
	return x
}

func (w *world) conn(id uint64) *recorder.Conn {
	for i := range w.Conns {
		if w.Conns[i].ID == id {
			return &w.Conns[i]
		}
	}
	return nil
}

// set changes a setting of the go command.
func (w *world) set(name, value string) *world {
	w.Session.Environ.Go[name] = value
	if name == "GOPROXY" {
		w.Session.GOPROXY = value
	}
	return w
}

// proxyURL is the URL of a file of a module at proxy.golang.org, "x/y@v1.0.0" and "zip".
func proxyURL(module, file string) string {
	path, version, _ := strings.Cut(module, "@")
	if file == "list" {
		return "https://proxy.golang.org/" + path + "/@v/list"
	}
	return "https://proxy.golang.org/" + path + "/@v/" + version + "." + file
}
