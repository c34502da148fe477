package har

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
)

// entry is what we read of log.entries[i].
type entry struct {
	Started      string    `json:"startedDateTime"`
	Time         float64   `json:"time"`
	Request      *request  `json:"request"`
	Response     *response `json:"response"`
	Timings      timings   `json:"timings"`
	ServerIP     string    `json:"serverIPAddress"`
	Connection   text      `json:"connection"`
	ConnectionID text      `json:"_connectionId"`
	Own          *own      `json:"_modtap"`
}

type request struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	HTTPVersion string            `json:"httpVersion"`
	Headers     []recorder.Header `json:"headers"`
	HeadersSize size              `json:"headersSize"`
	BodySize    size              `json:"bodySize"`
	PostData    *struct {
		MimeType string  `json:"mimeType"`
		Text     *string `json:"text"`
		Comment  string  `json:"comment"`
	} `json:"postData"`
}

type response struct {
	Status      int               `json:"status"`
	StatusText  string            `json:"statusText"`
	HTTPVersion string            `json:"httpVersion"`
	Headers     []recorder.Header `json:"headers"`
	Content     struct {
		Size        size    `json:"size"`
		Compression size    `json:"compression"`
		MimeType    string  `json:"mimeType"`
		Text        *string `json:"text"`
		Encoding    string  `json:"encoding"`
		Comment     string  `json:"comment"`

		body  []byte // in place of Text, when given
		given bool
	} `json:"content"`
	HeadersSize  size   `json:"headersSize"`
	BodySize     size   `json:"bodySize"`
	TransferSize size   `json:"_transferSize"`
	Error        string `json:"_error"`
}

// timings have pointers where a writer may leave a phase out.
type timings struct {
	Blocked *float64 `json:"blocked"`
	DNS     *float64 `json:"dns"`
	Connect *float64 `json:"connect"`
	SSL     *float64 `json:"ssl"`
	Send    float64  `json:"send"`
	Wait    float64  `json:"wait"`
	Receive float64  `json:"receive"`
	Proxy   float64  `json:"_blocked_proxy"`
}

// size is a count of bytes, which some writers give as 12.0 or "12".
type size int64

// UnmarshalJSON reads any number, also in quotes; null leaves s alone.
func (s *size) UnmarshalJSON(b []byte) error {
	t := strings.Trim(string(b), `"`)
	if t == "null" || t == "" {
		return nil
	}
	if n, err := strconv.ParseInt(t, 10, 64); err == nil {
		*s = size(n)
		return nil
	}
	f, err := strconv.ParseFloat(t, 64)
	if err != nil {
		return err
	}
	*s = size(min(max(f, -1), 1<<53))
	return nil
}

// text is a string that some writers give as a number.
type text string

// UnmarshalJSON reads a string without escapes, or a number.
func (t *text) UnmarshalJSON(b []byte) error {
	if s := strings.Trim(string(b), `"`); s != "null" {
		*t = text(s)
	}
	return nil
}

// maxID is the largest id taken from a file: JavaScript counts no further, and ids can be
// given behind it.
const maxID = 1 << 53

// exchange is the Exchange that e tells of; false: it is none.
func (e *entry) exchange() (recorder.Exchange, bool) {
	switch {
	case e.Request == nil || e.Response == nil:
		return recorder.Exchange{}, false
	case e.Own == nil:
		return e.foreign()
	}
	o := e.Own
	x := recorder.Exchange{
		ID: o.ID, Conn: o.Conn, Tunnel: o.Tunnel, Parent: o.Parent, Start: o.Start,
		Method: e.Request.Method, URL: e.Request.URL, Proto: protoOf(e.Response.HTTPVersion),
		Remote: o.Remote, Go: o.Go, Server: o.Server, Client: o.Client,
		Status: e.Response.Status, Reason: e.Response.StatusText, Err: o.Err,
		Request: e.requestMessage(), Rules: o.Rules, SentTo: o.SentTo, Resent: o.Resent,
		ServerBlocked: o.ServerBlocked, ClientBlocked: o.ClientBlocked, Overhead: o.Overhead, Injected: o.Injected, TCP: o.TCP,
		Done: true,
	}
	if o.URL != nil {
		x.URL = *o.URL
	}
	if o.Proto != nil {
		x.Proto = *o.Proto
	}
	var ok bool
	x.Response, ok = e.responseMessage()
	o.Request.complete(&x.Request)
	o.Response.complete(&x.Response)
	return x, ok && x.ID != 0 && x.ID <= maxID
}

// complete adds to m what HAR has no field for.
func (o *ownMessage) complete(m *recorder.Message) {
	if o.Mime != "" {
		m.Mime = o.Mime
	}
	m.Encoding, m.Kept, m.SHA256, m.BodyFile, m.Note, m.Trailer = o.Encoding, o.Kept, o.SHA256, o.BodyFile, o.Note, o.Trailer
	m.Redacted = o.Redacted
	if o.Wire != nil {
		m.Body = *o.Wire
	}
}

func (e *entry) requestMessage() recorder.Message {
	r := e.Request
	m := recorder.Message{Header: r.Headers, HeaderSize: int64(r.HeadersSize), BodySize: int64(r.BodySize)}
	if len(m.Header) == 0 {
		m.Header = nil
	}
	if p := r.PostData; p != nil {
		m.Mime, m.Note = p.MimeType, p.Comment
		if p.Text != nil {
			m.Body, m.Kept = []byte(*p.Text), true
		}
	}
	return m
}

// responseMessage is false when the body is not the base64 that it should be.
func (e *entry) responseMessage() (recorder.Message, bool) {
	r := e.Response
	m := recorder.Message{
		Header: r.Headers, HeaderSize: int64(r.HeadersSize), BodySize: int64(r.BodySize),
		Mime: r.Content.MimeType, Note: r.Content.Comment,
	}
	if len(m.Header) == 0 {
		m.Header = nil
	}
	body, given := r.Content.body, r.Content.given
	if t := r.Content.Text; t != nil {
		body, given = []byte(*t), true
	}
	if !given {
		return m, true
	}
	m.Body, m.Kept = body, true
	if !strings.EqualFold(r.Content.Encoding, "base64") {
		return m, true
	}
	n, err := base64.StdEncoding.Decode(body, body)
	m.Body = body[:n]
	return m, err == nil
}

// startLayouts are the ways in which writers spell startedDateTime: RFC 3339, and ISO
// 8601 that is not quite that.
var startLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"}

func parseStart(s string) (time.Time, bool) {
	for _, layout := range startLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
