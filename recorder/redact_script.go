package recorder

import (
	"regexp"
	"slices"
	"strings"
)

// A reading goes through a command line that is one text and finds what options and
// variables give away in it. Nobody says whose quotes and escapes the text has, so it is
// read by the rules of each (see readings), and what is a secret by any of them is hidden.
type reading struct {
	text   string
	base   int  // where text begins in what is redacted
	depth  int  // how many quotes are around text
	escape byte // what takes the meaning from the next character, 0 if nothing does
	prose  bool // an apostrophe between letters is one: the text has a comment, or a document
	found  []hiding

	option  string // takes the next word for its value
	weak    bool   // option does not wait longer than the command
	all     bool   // option takes every word until the command ends
	named   string // the word before, if it may be the name of a secret: TOKEN = x
	started bool   // the command has a word
	alone   bool   // named is the command's first word
	setting bool   // the command sets variables without a =
	spaced  bool   // and their values may have blanks
	hash    bool   // a hash of PowerShell was begun
	scheme  string // the word before, if it is Basic or Bearer
	netrc   bool   // the words of a .netrc were seen
	tried   int    // the end of the parentheses that hold no value of an option
	blurred int    // the end of the word of Text up to which all is hidden or harmless
}

// maxQuotes is how many quotes within quotes are looked into; what is quoted deeper is
// hidden whole if it could hold a secret. It bounds the time that hostile text costs.
const maxQuotes = 3

// redactScript hides what options and variables give away in a command line that is one
// text, or several lines of them.
func redactScript(s string) string {
	// Hiding what a reading finds may leave a field without its name or its quote, so that
	// fields are looked for here, too.
	found := findFields(s)
	prose := apostrophe.MatchString(s)
	for _, escape := range readings(s) {
		r := reading{text: s, escape: escape}
		r.read()
		found = append(found, r.found...)
		if prose {
			r = reading{text: s, escape: escape, prose: true}
			r.read()
			found = append(found, r.found...)
		}
	}
	return replaceAll(s, found)
}

// apostrophe is what is no quote in a comment or a document: it's, don't.
var apostrophe = regexp.MustCompile("[A-Za-z]'[A-Za-z]")

// readings are the escapes by whose rules s may be meant: none of the go command, which
// must be read as Windows paths are, \ of shells, ` of PowerShell, ^ of cmd.
func readings(s string) []byte {
	escapes := []byte{0}
	if strings.ContainsAny(s, "\\`(") || strings.Contains(s, "${") {
		escapes = append(escapes, '\\')
	}
	for _, escape := range []byte("`^") {
		if strings.IndexByte(s, escape) >= 0 {
			escapes = append(escapes, escape)
		}
	}
	return escapes
}

// read looks at the words of the text, one after the other.
func (r *reading) read() {
	for at := 0; at < len(r.text); {
		switch c := r.text[at]; {
		case r.continues(at): // the next line goes on with this command
			at = next(r.text, at, '\n') + 1
		case c == ' ' || c == '\t':
			at++
		case strings.IndexByte("\r\n;|&", c) >= 0:
			r.endCommand(c)
			at++
		case c == '(' && r.escape == '\\' && r.option != "" && at >= r.tried: // fish's $(…)
			end := r.part(at)
			to := end
			if r.text[end-1] == ')' {
				to = max(at+1, end-1)
			}
			if at++; r.value(at, to, r.option, 0) {
				at = end
				r.taken()
			} else {
				r.tried = end // so that no parenthesis in it is looked through again
			}
		case c == '(' || c == ')':
			r.started = r.started && c == ')'
			at++
		default:
			end := r.wordEnd(at)
			r.word(at, end)
			at = end
		}
	}
}

// continues reports whether at at a newline is escaped, by whatever escape.
func (r *reading) continues(at int) bool {
	rest := r.text[at+1:]
	return strings.IndexByte("\\`^", r.text[at]) >= 0 && (strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "\r\n"))
}

// endCommand forgets what only counts within a command. An option keeps waiting: what
// looks like an operator need not be one.
func (r *reading) endCommand(by byte) {
	if r.weak {
		r.option, r.all, r.weak = "", false, false
	}
	r.named, r.started, r.setting, r.spaced = "", false, false, false
	r.netrc = r.netrc && (by == '\n' || by == '\r')
}

// taken is called when the waiting option has its value.
func (r *reading) taken() {
	if r.named, r.weak = "", r.all; !r.all {
		r.option = ""
	}
}

