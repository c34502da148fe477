package intercept

import (
	"cmp"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	frameHeader       = 9 // RFC 9113 §4.1
	frameHeaders      = 1 // 0 is DATA
	frameRST          = 3
	frameGoAway       = 7
	frameContinuation = 9
	flagEndStream     = 1       // of DATA and HEADERS
	flagEndHeaders    = 4       // of HEADERS and CONTINUATION
	clientPreface     = 24      // bytes, before the client's first frame (RFC 9113 §3.4)
	maxGoAwayText     = 1 << 10 // of the server's debug data, passed on
	refusedStream     = 7       // RFC 9113 §7
	maxCodes          = 256     // more than streams can be about to be reset
)

// A frameConn is a client's HTTP/2 connection as http.Server writes to it. net/http can
// reset a stream with INTERNAL_ERROR only, and its GOAWAY has no text; clients print both
// and some codes make them send again. So it follows the frames that are written, without
// copying them, and puts the server's own code into the RST_STREAM of a stream for which
// one is known. Of the frames that are read it wants to know which streams the client
// resets.
//
// It is not a *tls.Conn, and must not have its ConnectionState: http.Server takes it as
// HTTP/2 by prior knowledge then.
type frameConn struct {
	net.Conn

	write sync.Mutex
	head  [frameHeader]byte // of the current frame
	have  int               // bytes of head
	left  int               // bytes of the payload that are still to come
	code  []byte            // what they are to be, when that is changed
	final bool              // the stream ends with this frame, or with its header block
	ends  bool              // the current frame is its stream's last
	block bool              // a CONTINUATION must follow, and nothing else may

	held   []byte // see send
	timer  *time.Timer
	failed error // of writing what was held

	hurried atomic.Int64 // since epoch: nothing is held before

	seen     [frameHeader]byte // head of the frame that is being read
	seenHave int               // bytes of it
	skip     int               // bytes to read before the next head

	mu       sync.Mutex
	codes    map[uint32]uint32   // of streams about to be reset
	open     map[uint32]struct{} // streams whose request was read and whose answer is not all written
	last     uint32              // highest of them so far
	leaving  bool                // see leave
	departed bool                // last is final
}

// took notes that the request of a stream was read. It reports false when the client is
// being told that it was not.
func (c *frameConn) took(stream uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.departed {
		return false
	}
	if stream > 0 {
		if c.open == nil {
			c.open = map[uint32]struct{}{}
		}
		c.open[stream] = struct{}{}
		c.last = max(c.last, stream)
	}
	return true
}

// leave ends the connection with a GOAWAY when the answers that are under way are written.
// (http.Server calls a connection idle while the last answer is still in its buffer.) A
// request that is on its way then is one that the client may send again elsewhere, as after
// the server's own GOAWAY.
func (c *frameConn) leave() {
	c.mu.Lock()
	c.leaving = true
	now := c.due()
	c.mu.Unlock()
	if now {
		c.depart()
	}
}

// due reports, once, that it is time to go. c.mu is held.
func (c *frameConn) due() bool {
	if !c.leaving || c.departed || len(c.open) > 0 {
		return false
	}
	c.departed = true
	return true
}

func (c *frameConn) depart() {
	c.goAway(c.last, 0, "")
	clientOf(c).written()
	clientOf(c).refuse() // http.Server closes it, and what is unread does not become a reset
}

// ended notes that the stream's last frame is written, and reports whether it is time to go.
func (c *frameConn) ended(streams []uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range streams {
		delete(c.open, s)
	}
	return c.due()
}

// abandoned notes that the client has reset the stream: nothing more is written of it.
func (c *frameConn) abandoned(stream uint32) {
	if c.ended([]uint32{stream}) {
		c.depart()
	}
}

// Read looks for the streams that the client resets: by the time it does so the handler may
// have returned, and what net/http has yet to write of the answer is never written.
func (c *frameConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if c.skip > 0 {
			m := min(c.skip, len(rest))
			c.skip, rest = c.skip-m, rest[m:]
			continue
		}
		m := copy(c.seen[c.seenHave:], rest)
		c.seenHave, rest = c.seenHave+m, rest[m:]
		if c.seenHave < frameHeader {
			break
		}
		c.seenHave, c.skip = 0, payload(c.seen)
		if c.seen[3] == frameRST {
			go c.abandoned(binary.BigEndian.Uint32(c.seen[5:])) // it may write
		}
	}
	return n, err
}

// payload is the length of the frame with that head, without it.
func payload(head [frameHeader]byte) int {
	return int(head[0])<<16 | int(head[1])<<8 | int(head[2])
}

// resetWith makes code the reason of the stream's RST_STREAM.
func (c *frameConn) resetWith(stream, code uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.codes == nil {
		c.codes = map[uint32]uint32{}
	}
	if len(c.codes) == maxCodes { // of streams that their clients reset first
		clear(c.codes)
	}
	c.codes[stream] = code
}

