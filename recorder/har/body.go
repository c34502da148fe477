package har

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"modtap/recorder"
)

const (
	// maxBody bounds a body inside the file: escaped at its worst (six characters a
	// byte) it stays under the 536,870,888 characters that V8 puts in one string.
	maxBody = 64 << 20
	// maxDecoded and maxRatio bound what decompressing a body may cost.
	maxDecoded = 16 << 20
	maxRatio   = 200
)

// decode undoes a Content-Encoding within the bounds of a HAR's content.
func decode(encoding string, body []byte, whole bool) ([]byte, error) {
	return recorder.Decode(encoding, body, whole, min(maxDecoded, max(1<<20, maxRatio*len(body))))
}

// A content is what a HAR may say about the body of a Message.
type content struct {
	text    []byte // decoded; nil: no text
	size    int64  // decoded length, or the wire length when that is not known
	sized   bool   // size is the decoded length
	wire    []byte // the body as on the wire, when text is not it
	comment string // why there is no text, or not all of it
}

func contentOf(m *recorder.Message) content {
	c := content{size: m.BodySize, sized: recorder.NotEncoded(m.Encoding), comment: m.Note}
	switch {
	case m.Body == nil:
	case len(m.Body) > maxBody:
		c.comment = fmt.Sprintf("body not kept: %d bytes are over the %d that fit here", len(m.Body), maxBody)
	case recorder.NotEncoded(m.Encoding) || len(m.Body) == 0:
		c.text = m.Body
		if m.Redacted && !recorder.NotEncoded(m.Get("Content-Encoding")) {
			c.size = int64(len(m.Body)) // the wire's was encoded
		}
	default:
		c.wire = m.Body
		text, err := decode(m.Encoding, m.Body, m.Kept)
		if err != nil {
			c.comment = "body not decoded: " + err.Error()
			break
		}
		if text == nil {
			text = []byte{}
		}
		c.text = text
		if m.Kept {
			c.size, c.sized = int64(len(text)), true
		}
	}
	if c.comment == "" && m.Body != nil && !m.Kept {
		c.comment = fmt.Sprintf("only the first %d bytes were kept", len(m.Body))
	}
	return c
}

// holds reports whether the body is in the file.
func (c *content) holds() bool { return c.text != nil || c.wire != nil }

// appendContent appends response.content.
func appendContent(b []byte, m *recorder.Message, c *content) []byte {
	o := object{b: b}
	o.open("")
	o.key("size")
	o.b = strconv.AppendInt(o.b, max(c.size, 0), 10)
	o.key("mimeType")
	o.b = appendString(o.b, m.Mime)
	if c.sized && !recorder.NotEncoded(m.Encoding) {
		o.int("compression", c.size-m.BodySize)
	}
	switch {
	case c.text == nil:
	case utf8.Valid(c.text):
		o.key("text")
		o.b = appendString(o.b, c.text)
	default:
		o.key("text")
		o.b = appendBase64(o.b, c.text)
		o.string("encoding", "base64")
	}
	o.string("comment", c.comment)
	o.close()
	return o.b
}

// postText is the text of a request body, which HAR cannot hold as base64; the exact
// bytes of one that is not UTF-8 then go to wire.
func (c *content) postText(m *recorder.Message) []byte {
	if c.text != nil && c.wire == nil && !utf8.Valid(c.text) {
		c.wire = m.Body
	}
	if c.text == nil {
		return []byte{} // mitmproxy refuses a whole file for a postData without text
	}
	return c.text
}
