package har

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"sort"
	"strconv"
)

const (
	// A stretch of a file ends with the entry that reaches one of these. Whoever wants one
	// entry of it reads all of it.
	stretchEntries = 512
	stretchBytes   = 1 << 20
)

// A ledger says which entries of a recording that is being written are in which stretch of
// its files. Where in the stretch, the stretch itself says: a ledger of a million entries
// takes less than a megabyte, as long as exchanges end about in the order of their ids.
type ledger struct {
	stretches   []stretch // in the order of writing
	open        []uint64  // ids in the last of them, in the order of writing
	first, last uint64    // of all ids; 0: there are none
	count       int       // of ids, each once
}

// A stretch is a part of a file that holds nothing but entries, one a line.
type stretch struct {
	part        uint32
	offset, end int64
	low, high   uint64 // its smallest and its largest id
	top         uint64 // the largest id up to its end
	runs        []byte // its ids, see packIDs; nil: they are in ledger.open
}

// put adds the entry at p, which is behind all others.
func (l *ledger) put(p place) {
	if l.count == 0 || !l.has(p.id) {
		l.count++
	}
	l.last = max(l.last, p.id)
	if l.first == 0 || p.id < l.first {
		l.first = p.id
	}
	n := len(l.stretches)
	if n == 0 || l.full(p.part) {
		if n > 0 {
			l.stretches[n-1].runs = packIDs(l.open)
		}
		l.stretches = append(l.stretches, stretch{part: p.part, offset: p.offset, low: p.id})
		l.open = l.open[:0]
	}
	s := &l.stretches[len(l.stretches)-1]
	s.end = p.offset + int64(p.length)
	s.low, s.high, s.top = min(s.low, p.id), max(s.high, p.id), l.last
	l.open = append(l.open, p.id)
}

// full reports whether an entry of that part begins a new stretch.
func (l *ledger) full(part uint32) bool {
	s := &l.stretches[len(l.stretches)-1]
	return s.part != part || len(l.open) >= stretchEntries || s.end-s.offset >= stretchBytes
}

// has reports whether an entry with the id was put.
func (l *ledger) has(id uint64) bool {
	_, ok := l.find(id)
	return ok
}

// find returns the last stretch with an entry of the id.
func (l *ledger) find(id uint64) (stretch, bool) {
	for i := len(l.stretches) - 1; i >= 0 && l.stretches[i].top >= id; i-- {
		if s := &l.stretches[i]; s.low <= id && id <= s.high && l.holds(s, id) {
			return *s, true
		}
	}
	return stretch{}, false
}

func (l *ledger) holds(s *stretch, id uint64) bool {
	if s.runs == nil {
		return slices.Contains(l.open, id)
	}
	for low, high := range unpackIDs(s.runs) {
		if id <= high {
			return low <= id
		}
	}
	return false
}

// A wanted is an id and the index of the last stretch that has it.
type wanted struct {
	id uint64
	at int
}

// from returns the first n ids that are at least from, in their order.
func (l *ledger) from(from uint64, n int) (found []wanted) {
	if n <= 0 {
		return nil
	}
	i := sort.Search(len(l.stretches), func(i int) bool { return l.stretches[i].top >= from })
	for ; i < len(l.stretches); i++ {
		s := &l.stretches[i]
		if s.high < from || len(found) == n && s.low > found[n-1].id {
			continue
		}
		runs := s.runs
		if runs == nil {
			runs = packIDs(l.open)
		}
		found = appendIDs(found, runs, from, n, i)
		slices.SortFunc(found, func(a, b wanted) int { return cmp.Or(cmp.Compare(a.id, b.id), b.at-a.at) })
		found = slices.CompactFunc(found, func(a, b wanted) bool { return a.id == b.id }) // the last one stays
		found = found[:min(len(found), n)]
	}
	return found
}

// appendIDs appends the first n ids of runs that are at least from; they are in stretch at.
func appendIDs(to []wanted, runs []byte, from uint64, n, at int) []wanted {
	for low, high := range unpackIDs(runs) {
		for id := max(low, from); id <= high; id++ {
			if n--; n < 0 {
				return to
			}
			to = append(to, wanted{id, at})
		}
	}
	return to
}

// packIDs writes ids as runs of consecutive ones, each as two varints: how far it is from
// the end of the one before, and how many ids follow its first.
func packIDs(ids []uint64) []byte {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	var b []byte
	end := uint64(0)
	for i := 0; i < len(ids); {
		first := i
		for i++; i < len(ids) && ids[i] == ids[i-1]+1; i++ {
		}
		b = binary.AppendUvarint(b, ids[first]-end)
		b = binary.AppendUvarint(b, uint64(i-1-first))
		end = ids[i-1]
	}
	return slices.Clip(b)
}

// unpackIDs gives the first and the last id of each run.
func unpackIDs(b []byte) iter.Seq2[uint64, uint64] {
	return func(yield func(uint64, uint64) bool) {
		for end := uint64(0); len(b) > 0; {
			gap, n := binary.Uvarint(b)
			more, m := binary.Uvarint(b[n:])
			b = b[n+m:]
			first := end + gap
			if end = first + more; !yield(first, end) {
				return
			}
		}
	}
}

// entriesIn gives the entries of a stretch, whose text is raw: where they are, and their ids.
func entriesIn(s stretch, raw []byte) iter.Seq[place] {
	return func(yield func(place) bool) {
		for at := 0; at < len(raw); {
			line := raw[at:]
			if end := bytes.IndexByte(line, '\n'); end >= 0 {
				line = line[:end]
			}
			p := place{id: idIn(line), offset: s.offset + int64(at), part: s.part}
			at += len(line) + 1
			p.length = uint32(len(bytes.TrimSuffix(line, []byte{','})))
			if p.id != 0 && !yield(p) {
				return
			}
		}
	}
}

// ownStart stands before the id of an entry of ours, see appendEntry. In a text there would
// be backslashes before its quotes.
var ownStart = []byte(`"_modtap":{"id":`)

// idIn is the id of an entry that we wrote; 0: it is none.
func idIn(entry []byte) uint64 {
	_, rest, _ := bytes.Cut(entry, ownStart)
	n := 0
	for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
		n++
	}
	id, err := strconv.ParseUint(string(rest[:n]), 10, 64)
	if err != nil {
		return 0
	}
	return id
}
