package intercept

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"os"
	"path/filepath"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const (
	defaultTextLimit = 64 << 10
	// inlineLimit is the largest body that --bodies all keeps in the recording itself.
	inlineLimit = 1 << 20
)

// A keeper keeps a body, or its hash, or nothing.
type keeper struct {
	limit  int64 // largest body to keep; 0: none is kept, -1: no limit
	inline int64 // larger ones go to a file in dir
	dir    string
	note   string
	// redactor is what looks through texts; they stay in memory until it has.
	redactor *recorder.Redactor
	mime     string
	encoding string

	size  int64
	body  []byte
	sum   hash.Hash // of a body that is hashed, or written to file
	file  *os.File
	err   error // of file
	aside *aside
	over  bool
}

// keeper decides what to keep of a response's body. Zips are not kept by default, nor
// hashed: on two busy cores SHA-256 costs a tenth of the time of a go mod download, and
// what it gives compares with nothing the go command has (go.sum hashes the files inside).
func (p *Proxy) keeper(x *recorder.Exchange, resp *http.Response) keeper {
	k := keeper{redactor: p.c.Redactor, mime: resp.Header.Get("Content-Type"), encoding: resp.Header.Get("Content-Encoding")}
	b := &p.c.Bodies
	switch b.Policy {
	case BodiesNone:
		k.note = "bodies are not kept (--bodies none)"
		return k
	case BodiesAll:
		k.limit, k.inline, k.dir = limitOr(b.Limit, -1), inlineLimit, b.Dir
		return k
	}
	switch x.Go.Kind {
	case gomod.Zip, gomod.StorageZip, gomod.ToolchainZip:
		k.note = "a zip: not kept (--bodies all)"
		return k
	case gomod.List, gomod.Info, gomod.Mod, gomod.Latest, gomod.SumdbLookup, gomod.SumdbSupported, gomod.SumdbLatest, gomod.GoGet:
	default:
		if !recorder.IsText(k.mime) {
			k.note = "not text"
			return k
		}
	}
	k.limit = limitOr(b.Limit, defaultTextLimit)
	k.inline = k.limit
	return k
}

func limitOr(limit, otherwise int64) int64 {
	if limit > 0 {
		return limit
	}
	return otherwise
}

// take gets the n bytes of a relay's buffer and returns the buffer to go on with. What is
// hashed or written to a file is worked on beside the relay.
func (k *keeper) take(buf *[]byte, n int) *[]byte {
	if k.sum == nil || n < relayBuffer/4 && k.aside == nil {
		k.write((*buf)[:n])
		return buf
	}
	if k.aside == nil {
		k.aside = workAside(k.consume)
	}
	k.aside.full <- filled{buf, n} // eight buffers behind, the relay waits
	return relayBuffers.Get().(*[]byte)
}

func (k *keeper) write(p []byte) {
	switch {
	case k.sum != nil:
		k.consume(p)
	case k.limit == 0 || k.over:
	case k.limit > 0 && int64(len(k.body)+len(p)) > k.limit:
		k.over, k.body = true, nil
	case int64(len(k.body)+len(p)) <= k.inline:
		k.body = append(k.body, p...)
	case !k.looksInto():
		k.spill(p)
	case len(k.body)+len(p) > recorder.MaxText:
		k.over, k.body, k.limit = true, nil, 0
	default:
		k.body = append(k.body, p...)
	}
}

// consume hashes p, and writes it to the file if there is one.
func (k *keeper) consume(p []byte) {
	k.sum.Write(p)
	if k.file == nil || k.err != nil || k.over {
		return
	}
	if k.size += int64(len(p)); k.limit > 0 && k.size > k.limit {
		k.over = true
		return
	}
	_, k.err = k.file.Write(p)
}

// looksInto reports whether a body that is larger than what the recording itself holds
// stays in memory until the secrets of its text are taken out: they must not reach a file.
func (k *keeper) looksInto() bool {
	return k.redactor != nil && recorder.MayBeText(k.mime, k.encoding, k.body)
}

// spill moves the body so far into a file.
func (k *keeper) spill(p []byte) {
	so := k.body
	k.body, k.sum = nil, sha256.New()
	if k.dir == "" {
		k.note = "body not kept: over 1 MiB, and there is no recording to keep it beside"
	} else if k.err = os.MkdirAll(k.dir, 0o700); k.err == nil {
		k.file, k.err = os.CreateTemp(k.dir, "partial-*")
	}
	k.consume(so)
	k.consume(p)
}

// finish puts what was kept into m, without its secrets, of which hidden tells some;
// whole says that the body ended as it should.
func (k *keeper) finish(m *recorder.Message, whole bool, hidden func() []string) {
	var sum []byte
	if k.aside != nil {
		k.aside.wait()
	}
	if k.sum != nil {
		sum = k.sum.Sum(nil)
	}
	m.Note = k.note
	switch {
	case m.BodySize == 0:
		m.Note = ""
	case k.sum != nil && whole:
		m.SHA256 = hex.EncodeToString(sum)
	case k.limit != 0 && k.body != nil:
		m.Body, m.Kept = k.body, whole
	}
	if !whole && m.BodySize > 0 {
		m.Note = "the body was cut short"
	}
	switch {
	case k.over && k.limit == 0:
		m.Note = fmt.Sprintf("body not kept: over %d bytes, too much to look through for secrets (--no-redact)", recorder.MaxText)
	case k.over:
		m.Note = fmt.Sprintf("body not kept: over %d bytes (--body-limit)", k.limit)
	}
	if m.Body != nil && k.redactor != nil {
		k.redactor.Body(m, hidden())
		if int64(len(m.Body)) > k.inline {
			k.moveOut(m)
		}
	}
	k.finishFile(m)
}

// moveOut puts a text that was looked through into a file, as spill would have.
func (k *keeper) moveOut(m *recorder.Message) {
	body, whole := m.Body, m.Kept
	m.Body, k.body, m.Kept = nil, nil, false
	if !whole {
		return
	}
	if k.limit > 0 && int64(len(body)) > k.limit { // decoded, and with REDACTED in it
		m.Note = fmt.Sprintf("body not kept: over %d bytes once its secrets were taken out (--body-limit)", k.limit)
		return
	}
	k.spill(body)
	m.SHA256 = hex.EncodeToString(k.sum.Sum(nil))
	if k.file == nil && k.err == nil {
		m.Note = k.note
	}
}

// finishFile gives the file its name, or removes it.
func (k *keeper) finishFile(m *recorder.Message) {
	if k.file != nil {
		if err := k.file.Close(); k.err == nil {
			k.err = err
		}
		if k.err == nil && !k.over && m.SHA256 != "" {
			if k.err = os.Rename(k.file.Name(), filepath.Join(k.dir, m.SHA256)); k.err == nil {
				m.BodyFile, m.Kept = filepath.Base(k.dir)+"/"+m.SHA256, true
				return
			}
		}
		os.Remove(k.file.Name())
	}
	if k.err != nil {
		m.Note = "body not kept: " + k.err.Error()
	}
}

// An aside works on the relay's buffers after they were written, in a goroutine of its
// own: hashing takes a third as long as relaying does. The end of the body waits for what
// is left of it.
type aside struct {
	full chan filled
	done chan struct{}
}

type filled struct {
	buf *[]byte
	n   int
}

func workAside(work func([]byte)) *aside {
	a := &aside{full: make(chan filled, 8), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		for f := range a.full {
			work((*f.buf)[:f.n])
			relayBuffers.Put(f.buf)
		}
	}()
	return a
}

// wait ends the work.
func (a *aside) wait() {
	close(a.full)
	<-a.done
}
