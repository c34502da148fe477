package har

// maxNewest is how many connections, tunnels and findings the end of a recording holds.
const maxNewest = 5000

// newest holds the latest snapshots of the maxNewest ids that came last.
type newest[K comparable, T any] struct {
	byID    map[K]*slot[T]
	order   []K // a ring once it is full
	at      int
	leftOut uint64 // ids that had to go
}

type slot[T any] struct {
	v       *T
	written bool // it is in an entry
}

func (n *newest[K, T]) put(id K, v *T) {
	if s := n.byID[id]; s != nil {
		s.v = v
		return
	}
	if n.byID == nil {
		n.byID = map[K]*slot[T]{}
	}
	n.byID[id] = &slot[T]{v: v}
	if len(n.order) < maxNewest {
		n.order = append(n.order, id)
		return
	}
	delete(n.byID, n.order[n.at])
	n.order[n.at] = id
	n.at = (n.at + 1) % maxNewest
	n.leftOut++
}

// first returns the snapshot of id when it was not returned before, or nil.
func (n *newest[K, T]) first(id K) *T {
	s := n.byID[id]
	if s == nil || s.written {
		return nil
	}
	s.written = true
	return s.v
}

// all returns the snapshots, those that came first first.
func (n *newest[K, T]) all() []*T {
	out := make([]*T, 0, len(n.order))
	for i := range n.order {
		out = append(out, n.byID[n.order[(n.at+i)%len(n.order)]].v)
	}
	return out
}
