package recorder

import (
	"encoding/base64"
	"strings"
)

// redactFields hides the values of fields whose names say that they are secrets, in the
// forms that bodies have: "token": "…" of JSON, X-Auth-Token: … of header dumps and
// command lines, <Signature>…</Signature> of XML, and <input name="token" value="…"> of
// HTML. What is well-formed stays so.
func redactFields(s string) string { return replaceAll(s, findFields(s)) }

// findFields finds what redactFields hides.
func findFields(s string) (hidden []hiding) {
	hide := func(from, to int, as string) {
		if from < to && s[from:to] != as && s[from:to] != Redacted {
			hidden = append(hidden, hiding{cut{from, to}, as})
		}
	}
	colon, tag := next(s, 0, ':'), next(s, 0, '<')
	for at := 0; ; {
		if colon < at {
			colon = next(s, at, ':')
		}
		if tag < at {
			tag = next(s, at, '<')
		}
		if at = min(colon, tag) + 1; at > len(s) {
			break
		}
		if s[at-1] == '<' {
			redactTag(s, at, hide)
			continue
		}
		start, quote := fieldName(s, at-1)
		if start < 0 || !secretField(s[start:nameEnd(s, at-1)], quote != "") {
			continue
		}
		at = redactValue(s, start, at, quote, hide)
	}
	return hidden
}

// A hiding is a secret's place and what stands there instead.
type hiding struct {
	cut
	as string
}

// next is where the next b at or after from is, or len(s).
func next(s string, from int, b byte) int {
	if i := strings.IndexByte(s[from:], b); i >= 0 {
		return from + i
	}
	return len(s)
}

// nameEnd is where the name before the colon at colon ends.
func nameEnd(s string, colon int) int {
	return len(strings.TrimRight(s[:colon], "\"'\\ \t"))
}

// maxFieldName bounds the names that are looked at.
const maxFieldName = 64

// fieldName returns where the name before a colon starts, -1 when there is none, and the
// quote around it with its backslash, if it has one.
func fieldName(s string, colon int) (start int, quote string) {
	end := colon
	if end > 0 && (s[end-1] == '"' || s[end-1] == '\'') {
		from := end - 1
		if from > 0 && s[from-1] == '\\' {
			from--
		}
		end, quote = from, s[from:end]
	}
	start = end
	for start > 0 && end-start <= maxFieldName && isNameByte(s[start-1]) {
		start--
	}
	if start == end || end-start > maxFieldName {
		return -1, ""
	}
	if quote != "" && !strings.HasSuffix(s[:start], quote) {
		return -1, ""
	}
	return start, quote
}

func isNameByte(b byte) bool {
	return isLetter(b) || '0' <= b && b <= '9' || b == '-' || b == '_' || b == '.'
}

// secretField reports whether the value of the field name must be hidden. In running text
// only names that are surely headers count: "unexpected token: x" is prose.
func secretField(name string, quoted bool) bool {
	if strings.EqualFold(name, "Cookie") || strings.EqualFold(name, "Set-Cookie") || strings.EqualFold(name, "Authorization") {
		return true
	}
	if quoted {
		return secretName(name, false) || secretHeader(name)
	}
	return strings.Contains(name, "-") && secretHeader(name)
}

// redactValue hides the value after a colon that ends at at, and returns where to go on.
func redactValue(s string, name, at int, quote string, hide func(from, to int, as string)) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\t' || quote != "" && (s[at] == '\n' || s[at] == '\r')) {
		at++
	}
	if quote == "" {
		end := at + unquotedEnd(s[at:], name == 0 || s[name-1] == '\n')
		hide(at, end, Redacted)
		return end
	}
	if at < len(s) && s[at] == '[' { // the values of a header
		for at++; at < len(s); {
			for at < len(s) && strings.IndexByte(" \t\r\n,", s[at]) >= 0 {
				at++
			}
			if !strings.HasPrefix(s[at:], quote) {
				return at
			}
			at = redactString(s, at, quote, hide)
		}
		return at
	}
	if strings.HasPrefix(s[at:], quote) {
		return redactString(s, at, quote, hide)
	}
	end := at
	for end < len(s) && ('0' <= s[end] && s[end] <= '9' || strings.IndexByte("+-.eE", s[end]) >= 0) {
		end++
	}
	if end > at && (end == len(s) || strings.IndexByte(",}] \t\r\n", s[end]) >= 0) {
		hide(at, end, quote+Redacted+quote)
	}
	return end
}

