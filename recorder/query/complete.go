package query

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"modtap/recorder"
)

// Known are values that were seen, to complete a filter with. The zero value is empty.
type Known struct {
	Modules, Hosts, Kinds, Methods, Rules []string

	seen map[string]bool
}

// How many values of each sort are remembered. More than these no one reads.
const (
	mostModules = 2000
	mostHosts   = 200
	mostOthers  = 50
)

// Add remembers what x tells. It takes the same time however much is known.
func (k *Known) Add(x *recorder.Exchange) {
	if k.seen == nil {
		k.seen = map[string]bool{}
	}
	k.add(&k.Modules, "m", x.Go.Module, mostModules)
	k.add(&k.Hosts, "h", HostOf(x), mostHosts)
	k.add(&k.Kinds, "k", string(kindOf(x)), mostOthers)
	k.add(&k.Methods, "M", x.Method, mostOthers)
	for _, r := range x.Rules {
		k.add(&k.Rules, "r", r, mostOthers)
	}
}

func (k *Known) add(list *[]string, sort, value string, most int) {
	if value == "" || len(*list) >= most || k.seen[sort+value] {
		return
	}
	k.seen[sort+value] = true
	*list = append(*list, value)
}

// A Completion is what may stand in the place of text[From:To].
type Completion struct {
	Text     string
	From, To int
	About    string // what it means, in a few words; may be empty
}

// mostCompletions is how many are listed: all keys are, and no longer list is read.
const mostCompletions = 30

// Complete lists what may stand at the cursor (bytes), the most likely first.
func Complete(text string, cursor int, known Known) []Completion {
	cursor = min(max(cursor, 0), len(text))
	for cursor > 0 && cursor < len(text) && !utf8.RuneStart(text[cursor]) {
		cursor--
	}
	w := span{cursor, cursor}
	for _, s := range split(text) {
		if s.at <= cursor && cursor <= s.end {
			w = s
		}
	}
	if w.at < cursor && text[w.at] == '-' {
		w.at++
	}
	typed := text[w.at:cursor]
	name, _, found := strings.Cut(typed, ":")
	switch {
	case !found && !strings.Contains(typed, `"`):
		return completeWord(text, w, lower(typed), &known)
	case found && isName(name):
		if k := keyOf(lower(name)); k != nil {
			return completeValue(text, span{w.at + len(name) + 1, w.end}, cursor, k, &known)
		}
	}
	return nil
}

// completeWord completes the word w, of which typed stands before the cursor: to a key, to
// a term, or to one with a module or host that was seen.
func completeWord(text string, w span, typed string, known *Known) []Completion {
	to, keyOnly := w.end, false
	if i := strings.IndexByte(text[w.at:w.end], ':'); i >= 0 {
		to, keyOnly = w.at+i+1, true
	}
	var out []Completion
	for i := range keys {
		if k := &keys[i]; strings.HasPrefix(k.Name, typed) {
			out = append(out, Completion{k.Name + ":", w.at, to, k.About})
		}
	}
	if keyOnly || len(typed) < 2 {
		return out[:min(len(out), mostCompletions)]
	}
	for _, name := range []string{"kind", "is", "step", "status"} {
		for _, v := range keyOf(name).Values {
			if strings.HasPrefix(v.Text, typed) {
				out = append(out, Completion{name + ":" + v.Text, w.at, to, v.About})
			}
		}
	}
	out = append(out, completeText(w, typed, known)...)
	return out[:min(len(out), mostCompletions)]
}

// completeText lists the terms of modules and hosts that a bare word is in.
func completeText(w span, typed string, known *Known) []Completion {
	const most = 5
	var out []Completion
	for _, k := range []struct {
		name string
		list []string
	}{{"module", known.Modules}, {"host", known.Hosts}} {
		found := ranked(seen(k.list), typed)
		for _, v := range found[:min(len(found), most)] {
			out = append(out, Completion{k.name + ":" + quoted(v.Text), w.at, w.end, v.About})
		}
	}
	return out
}

// completeValue completes the value at the cursor, between commas.
func completeValue(text string, s span, cursor int, k *Key, known *Known) []Completion {
	from, to, inQuotes := s.at, s.end, false
	for i := s.at; i < s.end; i++ {
		switch c := text[i]; {
		case c == '"':
			inQuotes = !inQuotes
		case c != ',' || inQuotes:
		case i < cursor:
			from = i + 1
		case to == s.end:
			to = i
		}
	}
	typed := lower(unquote(text[from:cursor]))
	whole := lower(unquote(text[from:to]))
	var out []Completion
	for _, v := range ranked(valuesOf(k, known), typed) {
		if lower(v.Text) != whole && len(out) < mostCompletions {
			out = append(out, Completion{quoted(v.Text), from, to, v.About})
		}
	}
	return out
}

// valuesOf are the values that k may have: those that were seen first.
func valuesOf(k *Key, known *Known) []Value {
	switch k.Name {
	case "module":
		return seen(known.Modules)
	case "host":
		return seen(known.Hosts)
	case "rule":
		return seen(known.Rules)
	case "method":
		return merged(seen(known.Methods), k.Values)
	case "kind":
		return merged(seen(known.Kinds), k.Values)
	}
	return k.Values
}

func seen(list []string) []Value { return values(list...) }

// merged is first, and what only second has. About is second's.
func merged(first, second []Value) []Value {
	out := slices.Clone(first)
	for _, v := range second {
		i := slices.IndexFunc(out, func(o Value) bool { return o.Text == v.Text })
		if i < 0 {
			out = append(out, v)
		} else {
			out[i].About = v.About
		}
	}
	return out
}

// ranked are the values that typed is in: those that begin with it, then those with a part
// that does, then the others.
func ranked(list []Value, typed string) []Value {
	type candidate struct {
		Value
		rank int
	}
	var found []candidate
	for _, v := range list {
		text := lower(v.Text)
		i := strings.Index(text, typed)
		switch {
		case i == 0:
			found = append(found, candidate{v, 0})
		case i > 0 && strings.IndexByte("/.-_@", text[i-1]) >= 0:
			found = append(found, candidate{v, 1})
		case i > 0:
			found = append(found, candidate{v, 2})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	out := make([]Value, len(found))
	for i := range found {
		out[i] = found[i].Value
	}
	return out
}

// quoted is a value as it must be written.
func quoted(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return r == ',' || r < 0x80 && isSpace(byte(r)) }) {
		return `"` + unquote(value) + `"`
	}
	return value
}
