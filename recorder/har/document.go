package har

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// maxQuick bounds one value that a document waits for: where the text is damaged, its end
// may never come.
const maxQuick = 16 << 20

// A document splits one HAR into its entries without decoding them. It reads what the
// scanner reads; where the text is not plainly a HAR it gives up with errUnusual.
type document struct {
	outline
	onHeader func(header) error
	most     int // entries

	r       io.Reader
	buf     []byte
	base    int64 // offset of buf in the file
	at      int
	end     bool // nothing more comes
	err     error
	entries int
	listed  bool
}

func newDocument(r io.Reader) *document {
	d := &document{r: r, most: maxEntries, buf: make([]byte, 0, batchSize)}
	for len(d.buf) < len(bom) && d.fill() {
	}
	if bytes.HasPrefix(d.buf, bom) {
		d.at = len(bom)
	}
	return d
}

// fill reads more behind what is there; false: nothing came.
func (d *document) fill() bool {
	if d.end {
		return false
	}
	if d.at > 0 {
		d.base += int64(d.at)
		d.buf = d.buf[:copy(d.buf, d.buf[d.at:])]
		d.at = 0
	}
	if len(d.buf) > cap(d.buf)/2 {
		d.buf = append(make([]byte, 0, 2*cap(d.buf)), d.buf...)
	}
	if len(d.buf) > maxQuick {
		d.end, d.err = true, errUnusual
		return false
	}
	n, err := io.ReadAtLeast(d.r, d.buf[len(d.buf):cap(d.buf)], 1)
	d.buf = d.buf[:len(d.buf)+n]
	if err != nil {
		d.end = true
		if !errors.Is(err, io.EOF) {
			d.err = err
		}
	}
	return n > 0
}

// next is the next byte that is no white space; 0 at the end.
func (d *document) next() byte {
	for {
		for ; d.at < len(d.buf); d.at++ {
			switch c := d.buf[d.at]; c {
			case ' ', '\n', '\t', '\r':
			default:
				return c
			}
		}
		if !d.fill() {
			return 0
		}
	}
}

func (d *document) take(c byte) bool {
	if d.next() != c {
		return false
	}
	d.at++
	return true
}

// value is the text of the next value, until the next call; nil when its end does not come.
func (d *document) value() []byte {
	d.next()
	for {
		if n := valueEnd(d.buf[d.at:]); n > 0 {
			d.at += n
			return d.buf[d.at-n : d.at]
		}
		if !d.fill() {
			return nil
		}
	}
}

// valueEnd is the length of the object, list or string that b begins with: what is inside
// is not checked. 0: the end is not in b, or it is something else.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringEnd(b[i+1:])
			if n == 0 {
				return 0
			}
			i += n
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		default:
			if depth == 0 {
				return 0
			}
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return 0
}

// stringEnd is the length of b up to the quote that ends a string, the quote included; 0:
// it does not come.
func stringEnd(b []byte) int {
	from := 0
	for {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return 0
		}
		quote := from + n
		slash := quote
		for slash > 0 && b[slash-1] == '\\' {
			slash--
		}
		from = quote + 1
		if (quote-slash)%2 == 0 {
			return from
		}
	}
}

// read reads the document. get gives an empty batch, or nil when nobody wants more; put
// takes it when it is full.
func (d *document) read(get func() *batch, put func(*batch)) error {
	ok := d.object(func(key string) bool {
		if key != "log" {
			return d.skip()
		}
		return d.object(func(key string) bool { return d.member(key, get, put) })
	})
	switch {
	case d.err != nil:
		return d.err
	case d.torn:
		return nil
	case !ok || !d.listed:
		return errUnusual // the scanner knows what to say of it
	}
	return nil
}

// object reads an object and has member read each value; false: something is unusual.
func (d *document) object(member func(key string) bool) bool {
	if !d.take('{') {
		return false
	}
	for first := true; ; first = false {
		c := d.next()
		if c == '}' {
			d.at++
			return true
		}
		if !first {
			if c != ',' {
				return false
			}
			d.at++
			c = d.next()
		}
		if c != '"' {
			return false
		}
		var key string
		if json.Unmarshal(d.value(), &key) != nil || !d.take(':') || !member(key) {
			return false
		}
	}
}

func (d *document) member(key string, get func() *batch, put func(*batch)) bool {
	switch key {
	case "entries":
		return d.list(get, put)
	case "creator":
		return d.decode(&d.creator)
	case "_modtap":
		return d.decode(&d.header)
	case "_modtap_end":
		return d.decode(&d.trailer)
	}
	return d.skip()
}

// decode decodes the next value; a wrong type in it leaves the rest of v as it is.
func (d *document) decode(v any) bool {
	return !isTorn(json.Unmarshal(d.value(), v))
}

// skip passes over a value, which may be a number or a word too.
func (d *document) skip() bool {
	switch d.next() {
	case '{', '[', '"':
		return json.Valid(d.value())
	}
	for {
		if n := bytes.IndexAny(d.buf[d.at:], ",}] \n\t\r"); n >= 0 {
			d.at += n
			return json.Valid(d.buf[d.at-n : d.at])
		}
		if !d.fill() {
			return false
		}
	}
}

// list reads the entries.
func (d *document) list(get func() *batch, put func(*batch)) bool {
	if !d.take('[') {
		return false
	}
	if d.err = d.onHeader(d.header); d.err != nil {
		return false
	}
	d.listed = true
	b := get()
	for first := true; b != nil; first = false {
		c := d.next()
		if c == ']' {
			d.at++
			put(b)
			return true
		}
		if !first && c == ',' {
			d.at++
			c = d.next()
		} else if !first && c != 0 {
			break
		}
		var raw []byte
		if c == '{' {
			raw = d.value()
		}
		if raw == nil {
			d.torn = d.end && d.err == nil && (c == 0 || c == '{')
			break
		}
		if d.entries++; d.entries > d.most {
			d.err = &TooManyError{d.most}
			break
		}
		b.data = append(b.data, raw...)
		b.ends = append(b.ends, len(b.data))
		b.starts = append(b.starts, d.base+int64(d.at-len(raw)))
		if len(b.data) >= batchSize {
			put(b)
			b = get()
		}
	}
	if b != nil {
		put(b)
	}
	return false
}