// redactString hides the content of the quoted string that starts at at. It does not
// reach over the end of the line, where nothing known is quoted, nor, when the string is
// inside another, over the end of that one.
func redactString(s string, at int, quote string, hide func(from, to int, as string)) int {
	at += len(quote)
	end := at
	for end < len(s) && s[end] != '\n' && !strings.HasPrefix(s[end:], quote) && s[end] != quote[len(quote)-1] {
		end = escaped(s, end, quote)
	}
	hide(at, end, Redacted)
	if strings.HasPrefix(s[end:], quote) {
		end += len(quote)
	}
	return end
}

// escaped is where the character of a string with this quote ends that starts at at, with
// what a backslash before it escapes. In a string inside another that backslash is two,
// and so may the character be: \\\".
func escaped(s string, at int, quote string) int {
	if s[at] != '\\' || at+1 == len(s) || s[at+1] == '\n' {
		return at + 1
	}
	if at += 2; len(quote) == 1 || s[at-1] != '\\' || at == len(s) || strings.IndexByte("\n\"'", s[at]) >= 0 {
		return at
	}
	if s[at] == '\\' && at+1 < len(s) && s[at+1] != '\n' {
		at++
	}
	return at + 1
}

// unquotedEnd is where a header's value in a text ends: with the line, or with the quote
// or the tag that is around it all.
func unquotedEnd(s string, ownLine bool) int {
	stops := "\r\n<\"'\\"
	if ownLine {
		stops = "\r\n"
	}
	return len(strings.TrimRight(s[:indexAny(s, 0, stops)], " \t"))
}

// maxTag bounds the tags that are looked at.
const maxTag = 2 << 10

// redactTag looks at the tag whose < ends at at: the text after <Signature>, and what a
// form or a meta element names as a secret.
func redactTag(s string, at int, hide func(from, to int, as string)) {
	end := strings.IndexByte(s[at:min(len(s), at+maxTag)], '>')
	if end < 0 || strings.IndexByte(s[at:at+end], '<') >= 0 {
		return
	}
	tag, end := s[at:at+end], at+end+1
	name := tag[:indexAny(tag, 0, " \t\r\n/>")]
	if colon := strings.LastIndexByte(name, ':'); colon >= 0 {
		name = name[colon+1:]
	}
	if isElement(name) && secretField(name, true) && !strings.HasSuffix(tag, "/") {
		hide(end, next(s, end, '<'), Redacted)
	}
	if of := attribute(tag, "name"); of.to > of.from && secretField(tag[of.from:of.to], true) {
		for _, a := range []string{"value", "content"} {
			if v := attribute(tag, a); v.to > v.from {
				hide(at+v.from, at+v.to, Redacted)
			}
		}
	}
}

// isElement reports whether name may be that of an element, without its prefix.
func isElement(name string) bool {
	return name != "" && len(name) <= maxFieldName && !strings.ContainsFunc(name, func(c rune) bool { return c < 0x80 && !isNameByte(byte(c)) })
}

// attribute finds the quoted value of an attribute of tag.
func attribute(tag, name string) cut {
	for at := 0; ; {
		i := strings.Index(tag[at:], name+"=")
		if i < 0 {
			return cut{}
		}
		at += i + len(name) + 1
		if before := at - len(name) - 2; at >= len(tag) || before < 0 || tag[before] > ' ' || tag[at] != '"' && tag[at] != '\'' {
			continue
		}
		if end := strings.IndexByte(tag[at+1:], tag[at]); end >= 0 {
			return cut{at + 1, at + 1 + end}
		}
		return cut{}
	}
}

// basicAuth takes the credentials of RFC 7617 apart.
func basicAuth(s string) (user, pass string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(b), ":")
}
