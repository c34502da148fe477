package diagnose

import (
	"bytes"
	"strconv"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// bodyOf is the decoded body of x's answer; nil where it was not kept whole.
func bodyOf(x *recorder.Exchange) []byte {
	if !x.Response.Kept || x.Status != 200 {
		return nil
	}
	return gomod.Inflate(x.Response.Body, x.Response.Encoding)
}

// A record is what the answer to a lookup says of itself.
type record struct {
	id   int64 // its number in the database
	tree int64 // how many records the database had when it was signed; 0: not known
}

// readRecord reads the answer to a lookup: the record's number, its text, an empty line,
// and the signed tree, whose second line is its size (golang.org/x/mod/sumdb/tlog,
// ParseRecord and ParseTree).
func readRecord(lookup []byte) (r record, ok bool) {
	first, rest, _ := bytes.Cut(lookup[:min(len(lookup), maxRecord)], []byte("\n"))
	id, err := strconv.ParseInt(string(first), 10, 64)
	if err != nil || id < 0 {
		return record{}, false
	}
	r.id = id
	if _, tree, found := bytes.Cut(rest, []byte("\n\ngo.sum database tree\n")); found {
		size, _, _ := bytes.Cut(tree, []byte("\n"))
		if n, err := strconv.ParseInt(string(size), 10, 64); err == nil && n > 0 {
			r.tree = n
		}
	}
	return r, true
}

// maxRecord bounds what is read of an answer to a lookup; they have some 400 bytes.
const maxRecord = 4 << 10

// A tilePlace is where a tile of a checksum database's tree is: its level, and its number
// in the level. It holds the hashes of the records from n<<(8*(level+1)) on.
type tilePlace struct {
	level int
	n     int64
}

// placeOf reads a tile's place from gomod.Request.Extra, "sum.golang.org
// tile/8/0/x001/234.p/5"; ok is false for data tiles too, which the go command does not ask for.
func placeOf(extra string) (t tilePlace, ok bool) {
	_, path, ok := strings.Cut(extra, " tile/8/")
	if !ok {
		return t, false
	}
	path, _, _ = strings.Cut(path, ".p/")
	level, digits, ok := strings.Cut(path, "/")
	if !ok {
		return t, false
	}
	l, err := strconv.Atoi(level)
	if err != nil || l < 0 || l > 7 || len(digits) > 24 {
		return t, false
	}
	n, ok := tileNumber(digits)
	return tilePlace{l, n}, ok
}

// tileNumber reads "x001/x234/067", 1234067.
func tileNumber(digits string) (n int64, ok bool) {
	var buf [24]byte
	plain := buf[:0]
	for i := range len(digits) {
		if c := digits[i]; c != 'x' && c != '/' {
			plain = append(plain, c)
		}
	}
	n, err := strconv.ParseInt(string(plain), 10, 64)
	return n, err == nil && n >= 0
}

// tileLevels is how many levels of tiles a record's proof may need: 2^32 records.
const tileLevels = 4

// places are the tiles that the proof of a record, and that of its tree, may need: the
// one that holds it at each level.
func (r record) places() []tilePlace {
	out := make([]tilePlace, 0, 2*tileLevels)
	for level := range tileLevels {
		out = append(out, tilePlace{level, r.id >> (8 * (level + 1))})
		if r.tree > 0 {
			out = append(out, tilePlace{level, (r.tree - 1) >> (8 * (level + 1))}, tilePlace{level, r.tree >> (8 * (level + 1))})
		}
	}
	return out
}
