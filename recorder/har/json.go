package har

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"modtap/recorder"
)

// JSON is appended by hand: an entry has some forty strings and thirty numbers, and
// reflection over them costs several times the budget of an entry.

const hexDigits = "0123456789abcdef"

// plain says which bytes a JSON string holds as they are.
var plain = func() (t [256]bool) {
	for b := range t {
		t[b] = b >= ' ' && b < utf8.RuneSelf && b != '"' && b != '\\'
	}
	return t
}()

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD, as
// JSON cannot hold them. The result has no line break.
func appendString[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			i++
			start = i
			continue
		}
		end := min(i+utf8.UTFMax, len(s))
		r, size := utf8.DecodeRuneInString(string(s[i:end])) // does not allocate
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			i++
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

func appendBase64(b, data []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, data)
	return append(b, '"')
}

// appendMicros appends us microseconds as milliseconds: 232301 is 232.301.
func appendMicros(b []byte, us int64) []byte { return appendFraction(b, us, 1000) }

// appendSpan appends s as milliseconds without losing a nanosecond, as
// recorder.Span.MarshalJSON does.
func appendSpan(b []byte, s recorder.Span) []byte { return appendFraction(b, int64(s), 1_000_000) }

// appendFraction appends v/unit as a decimal number; unit is a power of ten.
func appendFraction(b []byte, v, unit int64) []byte {
	if v < 0 {
		b = append(b, '-')
	}
	whole, rest := v/unit, v%unit
	if whole < 0 { // not -v: the smallest int64 has no positive counterpart
		whole = -whole
	}
	if rest < 0 {
		rest = -rest
	}
	b = strconv.AppendInt(b, whole, 10)
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for unit /= 10; rest > 0; unit /= 10 {
		b = append(b, '0'+byte(rest/unit))
		rest %= unit
	}
	return b
}

// startedLayout has milliseconds, as JavaScript's Date keeps no more.
const startedLayout = "2006-01-02T15:04:05.000Z"

func appendTime(b []byte, t time.Time, layout string) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, layout)
	return append(b, '"')
}

// appendJSON appends v by reflection, for what is written once. The types it is given
// marshal without error; should one not, null keeps the file whole.
func appendJSON(b []byte, v any) []byte {
	j, err := json.Marshal(v)
	if err != nil {
		j = []byte("null")
	}
	return append(b, j...)
}

// An object appends the members of a JSON object that are not empty.
type object struct {
	b     []byte
	comma bool
}

// open begins an object inside the current one, under key ("" for none).
func (o *object) open(key string) {
	if key != "" {
		o.key(key)
	}
	o.b = append(o.b, '{')
	o.comma = false
}

func (o *object) close() {
	o.b = append(o.b, '}')
	o.comma = true
}

func (o *object) key(key string) {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
	o.b = append(o.b, '"')
	o.b = append(o.b, key...)
	o.b = append(o.b, '"', ':')
}

func (o *object) string(key, v string) {
	if v != "" {
		o.key(key)
		o.b = appendString(o.b, v)
	}
}

func (o *object) uint(key string, v uint64) {
	if v != 0 {
		o.key(key)
		o.b = strconv.AppendUint(o.b, v, 10)
	}
}

func (o *object) int(key string, v int64) {
	if v != 0 {
		o.key(key)
		o.b = strconv.AppendInt(o.b, v, 10)
	}
}

func (o *object) span(key string, v recorder.Span) {
	if v != 0 {
		o.key(key)
		o.b = appendSpan(o.b, v)
	}
}

func (o *object) flag(key string, v bool) {
	if v {
		o.key(key)
		o.b = append(o.b, "true"...)
	}
}

func (o *object) json(key string, v any) {
	o.key(key)
	o.b = appendJSON(o.b, v)
}

// raw appends v, which is JSON or empty.
func (o *object) raw(key string, v []byte) {
	if len(v) > 0 {
		o.key(key)
		o.b = append(o.b, v...)
	}
}
