package tui

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/recorder/query"
)

// What requests are grouped by, as viewer/web/static/groups.js has it;
// viewer/web/testdata/groups.json keeps the two in step.

// database is the group of what only the checksum database is about.
const database = "checksum database"

// An owner is the module that the first tiles of the checksum database belong to: a tile is
// asked for to prove a lookup, and while only one lookup has been answered it is that one's.
// Later ones prove several, so nobody owns them. The zero value owns none.
type owner struct {
	module   string
	from, to recorder.Span // tiles that start in [from, to) are its
}

// owner finds the module of the first lookup that was answered.
func (s *store) owner() owner {
	const never = recorder.Span(math.MaxInt64)
	var first *row
	end, second := never, never
	for _, r := range s.lookups {
		if r.flying() {
			continue
		}
		switch at := r.at + r.took; {
		case at < end:
			first, end, second = r, at, end
		case at < second:
			second = at
		}
	}
	if first == nil || first.x.Go.Module == "" {
		return owner{}
	}
	return owner{first.x.Go.Module, end, second}
}

// keyOf is what r is grouped by, and how that is shown.
func (l *lister) keyOf(r *row) (key, label string) {
	switch l.by {
	case "module":
		key = l.store.about(r, l.owner)
		return key, key
	case "host":
		return r.host, cmp.Or(r.host, "no host")
	case "connection":
		if r.x.Conn == 0 {
			return "", "no connection"
		}
		key = strconv.FormatUint(r.x.Conn, 10)
		target := r.host
		if c := l.store.conns[r.x.Conn]; c != nil {
			target = c.Target
		}
		return key, "#" + key + " " + target
	}
	key = query.Step(r.x)
	return key, key
}

// about names the module that r was asked for because of; of what none is known for, what
// comes nearest.
func (s *store) about(r *row, o owner) string {
	g := &r.x.Go
	switch {
	case g.Module != "":
		return g.Module
	case g.Kind == gomod.SumdbTile && r.at >= o.from && r.at < o.to:
		return o.module
	case strings.HasPrefix(string(g.Kind), "sumdb"):
		return database
	case g.Repo != "":
		return strings.TrimSuffix(g.Repo, ".git")
	}
	if p := s.byID[r.x.Parent]; p != nil && p.x.Go.Module != "" {
		return p.x.Go.Module // where a redirect led to
	}
	switch {
	case strings.HasPrefix(string(g.Kind), "toolchain"):
		return strings.TrimSpace("toolchain " + g.Extra)
	case g.Extra != "":
		return string(g.Kind) + " " + g.Extra
	case r.host != "":
		return "other requests to " + r.host
	}
	return cmp.Or(nameOf(r.x).full(), "other requests")
}

// unowned has the groups found anew of what another owner of the tiles would change.
func (l *lister) unowned() {
	if l.by != "module" {
		return
	}
	o := l.store.owner()
	if o == l.owner {
		return
	}
	l.owner = o
	for _, r := range l.store.rows {
		if r.x.Go.Kind == gomod.SumdbTile {
			r.group = nil
		}
	}
}

// A stretch is a part of the run.
type stretch struct{ from, to recorder.Span }

// A union is the time that is covered by stretches which come roughly in the order of their
// starts, which is not quite that of their ids: what a connection was opened for began with it.
type union struct {
	list []stretch // in order, with a gap between each two
	late bool      // one began before the last
}

// add covers [from, to).
func (u *union) add(from, to recorder.Span) {
	n := len(u.list)
	switch {
	case to <= from:
	case n == 0 || from > u.list[n-1].to:
		u.list = append(u.list, stretch{from, to})
	case from >= u.list[n-1].from:
		u.list[n-1].to = max(u.list[n-1].to, to)
	default:
		u.list = append(u.list, stretch{from, to})
		u.late = true
	}
}

// sum is how much is covered, without counting anything twice.
func (u *union) sum() recorder.Span {
	if u.late {
		all := u.list
		slices.SortFunc(all, func(a, b stretch) int { return compare(a.from, b.from) })
		u.list, u.late = all[:0], false
		for _, s := range all { // what is written lies before what is read
			u.add(s.from, s.to)
		}
	}
	var sum recorder.Span
	for _, s := range u.list {
		sum += s.to - s.from
	}
	return sum
}
