package query

import "strings"

// pattern makes the test of a text value, in lower case: =whole, path/..., with * for
// anything, else a part of it. In quotes it is a part, whatever is in it.
func pattern(it item) (func(string) bool, *Error) {
	text := it.text
	switch {
	case it.quoted:
	case text[0] == '=':
		if text = text[1:]; text == "" {
			return nil, it.wrong("= is followed by nothing", "as in "+it.key+":=text, the whole of it")
		}
		return func(s string) bool { return s == text }, nil
	case strings.HasSuffix(text, "/...") && len(text) > len("/..."):
		path := strings.TrimSuffix(text, "/...")
		return func(s string) bool { return strings.HasPrefix(s, path) && (len(s) == len(path) || s[len(path)] == '/') }, nil
	case strings.Contains(text, "*"):
		return func(s string) bool { return glob(text, s) }, nil
	}
	return func(s string) bool { return strings.Contains(s, text) }, nil
}

// glob reports whether s is pattern, in which each * stands for any text. It takes time in
// proportion to the length of s for each *.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return s == pattern
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}
