package har

import (
	"modtap/recorder"
)

// A quick decodes entries to their facts (recorder.Exchange.Facts), several times faster
// than encoding/json does. It is for one goroutine.
type quick struct {
	lexer
	values texts // of headers

	e        entry
	req      request
	res      response
	own      own
	phases   [4]float64
	url      string
	proto    string
	body     []byte            // response.content.text
	wires    [2][]byte         // of the request, of the response
	headers  []recorder.Header // the list being read
	arena    []recorder.Header // where lists are kept
	previous []recorder.Header // the last list of a request: most are alike
}

func newQuick() *quick { return &quick{lexer: lexer{texts: texts{}}, values: texts{}} }

// entry decodes the entry b, which is there until the next call; false: it is unusual.
func (q *quick) entry(b []byte) (*entry, bool) {
	q.b, q.at, q.bad = b, 0, false
	q.e = entry{}
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		q.member(key, &seen)
	}
	q.space()
	return &q.e, !q.bad && q.at == len(q.b)
}

func (q *quick) member(key []byte, seen *uint32) {
	switch string(key) {
	case "startedDateTime":
		q.once(seen, 0)
		q.e.Started = string(q.bytes())
	case "time":
		q.once(seen, 1)
		q.e.Time = q.float()
	case "request":
		q.once(seen, 2)
		q.req = request{}
		q.e.Request = &q.req
		q.request(&q.req)
	case "response":
		q.once(seen, 3)
		q.res = response{}
		q.e.Response = &q.res
		q.response(&q.res)
	case "timings":
		q.once(seen, 4)
		q.timings(&q.e.Timings)
	case "serverIPAddress":
		q.once(seen, 5)
		q.e.ServerIP = q.lexer.text()
	case "connection":
		q.once(seen, 6)
		q.e.Connection = q.id()
	case "_connectionId":
		q.once(seen, 7)
		q.e.ConnectionID = q.id()
	case "_modtap":
		q.once(seen, 8)
		q.own = own{}
		q.e.Own = &q.own
		q.ours(&q.own)
	case "pageref", "cache", "_resourceType", "_priority", "_initiator":
		q.skip()
	default:
		q.other(key, "startedDateTime", "time", "request", "response", "timings", "serverIPAddress", "connection", "_connectionId", "_modtap")
	}
}

// id reads a string that some writers give as a number.
func (q *quick) id() (t text) {
	raw := q.skip()
	q.bad = q.bad || len(raw) > longestText || t.UnmarshalJSON(raw) != nil
	if t != "" {
		t = text(q.texts.of([]byte(t)))
	}
	return t
}

// size reads a count of bytes.
func (q *quick) size() (s size) {
	if c := q.next(); c == '-' || '0' <= c && c <= '9' {
		at := q.at
		if n := q.int(); !q.bad {
			return size(n)
		}
		q.at, q.bad = at, false
	}
	raw := q.skip()
	q.bad = q.bad || s.UnmarshalJSON(raw) != nil
	return s
}

func (q *quick) request(r *request) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "method":
			q.once(&seen, 0)
			r.Method = q.lexer.text()
		case "url":
			q.once(&seen, 1)
			r.URL = string(q.bytes())
		case "httpVersion":
			q.once(&seen, 2)
			r.HTTPVersion = q.lexer.text()
		case "headers":
			q.once(&seen, 3)
			r.Headers = q.kept(q.headerList(), &q.previous)
		case "headersSize":
			q.once(&seen, 4)
			r.HeadersSize = q.size()
		case "bodySize":
			q.once(&seen, 5)
			r.BodySize = q.size()
		case "postData":
			q.once(&seen, 6)
			q.reflected(&r.PostData) // git has one now and then
		case "cookies", "queryString":
			q.skip()
		default:
			q.other(key, "method", "url", "httpVersion", "headers", "headersSize", "bodySize", "postData")
		}
	}
}

func (q *quick) response(r *response) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "status":
			q.once(&seen, 0)
			r.Status = int(q.int())
		case "statusText":
			q.once(&seen, 1)
			r.StatusText = q.lexer.text()
		case "httpVersion":
			q.once(&seen, 2)
			r.HTTPVersion = q.lexer.text()
		case "headers":
			q.once(&seen, 3)
			r.Headers = q.kept(q.headerList(), nil)
		case "content":
			q.once(&seen, 4)
			q.content(r)
		case "headersSize":
			q.once(&seen, 5)
			r.HeadersSize = q.size()
		case "bodySize":
			q.once(&seen, 6)
			r.BodySize = q.size()
		case "_transferSize":
			q.once(&seen, 7)
			r.TransferSize = q.size()
		case "_error":
			q.once(&seen, 8)
			r.Error = q.lexer.text()
		case "cookies", "redirectURL":
			q.skip()
		default:
			q.other(key, "status", "statusText", "httpVersion", "headers", "content", "headersSize", "bodySize", "_transferSize", "_error")
		}
	}
}

func (q *quick) content(r *response) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "size":
			q.once(&seen, 0)
			r.Content.Size = q.size()
		case "mimeType":
			q.once(&seen, 1)
			r.Content.MimeType = q.lexer.text()
		case "text":
			q.once(&seen, 2)
			q.body = append(q.body[:0], q.bytes()...)
			r.Content.body, r.Content.given = q.body, true
		case "encoding":
			q.once(&seen, 3)
			r.Content.Encoding = q.lexer.text()
		case "comment":
			q.once(&seen, 4)
			r.Content.Comment = q.lexer.text()
		case "compression":
			q.once(&seen, 5)
			r.Content.Compression = q.size()
		default:
			q.other(key, "size", "mimeType", "text", "encoding", "comment", "compression")
		}
	}
}

func (q *quick) timings(t *timings) {
	q.expect('{')
	var seen uint32
	phase := func(bit int) *float64 {
		q.once(&seen, bit)
		q.phases[bit] = q.float()
		return &q.phases[bit]
	}
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "blocked":
			t.Blocked = phase(0)
		case "dns":
			t.DNS = phase(1)
		case "connect":
			t.Connect = phase(2)
		case "ssl":
			t.SSL = phase(3)
		case "send":
			q.once(&seen, 4)
			t.Send = q.float()
		case "wait":
			q.once(&seen, 5)
			t.Wait = q.float()
		case "receive":
			q.once(&seen, 6)
			t.Receive = q.float()
		case "_blocked_proxy":
			q.once(&seen, 7)
			t.Proxy = q.float()
		default:
			q.other(key, "blocked", "dns", "connect", "ssl", "send", "wait", "receive", "_blocked_proxy")
		}
	}
}
