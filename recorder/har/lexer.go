package har

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"modtap/recorder"
)

// A lexer reads JSON that is in memory whole. It takes what modtap and browsers write, and
// checks all that it passes over; on anything unusual it becomes bad, and the same text is
// for encoding/json, which has the last word. So it never has to decide what is wrong.
type lexer struct {
	b     []byte
	at    int
	bad   bool
	texts texts
	buf   []byte // of the last string that had escapes
}

// texts has each string once that comes again and again.
type texts map[string]string

const (
	mostTexts   = 1 << 16 // dates and etags would fill any map
	longestText = 256
)

// of is b as a string.
func (t texts) of(b []byte) string {
	if s, ok := t[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(t) < mostTexts && len(s) <= longestText {
		t[s] = s
	}
	return s
}

func (l *lexer) space() {
	for l.at < len(l.b) && (l.b[l.at] == ' ' || l.b[l.at] == '\n' || l.b[l.at] == '\t' || l.b[l.at] == '\r') {
		l.at++
	}
}

// next is the next byte that is no white space; 0 at the end.
func (l *lexer) next() byte {
	if l.at < len(l.b) && l.b[l.at] > ' ' && !l.bad {
		return l.b[l.at]
	}
	l.space()
	if l.bad || l.at >= len(l.b) {
		l.bad = true
		return 0
	}
	return l.b[l.at]
}

// expect reads c.
func (l *lexer) expect(c byte) {
	if l.next() == c {
		l.at++
		return
	}
	l.bad = true
}

// literal reads word when it is next.
func (l *lexer) literal(word string) bool {
	l.space()
	if l.bad || !bytes.HasPrefix(l.b[l.at:], []byte(word)) {
		return false
	}
	l.at += len(word)
	return true
}

// more reports whether another member comes before end, and reads what stands between.
func (l *lexer) more(first *bool, end byte) bool {
	c := l.next()
	switch {
	case l.bad:
		return false
	case c == end:
		l.at++
		return false
	case *first:
		*first = false
	case c == ',':
		l.at++
	default:
		l.bad = true
	}
	return !l.bad
}

// key reads a member's name and its colon. Names with escapes are unusual.
func (l *lexer) key() []byte {
	raw, asIs := l.quoted()
	l.bad = l.bad || !asIs
	l.expect(':')
	return raw
}

// quoted reads a string and returns what is between the quotes; asIs: it stands for itself.
func (l *lexer) quoted() (raw []byte, asIs bool) {
	if l.expect('"'); l.bad {
		return nil, false
	}
	start := l.at
	ascii, escapes := true, false
	for i := l.at; i < len(l.b); i++ {
		switch c := l.b[i]; {
		case plain[c]:
		case c == '"':
			l.at = i + 1
			raw = l.b[start:i]
			return raw, !escapes && (ascii || utf8.Valid(raw))
		case c == '\\':
			escapes = true
			i++
		case c >= utf8.RuneSelf:
			ascii = false
		default: // a control character
			l.bad = true
			return nil, false
		}
	}
	l.bad = true
	return nil, false
}

// bytes reads a string. The result is valid until the next one is read.
func (l *lexer) bytes() []byte {
	raw, asIs := l.quoted()
	if asIs || l.bad {
		return raw
	}
	l.buf = l.buf[:0]
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			i = len(raw)
		}
		if !utf8.Valid(raw[:i]) {
			l.bad = true
			return nil
		}
		l.buf = append(l.buf, raw[:i]...)
		if raw = raw[i:]; len(raw) > 0 {
			raw = l.escape(raw)
		}
	}
	return l.buf
}

// escape appends what the escape at the beginning of raw means, and returns what follows.
// Surrogates are unusual.
func (l *lexer) escape(raw []byte) []byte {
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if len(raw) < 2 {
		l.bad = true
		return nil
	}
	if i := bytes.IndexByte([]byte(from), raw[1]); i >= 0 {
		l.buf = append(l.buf, to[i])
		return raw[2:]
	}
	if raw[1] == 'u' && len(raw) >= 6 {
		r, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
		if err == nil && hexOnly(raw[2:6]) && (r < 0xd800 || r > 0xdfff) {
			l.buf = utf8.AppendRune(l.buf, rune(r))
			return raw[6:]
		}
	}
	l.bad = true
	return nil
}

