package origintest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// streams reports whether the path reads the request body itself.
func streams(r *http.Request) bool {
	return r.URL.Path == "/echo" || r.URL.Path == "/upload" || smartPath(r.URL.Path)
}

// stream answers what is no plain body: the fixed paths, the checksum database and the
// handler of the Config. It reports whether it did.
func (o *Origin) stream(x *exchange) bool {
	p := x.r.URL.Path
	switch {
	case x.k.Redirect != "":
		return false
	case p == "/echo":
		echo(x, x.r)
	case p == "/upload":
		upload(x, x.r)
	case p == "/upgrade":
		o.upgrade(x)
	case hostname(x.r) == SumHost:
		o.serveSumDB(x, x.r.URL.Path)
	case strings.HasPrefix(p, o.c.Prefix+"/sumdb/"+SumHost+"/"):
		o.serveSumDB(x, strings.TrimPrefix(p, o.c.Prefix+"/sumdb/"+SumHost))
	case o.serveGit(x):
	case o.c.Handler != nil && !o.serves(p):
		o.c.Handler.ServeHTTP(x, x.r)
	default:
		return false
	}
	return true
}

// serves reports whether the origin itself has something at path p.
func (o *Origin) serves(p string) bool {
	_, ok := o.c.Tree.files[strings.TrimPrefix(strings.TrimPrefix(p, o.c.Prefix), "/")]
	return ok || strings.HasPrefix(p, "/bytes/") || strings.HasPrefix(p, storagePath)
}

// serveSumDB answers from the checksum database. Its answers are small, so they are kept
// back and sent like files, with every knob.
func (o *Origin) serveSumDB(x *exchange, path string) {
	if path == "/supported" {
		x.send(textAnswer(http.StatusOK, ""))
		return
	}
	r := x.r.Clone(x.r.Context())
	r.URL.Path = path
	var b kept
	o.sumdb.ServeHTTP(&b, r)
	a := textAnswer(b.status, b.String())
	for name, values := range b.header {
		a.header[name] = values
	}
	x.send(a)
}

// kept is a ResponseWriter that keeps a small answer in memory.
type kept struct {
	strings.Builder
	status int
	header http.Header
}

func (k *kept) Header() http.Header {
	if k.header == nil {
		k.header = http.Header{}
	}
	return k.header
}

func (k *kept) WriteHeader(status int) { k.status = status }

func (k *kept) Write(p []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	return k.Builder.Write(p)
}

// echo sends the request body back while it arrives.
func echo(x *exchange, r *http.Request) {
	rc := http.NewResponseController(x)
	_ = rc.EnableFullDuplex() // HTTP/2 is always full duplex and says it cannot
	x.Header().Set("Content-Type", "application/octet-stream")
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buf)
		if n > 0 {
			if _, werr := x.Write(buf[:n]); werr != nil {
				return
			}
			x.Flush()
		}
		if err != nil {
			return
		}
	}
}

// upload reads the request body and says what it was.
func upload(x *exchange, r *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, r.Body)
	if err != nil {
		x.gone()
		panic(http.ErrAbortHandler)
	}
	b, err := json.Marshal(map[string]any{"bytes": n, "sha256": hex.EncodeToString(h.Sum(nil))})
	if err != nil {
		panic(err) // a number and a string
	}
	a := textAnswer(http.StatusOK, string(b))
	a.header.Set("Content-Type", jsonType)
	x.send(a)
}

// upgrade switches to the protocol "echo", or to one that claims to be "websocket": what the client sends comes back until it closes.
func (o *Origin) upgrade(x *exchange) {
	to := x.r.Header.Get("Upgrade")
	if x.r.ProtoMajor != 1 || (to != "echo" && to != "websocket") {
		x.Header().Set("Upgrade", "echo")
		x.send(textAnswer(http.StatusUpgradeRequired, "upgrade to echo over HTTP/1.1\n"))
		return
	}
	c, rw, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		panic(err) // HTTP/1.1 can
	}
	defer c.Close()
	x.answered(http.StatusSwitchingProtocols)
	if _, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+to+"\r\n\r\n"); err != nil {
		return
	}
	// rw may hold bytes that came with the request.
	n, _ := io.Copy(c, rw)
	o.journal.update(func() { x.rec.Sent = n })
}
