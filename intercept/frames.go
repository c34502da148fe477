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
)

const (
	frameHeader   = 9 // RFC 9113 §4.1
	frameRST      = 3
	frameGoAway   = 7
	maxGoAwayText = 1 << 10 // of the server's debug data, passed on
	maxCodes      = 256     // more than streams can be about to be reset
)

// A frameConn is a client's HTTP/2 connection as http.Server writes to it. net/http can
// reset a stream with INTERNAL_ERROR only, and its GOAWAY has no text; clients print both
// and some codes make them send again. So it follows the frames that are written, without
// copying them, and puts the server's own code into the RST_STREAM of a stream for which
// one is known.
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

	mu    sync.Mutex
	codes map[uint32]uint32 // of streams about to be reset
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
	for at := 0; at < len(p); {
		if c.left == 0 {
			n := copy(c.head[c.have:], p[at:])
			c.have += n
			at += n
			if c.have < frameHeader {
				break
			}
			c.have = 0
			c.left = int(c.head[0])<<16 | int(c.head[1])<<8 | int(c.head[2])
			if c.head[3] == frameRST {
				c.code = c.codeOf(binary.BigEndian.Uint32(c.head[5:]))
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
		}
	}
	return c.Conn.Write(out)
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

// goAway writes the server's own GOAWAY, unless a frame is half written: then the end of
// the connection has to do.
func (c *frameConn) goAway(last, code uint32, text string) {
	c.write.Lock()
	defer c.write.Unlock()
	if c.have > 0 || c.left > 0 {
		return
	}
	text = text[:min(len(text), maxGoAwayText)]
	f := []byte{0, byte((8 + len(text)) >> 8), byte(8 + len(text)), frameGoAway, 0, 0, 0, 0, 0}
	f = binary.BigEndian.AppendUint32(f, last)
	f = binary.BigEndian.AppendUint32(f, code)
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
	if g, ok := goAwayOf(err, stream); ok {
		fc.goAway(g.last, g.code, g.text)
	}
	return false
}
