package origintest

import (
	"encoding/binary"
	"reflect"
)

// goAwayText is the debug data of GOAWAY frames.
const goAwayText = "as the test wants"

// writeFrame writes a RST_STREAM (type 3) or a GOAWAY (7) with the knob's code past
// http.Server, which has no way to choose one. Its own writer is between two frames: what
// the handler wrote is flushed, and it writes no more. Its SETTINGS come first.
func (x *exchange) writeFrame(kind byte, before []byte) {
	select {
	case <-x.conn.spoke:
	case <-x.o.ctx.Done():
	}
	payload := binary.BigEndian.AppendUint32(before, uint32(x.k.Code))
	stream := x.stream()
	if kind == 7 {
		payload, stream = append(payload, goAwayText...), 0
	}
	f := []byte{0, 0, byte(len(payload)), kind, 0}
	f = append(binary.BigEndian.AppendUint32(f, stream), payload...)
	if _, err := x.conn.tls.Write(f); err != nil {
		x.gone()
	}
}

// stream is the number of the request's HTTP/2 stream, which net/http keeps to itself.
func (x *exchange) stream() uint32 {
	v := reflect.ValueOf(x.ResponseWriter)
	for _, field := range []string{"rws", "stream", "id"} {
		v = v.Elem().FieldByName(field) // panics where Go has moved it, or over HTTP/1.1
	}
	return uint32(v.Uint())
}