// Write passes on whole and partial frames.
func (c *frameConn) Write(p []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	out := p
	var buf [16]uint32
	done := buf[:0] // streams that end in p
	for at := 0; at < len(p); {
		if c.left == 0 {
			n := copy(c.head[c.have:], p[at:])
			c.have += n
			at += n
			if c.have < frameHeader {
				break
			}
			c.begin()
			if c.ends && c.left == 0 {
				done = append(done, binary.BigEndian.Uint32(c.head[5:]))
			}
			continue
		}
		n := min(c.left, len(p)-at)
		if c.code != nil {
			if &out[0] == &p[0] {
				out = append([]byte(nil), p...) // p is the caller's
			}
			copy(out[at:at+n], c.code)
			c.code = c.code[n:]
		}
		c.left -= n
		at += n
		if c.left == 0 {
			c.code = nil
			if c.ends {
				done = append(done, binary.BigEndian.Uint32(c.head[5:]))
			}
		}
	}
	n, err := c.send(out)
	if len(done) > 0 && c.ended(done) {
		go c.depart() // it writes, too
	}
	return n, err
}

// begin starts the frame whose head is complete.
func (c *frameConn) begin() {
	kind, flags := c.head[3], c.head[4]
	c.have, c.left = 0, payload(c.head)
	if kind <= frameHeaders {
		c.final = flags&flagEndStream != 0
	}
	headers := kind == frameHeaders || kind == frameContinuation
	c.block = headers && flags&flagEndHeaders == 0
	c.ends = kind == frameRST || (kind <= frameHeaders || headers) && c.final && !c.block
	if kind == frameRST {
		c.code = c.codeOf(binary.BigEndian.Uint32(c.head[5:]))
	}
}

// codeOf returns the payload of the stream's RST_STREAM; nil when it is not to be changed.
func (c *frameConn) codeOf(stream uint32) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	code, ok := c.codes[stream]
	if !ok {
		return nil
	}
	delete(c.codes, stream)
	return binary.BigEndian.AppendUint32(nil, code)
}

// goAway writes the server's own GOAWAY, unless a frame is half written, or a header block
// (RFC 9113 §6.10): then the end of the connection has to do.
func (c *frameConn) goAway(last, code uint32, text string) {
	c.write.Lock()
	defer c.write.Unlock()
	if c.have > 0 || c.left > 0 || c.block {
		return
	}
	text = text[:min(len(text), maxGoAwayText)]
	f := []byte{0, byte((8 + len(text)) >> 8), byte(8 + len(text)), frameGoAway, 0, 0, 0, 0, 0}
	f = binary.BigEndian.AppendUint32(f, last)
	f = binary.BigEndian.AppendUint32(f, code)
	c.release()
	c.Conn.Write(append(f, text...))
}

// streamOf returns the HTTP/2 stream that w answers, which net/http keeps to itself; 0
// when it is not where Go 1.26 has it.
func streamOf(w http.ResponseWriter) uint32 {
	v := reflect.ValueOf(w)
	for _, field := range []string{"rws", "stream", "id"} {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return 0
		}
		v = v.FieldByName(field)
	}
	if v.Kind() != reflect.Uint32 {
		return 0
	}
	return uint32(v.Uint())
}

// A streamError has the fields of net/http's own error for a stream that was reset, which
// is what errors.As wants to fill it (net/http/h2_error.go).
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "stream error" }

// A goAwayError is what net/http's errors tell of a server's GOAWAY.
type goAwayError struct {
	last, code uint32
	text       string
}

// goAwayOf finds a GOAWAY in the error of a request of an HTTP/2 stream. net/http exports
// none of its errors for it.
func goAwayOf(err error, stream uint32) (g goAwayError, ok bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		if name, ok := strings.CutPrefix(err.Error(), "http2: Transport received GOAWAY from server ErrCode:"); ok {
			// the server did not process the connection's first stream
			code := slices.Index(codeNames, name)
			return goAwayError{last: 0, code: uint32(code)}, code > 0
		}
		v := reflect.ValueOf(err)
		if v.Kind() != reflect.Struct {
			continue
		}
		last, code, text := v.FieldByName("LastStreamID"), v.FieldByName("ErrCode"), v.FieldByName("DebugData")
		if last.Kind() == reflect.Uint32 && code.Kind() == reflect.Uint32 && text.Kind() == reflect.String {
			return goAwayError{max(uint32(last.Uint()), stream), uint32(code.Uint()), text.String()}, true
		}
	}
	return g, false
}

// codeNames are the error codes of RFC 9113 §7 as net/http prints them.
var codeNames = []string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
	"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
	"CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// passCode gives an HTTP/2 client the code with which the server ended the stream, or the
// connection. It reports whether the stream's end says all: the connection stays.
func passCode(w http.ResponseWriter, r *http.Request, c *call) bool {
	fc, ok := r.Context().Value(connKey{}).(*frameConn)
	if !ok || r.Context().Err() != nil {
		return false
	}
	stream := streamOf(w)
	err := cmp.Or(c.x.failed, c.x.cut)
	var reset streamError
	if errors.As(err, &reset) {
		fc.resetWith(stream, reset.Code)
		return true
	}
	if c.x.marks[markWroteHeaders].Load() == 0 && stream > 0 {
		// The server that hung up cannot be reached again. The client tries for itself, and
		// gets the answer to its CONNECT.
		fc.goAway(max(stream, 2)-2, 0, "")
		fc.resetWith(stream, refusedStream)
		return true
	}
	if g, ok := goAwayOf(err, stream); ok {
		fc.goAway(g.last, g.code, g.text)
	}
	return false
}