// wordEnd is where the word ends that starts at at.
func (r *reading) wordEnd(at int) int {
	for at < len(r.text) {
		switch c := r.text[at]; {
		case c == '(' && r.escape == '\\' && at > 0 && (r.text[at-1] == '=' || r.text[at-1] == '@'): // an array
			at = r.part(at)
		case strings.IndexByte(blanks+";|&()", c) >= 0:
			return at
		default:
			at = r.part(at)
		}
	}
	return at
}

// part is where the character at at ends or, if that opens a quote or a substitution, what
// it opens. What is never closed ends with the text.
func (r *reading) part(at int) int {
	var open []byte // what closes each part that is open
	for in := byte(0); at < len(r.text); {
		c, was := r.text[at], len(open)
		shell := r.escape == '\\'
		switch {
		case c == r.escape && r.escape != 0 && in != '\'' && !(c == '`' && in == '`'):
			at++
			if at+1 < len(r.text) && r.text[at] == '\r' && r.text[at+1] == '\n' {
				at++
			}
		case was > 0 && c == in || in == 'e' && c == '\'':
			open = open[:was-1]
		case in == '\'' || in == 'e':
		case c == '\'' && r.prose && was == 0 && at > 0 && at+1 < len(r.text) && isLetter(r.text[at-1]) && isLetter(r.text[at+1]):
		case c == '\'' && in != '"':
			if shell && at > 0 && r.text[at-1] == '$' {
				c = 'e' // $'…' has escapes
			}
			open = append(open, c)
		case c == '"':
			open = append(open, c)
		case !shell:
		case c == '`' && !r.continues(at):
			open = append(open, c)
		case c == '$' && strings.HasPrefix(r.text[at+1:], "("), c == '$' && strings.HasPrefix(r.text[at+1:], "{"):
			at++
			open = append(open, closer(r.text[at]))
		case c == '(' && (in == ')' || was == 0):
			open = append(open, ')')
		}
		if at++; len(open) == 0 {
			return min(at, len(r.text))
		}
		in = open[len(open)-1]
	}
	return len(r.text)
}

// closer is what closes what c opens.
func closer(c byte) byte {
	switch c {
	case '(':
		return ')'
	case '{':
		return '}'
	}
	return c
}

// hide adds to what was found.
func (r *reading) hide(from, to int, as string) {
	if from < to && r.text[from:to] != as {
		r.found = append(r.found, hiding{cut{r.base + from, r.base + to}, as})
	}
}

// replaceAll hides all of found. Where findings of several readings overlap, all that they
// cover is hidden.
func replaceAll(s string, found []hiding) string {
	if len(found) == 0 {
		return s
	}
	slices.SortFunc(found, func(a, b hiding) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return a.to - b.to
	})
	var b strings.Builder
	at := 0
	for i := 0; i < len(found); {
		h := found[i]
		for i++; i < len(found); i++ {
			o := found[i]
			if o == h {
				continue
			}
			if o.from > h.to || o.from == h.to && (o.as != Redacted || h.as != Redacted) {
				break
			}
			h.to, h.as = max(h.to, o.to), Redacted
		}
		b.WriteString(s[at:h.from])
		b.WriteString(h.as)
		at = h.to
	}
	b.WriteString(s[at:])
	return b.String()
}

// scriptText is Text for a script in which values were hidden: where an operator ends one,
// Text must not take it for a character of the value.
func (r *Redactor) scriptText(s string) string {
	var b strings.Builder
	from := 0
	for at := 0; ; {
		i := strings.Index(s[at:], Redacted)
		if i < 0 {
			break
		}
		at += i + len(Redacted)
		if end := hiddenEnd(s, from, at); end > 0 {
			b.WriteString(r.Text(s[from:end]))
			from, at = end, end
		}
	}
	return b.String() + r.Text(s[from:])
}

// hiddenEnd is where the value of NAME=REDACTED ends, of which REDACTED ends at end, if an
// operator stands there, or 0. The word of NAME starts at or after from.
func hiddenEnd(s string, from, end int) int {
	start := end - len(Redacted)
	if start > from && end < len(s) && (s[start-1] == '\'' || s[start-1] == '"') && s[end] == s[start-1] {
		start--
		end++
	}
	if end >= len(s) || strings.IndexByte(";|&", s[end]) < 0 || start <= from || s[start-1] != '=' {
		return 0
	}
	name := start - 1
	for name > from && start-name <= maxFieldName && (isNameByte(s[name-1]) || s[name-1] == '$' || s[name-1] == ':') {
		name--
	}
	if name > from && strings.IndexByte(blanks+`'"(`, s[name-1]) < 0 || name == start-1 {
		return 0
	}
	return end
}
