package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// Protocol is the first word of every stream. It changes only when an old client could
// no longer read a new server.
const Protocol = "modtap/1"

// A Hello is the first frame of a stream.
type Hello struct {
	Protocol string            `json:"protocol"`
	Session  *recorder.Session `json:"session"` // nil when it has not begun; it comes as an event then
	Now      time.Time         `json:"now"`     // the server's clock, for a client whose own is off
}

// A Batch is every frame after the Hello.
type Batch struct {
	// Seq is what to give as since to go on after this batch; 0 while a snapshot is incomplete.
	Seq uint64 `json:"seq"`
	// Events are whole snapshots. Their own Seq is not sent and is 0.
	Events []recorder.Event `json:"events"`
	// Lost is how many events were dropped before these; ask for a snapshot when it is not 0.
	Lost uint64 `json:"lost"`
	// Snapshot says that Events are part of a snapshot, not news.
	Snapshot bool `json:"snapshot,omitempty"`
}

// A ClientMessage is what a client may say. Names it does not know are ignored, so that
// a newer client can talk to an older server.
type ClientMessage struct {
	Snapshot bool `json:"snapshot"`
}

var errNotObject = errors.New("not a JSON object")

// parseClientMessage reads one text frame of a client.
func parseClientMessage(b []byte) (ClientMessage, error) {
	var m ClientMessage
	b = bytes.Trim(b, " \t\r\n")    // JSON knows no other white space
	if len(b) == 0 || b[0] != '{' { // null would be a valid ClientMessage to encoding/json
		return m, errNotObject
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&m); err != nil {
		return ClientMessage{}, fmt.Errorf("client message: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ClientMessage{}, errors.New("client message: text after the object")
	}
	return m, nil
}

// A key says which snapshots replace each other: of two events with the same key only
// the last one matters.
type key struct {
	what byte
	id   uint64
	name string
}

// keyOf returns the key of e.
func keyOf(e recorder.Event) key {
	switch {
	case e.Exchange != nil:
		return key{what: 'x', id: e.Exchange.ID}
	case e.Conn != nil:
		return key{what: 'c', id: e.Conn.ID}
	case e.Tunnel != nil:
		return key{what: 't', id: e.Tunnel.ID}
	case e.Finding != nil:
		return key{what: 'f', name: e.Finding.ID}
	case e.Session != nil:
		return key{what: 's'}
	case e.Process != nil:
		return key{what: 'p'}
	}
	return key{what: 'e'}
}

// A packet is one frame of the stream, encoded once for everybody who gets it.
type packet struct {
	message *websocket.PreparedMessage
	size    int    // bytes of JSON
	prev    uint64 // it has what happened after this event,
	seq     uint64 // up to this one
	lost    uint64
}

func encodeHello(h Hello) (*websocket.PreparedMessage, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode the session: %w", err)
	}
	return websocket.NewPreparedMessage(websocket.TextMessage, text)
}

// encode makes the frame of b and says how many bytes of JSON it has. spare is memory to
// work in, or nil; it returns what is to be given the next time.
func encode(b *Batch, spare []byte) (m *websocket.PreparedMessage, size int, _ []byte, err error) {
	text, err := appendBatch(spare[:0], b)
	if err != nil {
		return nil, 0, spare, fmt.Errorf("encode events: %w", err)
	}
	m, err = websocket.NewPreparedMessage(websocket.TextMessage, bytes.Clone(text)) // which keeps it
	return m, len(text), text, err
}
