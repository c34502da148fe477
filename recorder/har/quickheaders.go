package har

import (
	"slices"

	"modtap/recorder"
)

// headerList reads headers, of which it gives those that are facts until the next list.
func (q *quick) headerList() []recorder.Header {
	q.headers = q.headers[:0]
	q.expect('[')
	for first := true; q.more(&first, ']'); {
		q.header()
	}
	return q.headers
}

func (q *quick) header() {
	q.expect('{')
	var seen uint32
	var h recorder.Header
	keep := false
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "name":
			q.once(&seen, 0)
			q.bad = q.bad || seen&2 != 0 // the value is gone, and may be a fact
			h.Name, keep = recorder.FactHeader(q.bytes())
		case "value":
			q.once(&seen, 1)
			if keep {
				h.Value = q.values.of(q.bytes())
			} else {
				q.skipString()
			}
		default:
			q.other(key, "name", "value")
		}
	}
	if keep {
		q.headers = append(q.headers, h)
	}
}

// kept is a copy of list that stays, or an equal one that was kept before.
func (q *quick) kept(list []recorder.Header, previous *[]recorder.Header) []recorder.Header {
	const chunk = 1024
	if len(list) == 0 || q.bad {
		return nil
	}
	if previous != nil && slices.Equal(list, *previous) {
		return *previous
	}
	if len(list) > chunk/4 {
		return slices.Clone(list)
	}
	if cap(q.arena)-len(q.arena) < len(list) {
		q.arena = make([]recorder.Header, 0, chunk)
	}
	from := len(q.arena)
	q.arena = append(q.arena, list...)
	list = q.arena[from:len(q.arena):len(q.arena)]
	if previous != nil {
		*previous = list
	}
	return list
}
