package har

import (
	"cmp"
	"io/fs"
	"slices"
)

// find returns where the exchange is, or fs.ErrNotExist.
func (h *History) find(id uint64) (place, error) {
	if h.ledger == nil {
		if i, ok := slices.BinarySearchFunc(h.places, id, byID); ok {
			return h.places[i], nil
		}
		return place{}, fs.ErrNotExist
	}
	h.mu.RLock()
	s, ok := h.ledger.find(id)
	h.mu.RUnlock()
	if !ok {
		return place{}, fs.ErrNotExist
	}
	var found place
	err := h.entries(s, func(p place) {
		if p.id == id {
			found = p // the last snapshot with an id wins
		}
	})
	if err == nil && found.id != id {
		err = errChanged
	}
	return found, err
}

// page returns where up to n exchanges are whose id is at least from, in the order of ids.
func (h *History) page(from uint64, n int) ([]place, error) {
	n = max(n, 0)
	if h.ledger == nil {
		i, _ := slices.BinarySearchFunc(h.places, from, byID)
		return slices.Clone(h.places[i:min(len(h.places), i+min(n, len(h.places)-i))]), nil
	}
	h.mu.RLock()
	ids := h.ledger.from(from, n)
	stretches := map[int]stretch{}
	for _, w := range ids {
		stretches[w.at] = h.ledger.stretches[w.at]
	}
	h.mu.RUnlock()
	places := make([]place, len(ids))
	for at, s := range stretches {
		err := h.entries(s, func(p place) {
			i, ok := slices.BinarySearchFunc(ids, p.id, func(w wanted, id uint64) int { return cmp.Compare(w.id, id) })
			if ok && ids[i].at == at {
				places[i] = p
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(places, func(p place) bool { return p.id == 0 }) {
		return nil, errChanged
	}
	return places, nil
}

// entries has do take each entry of s.
func (h *History) entries(s stretch, do func(place)) error {
	raw, err := h.read(s.part, s.offset, s.end-s.offset)
	if err != nil {
		return err
	}
	for p := range entriesIn(s, raw) {
		do(p)
	}
	return nil
}

func byID(p place, id uint64) int { return cmp.Compare(p.id, id) }
