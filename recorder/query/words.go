package query

import (
	"strings"
)

// A span is a part of a filter's text: text[at:end].
type span struct{ at, end int }

// isSpace are the characters between words.
func isSpace(c byte) bool {
	return c == ' ' || '\t' <= c && c <= '\r'
}

// split finds the words. Quotes keep spaces together; one that is not closed goes to the end.
func split(text string) []span {
	var words []span
	at, quoted := -1, false
	for i := range len(text) {
		c := text[i]
		if isSpace(c) && !quoted {
			if at >= 0 {
				words = append(words, span{at, i})
			}
			at = -1
			continue
		}
		if at < 0 {
			at = i
		}
		if c == '"' {
			quoted = !quoted
		}
	}
	if at >= 0 {
		words = append(words, span{at, len(text)})
	}
	return words
}

// An item is one of the values behind a key, between commas.
type item struct {
	span
	key    string // that it stands behind
	raw    string // without quotes
	text   string // raw in lower case
	quoted bool   // it is meant as it is written
}

// items splits the values of text[s.at:s.end] at the commas outside of quotes; empty ones
// are left out.
func items(text string, s span, key string) []item {
	var out []item
	at, quoted := s.at, false
	add := func(end int) {
		word := text[at:end]
		if bare := unquote(word); bare != "" {
			out = append(out, item{span{at, end}, key, bare, lower(bare), strings.HasPrefix(word, `"`)})
		}
	}
	for i := s.at; i < s.end; i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			add(i)
			at = i + 1
		}
	}
	add(s.end)
	return out
}

func unquote(word string) string { return strings.ReplaceAll(word, `"`, "") }

// lower folds case. The browser's folding differs in the Turkish dotted I and the Greek
// final sigma, which no URL has unescaped.
func lower(s string) string { return strings.ToLower(s) }

// parseWord reads one word: [-]key:value,value or [-]text. With an error, the term has the
// values that were understood.
func parseWord(text string, w span) (term, *Error) {
	var t term
	if text[w.at] == '-' {
		t.not = true
		w.at++
	}
	if w.at == w.end {
		return t, &Error{w.at - 1, 1, "- is followed by nothing", "as in -kind:zip, all that is no zip"}
	}
	word := text[w.at:w.end]
	name, rest, found := strings.Cut(word, ":")
	if !found || !isName(name) {
		return textTerm(t, word), nil
	}
	k := keyOf(lower(name))
	if k == nil {
		if isAddress(lower(name), rest) {
			return textTerm(t, word), nil
		}
		return t, &Error{w.at, len(name), "there is no key " + lower(name), keyHint(lower(name))}
	}
	list := items(text, span{w.at + len(name) + 1, w.end}, k.Name)
	if len(list) == 0 {
		return t, &Error{w.at, w.end - w.at, k.Name + ": needs a value", "as in " + k.Example}
	}
	var first *Error
	for _, it := range list {
		is, err := k.parse(it)
		if err == nil {
			t.any, t.asked = append(t.any, is), append(t.asked, k.Name+":"+it.text)
		} else if first == nil {
			first = err
		}
	}
	return t, first
}

// textTerm is a term of a bare word, or one in quotes.
func textTerm(t term, word string) term {
	if needle := lower(unquote(word)); needle != "" {
		t.any = []test{func(c *candidate) bool { return c.hasText(needle) }}
	}
	return t
}

// isName reports whether a key can be called that: letters and hyphens.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || s[i] != '-') {
			return false
		}
	}
	return s != ""
}

// isAddress reports whether name:rest is a URL or host:port, which is plain text.
func isAddress(name, rest string) bool {
	if strings.HasPrefix(rest, "//") {
		return true
	}
	port, _, _ := strings.Cut(rest, "/")
	if len(port) == 0 || len(port) > 5 {
		return false
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	// "statu:404" is no host.
	return far(name, nearest(name, keyNames())) > 1
}

// keyHint says which key may have been meant.
func keyHint(name string) string {
	if near := nearest(name, keyNames()); near != "" {
		return "did you mean " + near + ":?"
	}
	return "keys are " + strings.Join(keyNames(), " ") + "; in quotes it is text"
}