func hexOnly(b []byte) bool {
	for _, c := range b {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

// text reads a string that may come again.
func (l *lexer) text() string { return l.texts.of(l.bytes()) }

// number reads a number as it is written; nil when something else is there.
func (l *lexer) number() []byte {
	l.next()
	start := l.at
	i := start
	digits := func() bool {
		from := i
		for i < len(l.b) && '0' <= l.b[i] && l.b[i] <= '9' {
			i++
		}
		return i > from
	}
	is := func(chars string) bool {
		if i < len(l.b) && bytes.IndexByte([]byte(chars), l.b[i]) >= 0 {
			i++
			return true
		}
		return false
	}
	is("-")
	zero := i < len(l.b) && l.b[i] == '0'
	first := i
	ok := digits() && (!zero || i == first+1)
	if ok && is(".") {
		ok = digits()
	}
	if ok && is("eE") {
		is("+-")
		ok = digits()
	}
	if !ok || l.bad {
		l.bad = true
		return nil
	}
	l.at = i
	return l.b[start:i]
}

// int reads an integer of at most 18 digits.
func (l *lexer) int() int64 {
	b := l.number()
	if len(b) == 0 || len(b) > 18 {
		l.bad = true
		return 0
	}
	digits, negative := bytes.CutPrefix(b, []byte("-"))
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' { // a fraction
			l.bad = true
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}

// id reads an integer that is not negative.
func (l *lexer) id() uint64 {
	n := l.int()
	l.bad = l.bad || n < 0
	return uint64(n)
}

func (l *lexer) float() float64 {
	f, err := strconv.ParseFloat(string(l.number()), 64)
	l.bad = l.bad || err != nil
	return f
}

func (l *lexer) bool() bool {
	if l.literal("true") {
		return true
	}
	l.bad = l.bad || !l.literal("false")
	return false
}

// span reads milliseconds.
func (l *lexer) span() recorder.Span {
	b := l.number()
	var n int64
	frac := -1
	for _, c := range b {
		switch {
		case c == '.':
			frac = 0
		case '0' <= c && c <= '9' && frac < 6 && n < 1e11:
			n = n*10 + int64(c-'0')
			if frac >= 0 {
				frac++
			}
		default: // a sign, an exponent, more digits than usual
			var s recorder.Span
			l.bad = l.bad || s.UnmarshalJSON(b) != nil
			return s
		}
	}
	for range 6 - max(frac, 0) {
		n *= 10
	}
	return recorder.Span(n)
}

// maxNesting bounds the depth of a value that is passed over.
const maxNesting = 64

// skip passes over a value, which it returns as it is written.
func (l *lexer) skip() []byte {
	l.next()
	start := l.at
	l.value(maxNesting)
	if l.bad {
		return nil
	}
	return l.b[start:l.at]
}

func (l *lexer) value(depth int) {
	switch c := l.next(); {
	case l.bad, depth == 0:
		l.bad = true
	case c == '{':
		l.at++
		for first := true; l.more(&first, '}'); {
			l.skipString()
			l.expect(':')
			l.value(depth - 1)
		}
	case c == '[':
		l.at++
		for first := true; l.more(&first, ']'); {
			l.value(depth - 1)
		}
	case c == '"':
		l.skipString()
	case c == '-' || '0' <= c && c <= '9':
		l.number()
	case l.literal("true"), l.literal("false"), l.literal("null"):
	default:
		l.bad = true
	}
}

// skipString passes over a string and checks its escapes.
func (l *lexer) skipString() {
	raw, asIs := l.quoted()
	if asIs || l.bad {
		return
	}
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return
		}
		if raw = raw[i+1:]; len(raw) == 0 {
			l.bad = true
			return
		}
		if raw[0] != 'u' {
			l.bad = l.bad || bytes.IndexByte([]byte(`"\/bfnrt`), raw[0]) < 0
			raw = raw[1:]
			continue
		}
		if len(raw) < 5 || !hexOnly(raw[1:5]) {
			l.bad = true
			return
		}
		raw = raw[5:]
	}
}

// other passes over a member that is not asked for. encoding/json takes names without
// regard to case, so one that differs from a known name in that alone is unusual.
func (l *lexer) other(name []byte, known ...string) {
	for _, k := range known {
		if len(k) == len(name) && bytes.EqualFold(name, []byte(k)) {
			l.bad = true
			return
		}
	}
	for _, c := range name {
		if c >= utf8.RuneSelf { // "ſ" folds to "s"
			l.bad = true
			return
		}
	}
	l.skip()
}

// reflected reads a value by encoding/json, for what is rare.
func (l *lexer) reflected(v any) {
	if raw := l.skip(); !l.bad {
		l.bad = json.Unmarshal(raw, v) != nil
	}
}

// once reports the second member of a name as unusual: there the last one wins, in parts.
func (l *lexer) once(seen *uint32, bit int) {
	l.bad = l.bad || *seen&(1<<bit) != 0
	*seen |= 1 << bit
}
