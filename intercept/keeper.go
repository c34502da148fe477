package intercept

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"mime"
	"net/http"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const (
	defaultTextLimit = 64 << 10
	defaultAllLimit  = 32 << 20
)

// A keeper keeps a body, or its hash, or nothing.
type keeper struct {
	limit int64
	body  []byte
	sum   hash.Hash
	aside *aside // hashes a large body beside the relay; nil: as it passes
	over  bool
	note  string
}

// An aside hashes the relay's buffers after they were written, in a goroutine of its own:
// hashing takes a third as long as relaying does, and the client need not wait for it.
type aside struct {
	full chan filled
	sum  chan []byte
}

type filled struct {
	buf *[]byte
	n   int
}

func hashAside(h hash.Hash) *aside {
	a := &aside{full: make(chan filled, 8), sum: make(chan []byte, 1)}
	go func() {
		for f := range a.full {
			h.Write((*f.buf)[:f.n])
			relayBuffers.Put(f.buf)
		}
		a.sum <- h.Sum(nil)
	}()
	return a
}

// take gets the n bytes of a relay's buffer and returns the buffer to go on with.
func (k *keeper) take(buf *[]byte, n int) *[]byte {
	if k.sum == nil || n < relayBuffer/4 && k.aside == nil {
		k.write((*buf)[:n])
		return buf
	}
	if k.aside == nil {
		k.aside = hashAside(k.sum)
	}
	k.aside.full <- filled{buf, n} // eight buffers behind, the relay waits: that is 0.3 ms
	return relayBuffers.Get().(*[]byte)
}

// digest ends the hashing.
func (k *keeper) digest() []byte {
	if k.aside == nil {
		return k.sum.Sum(nil)
	}
	close(k.aside.full)
	return <-k.aside.sum
}

// keeper decides what to keep of a response's body. Zips are never kept by default:
// their size and SHA-256 say what there is to know.
func (p *Proxy) keeper(x *recorder.Exchange, resp *http.Response) keeper {
	switch p.c.Bodies.Policy {
	case BodiesNone:
		return keeper{note: "bodies are not kept (--bodies none)"}
	case BodiesAll:
		return keeper{limit: limitOr(p.c.Bodies.Limit, defaultAllLimit)}
	}
	switch x.Go.Kind {
	case gomod.Zip, gomod.StorageZip, gomod.ToolchainZip:
		return keeper{sum: sha256.New(), note: "a zip: hashed, not kept"}
	case gomod.List, gomod.Info, gomod.Mod, gomod.Latest, gomod.SumdbLookup, gomod.SumdbSupported, gomod.SumdbLatest, gomod.GoGet:
	default:
		if !isText(resp.Header.Get("Content-Type")) {
			return keeper{note: "not text"}
		}
	}
	return keeper{limit: limitOr(p.c.Bodies.Limit, defaultTextLimit)}
}

func limitOr(limit, otherwise int64) int64 {
	if limit > 0 {
		return limit
	}
	return otherwise
}

func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch {
	case strings.HasPrefix(t, "text/"), strings.HasSuffix(t, "+json"), strings.HasSuffix(t, "+xml"):
		return true
	}
	switch t {
	case "application/json", "application/xml", "application/javascript", "application/problem+json":
		return true
	}
	return false
}

func (k *keeper) write(p []byte) {
	switch {
	case k.sum != nil:
		k.sum.Write(p)
	case k.limit == 0 || k.over:
	case int64(len(k.body)+len(p)) > k.limit:
		k.over, k.body = true, nil
	default:
		k.body = append(k.body, p...)
	}
}

// finish puts what was kept into m; whole tells that the body ended as it should.
func (k *keeper) finish(m *recorder.Message, whole bool) {
	m.Note = k.note
	var sum []byte
	if k.sum != nil {
		sum = k.digest()
	}
	switch {
	case m.BodySize == 0:
		m.Note = ""
	case k.sum != nil && whole:
		m.SHA256 = hex.EncodeToString(sum)
	case k.over:
		m.Note = fmt.Sprintf("body not kept: over %d bytes (--body-limit)", k.limit)
	case k.limit > 0:
		m.Body, m.Kept = k.body, whole
		if !whole {
			m.Note = "the body was cut short"
		}
	}
}
