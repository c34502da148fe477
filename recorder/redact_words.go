package recorder

import "strings"

// word looks at the word text[from:to].
func (r *reading) word(from, to int) {
	word := r.text[from:to]
	if strings.Trim(word, "=:+?!") == "" && strings.Contains(word, "=") {
		if r.named != "" { // $env:TOKEN = 'x'
			r.option, r.all, r.named = r.named, r.alone && r.named[0] == '$', ""
			r.weak = false // the value may be in the next line
		}
		if r.option != "" {
			return
		}
	}
	if r.option != "" && r.passes(word, to) {
		return
	}
	r.credential(from)
	if endsWithAuthScheme(word) {
		r.scheme = word
	}
	hidden := false
	if r.option != "" {
		hidden = r.value(from, to, r.option, 0)
		if r.option == netrcPassword {
			r.blur(to)
		}
		r.taken()
	} else if r.named != "" && word[0] == '=' {
		hidden = r.value(from+1, to, r.named, 0)
	}
	if !hidden {
		hidden = r.assignment(from, to) || r.glued(from, to)
	}
	if !hidden {
		r.inside(from, to)
	}
	r.doubt(from, to)
	r.expect(word)
	r.started = !leads(word)
}

// leads reports whether a command begins behind word, which is cmd's or a shell's.
func leads(word string) bool {
	switch strings.ToLower(word) {
	case "call", "do", "then", "else", "!":
		return true
	}
	return false
}

// passes reports whether word, which ends at to, is surely not the value of the option that
// waits: a redirection, or an option where the name of a variable stood before.
func (r *reading) passes(word string, to int) bool {
	switch {
	case word == "<" && !strings.HasPrefix(r.text[to:], "("):
		r.taken() // the value is in a file
		return true
	case word == "<" || word == "<<<":
		return true
	}
	return r.weak && r.setting && !r.spaced && strings.HasPrefix(word, "--") && !strings.Contains(word, "=")
}

// netrcPassword is the option that the word password of a .netrc counts as.
const netrcPassword = "password"

// expect prepares for what follows word: a value, or what makes the next word one.
func (r *reading) expect(word string) {
	word = unquoted(word)
	lower := strings.ToLower(word)
	if i := strings.LastIndexByte(lower, '\\'); i >= 0 && len(lower) > i+1 && (lower[i+1] == 'n' || lower[i+1] == 't') {
		lower = lower[i+2:] // printf 'login me\npassword x'
	}
	r.named, r.hash = "", r.hash || strings.Contains(word, "@{")
	switch {
	case word == "" || r.all:
	case takesSecret(word):
		r.option, r.weak = word, false
	case cluster(word) != "":
		r.option, r.weak = cluster(word), false
	case lower == "machine" || lower == "login":
		r.netrc = true
	case r.netrc && (lower == "password" || lower == "account"):
		r.option, r.weak = netrcPassword, false
	case word[0] != '-' && !strings.ContainsAny(word, "="+blanks) && (secretVariable(word) || secretField(fieldOf(word), true)):
		r.named, r.alone = word, !r.started
		if r.setting { // fish: set -gx TOKEN x
			r.option, r.all, r.weak = word, r.spaced, true
		}
	case lower == "set" || lower == "@set" || lower == "setenv" || lower == "setx" || lower == "set-item":
		r.setting = true
		r.spaced = !r.started && lower != "setenv" && lower != "setx"
	case word == "{":
		r.started = false
	}
}

// unquoted is a word without quotes and what else a list puts around it, for comparing.
func unquoted(word string) string {
	word = strings.ReplaceAll(strings.ReplaceAll(word, `'`, ""), `"`, "")
	return strings.Trim(word, "[],\\`\r\n")
}

// fieldOf is the name at the end of @{'Name' or $headers['Name'].
func fieldOf(word string) string {
	word = strings.TrimRight(word, "]})")
	return word[strings.LastIndexAny(word, "{[(;")+1:]
}

// assignment hides the value of NAME=VALUE or --name=VALUE.
func (r *reading) assignment(from, to int) bool {
	word := r.text[from:to]
	eq := strings.IndexByte(word, '=')
	if eq < 0 {
		return false
	}
	name := unquoted(word[:eq])
	if strings.ContainsAny(name, blanks) || !takesSecret(name) && !secretVariable(name) && !r.secretEntry(name) {
		return false
	}
	var quote byte
	if q := word[0]; (q == '\'' || q == '"') && strings.Count(word[:eq], word[:1]) == 1 {
		quote = q
	}
	r.value(from+eq+1, to, name, quote)
	if r.spaced || eq+1 == len(word) && (word[0] == '$' || r.setting) {
		r.option, r.all, r.weak = name, true, true // cmd: set TOKEN=x y; PowerShell: $token= 'x'
	}
	return true
}

// secretEntry reports whether name is that of a header with a secret in a hash of PowerShell,
// @{Name='x'; Name='x'}.
func (r *reading) secretEntry(name string) bool {
	return (r.hash || strings.Contains(name, "@{")) && secretField(fieldOf(name), true)
}

// glued hides the value of -uVALUE.
func (r *reading) glued(from, to int) bool {
	word := strings.TrimLeft(r.text[from:to], `'"`)
	if !glued(word) {
		return false
	}
	var quote byte
	if len(word) < to-from {
		quote = r.text[to-len(word)-1]
	}
	return r.value(to-len(word)+2, to, word[:2], quote)
}

// value hides the value text[from:to] of option, and reports whether there was anything to
// hide. quote is what may stand behind it.
func (r *reading) value(from, to int, option string, quote byte) bool {
	from, to = r.bare(from, to, option, quote)
	value := r.text[from:to]
	clean := redactOption(option, value)
	if clean == value {
		return false
	}
	if before, after, ok := strings.Cut(clean, Redacted); ok && !strings.Contains(after, Redacted) && len(before)+len(after) <= len(value) && strings.HasPrefix(value, before) && strings.HasSuffix(value, after) {
		// The less is replaced, the better it goes together with another reading's findings.
		from, to, clean = from+len(before), to-len(after), Redacted
	}
	r.hide(from, to, clean)
	return true
}

// bare is a value without the quotes and brackets that end around it, which stay. quote was
// opened before it.
func (r *reading) bare(from, to int, option string, quote byte) (int, int) {
	value := r.text[from:to]
	if value == "" {
		return from, to
	}
	last := value[len(value)-1]
	if value[0] == '\'' || value[0] == '"' {
		trimmed := value
		if redactOption(option, "x") == Redacted { // @{Token='x'}, ["--token", "x"]
			trimmed = strings.TrimRight(value, "})],")
		}
		if len(trimmed) > 1 && trimmed[len(trimmed)-1] == value[0] {
			return from + 1, from + len(trimmed) - 1
		}
	}
	// Within quotes it is less sure that a quote is one.
	if quote != 0 && last == quote && (r.depth == 0 || !strings.ContainsAny(value, blanks)) || last == '`' && strings.IndexByte(value, '`') == len(value)-1 {
		to--
	}
	return from, to
}

// doubt hides what stands behind the assignment of a secret and an operator if that may be
// a character of the secret.
func (r *reading) doubt(from, to int) {
	word := r.text[from:to]
	name, value, ok := strings.Cut(word, "=")
	if !ok || to == len(r.text) || strings.ContainsAny(name, "/?#"+blanks) || !secretVariable(name) {
		return
	}
	if r.text[to] != '(' && (strings.IndexByte(";|&", r.text[to]) < 0 || endsValue(unquoted(name), value, r.text[to:])) {
		return
	}
	r.blur(to)
}

// credential hides what follows Basic or Bearer at from, as Text does, to which the scheme
// may be hidden by what another reading finds.
func (r *reading) credential(from int) {
	scheme, word, end := r.scheme, "", from
	if r.scheme = ""; scheme == "" || from < r.blurred {
		return
	}
	for end < len(r.text) && word == "" {
		for end < len(r.text) && isBreak(r.text[end]) {
			end++
		}
		start := end
		for end < len(r.text) && !isBreak(r.text[end]) {
			end++
		}
		if word = strings.TrimRight(r.text[start:end], punctuation); word != "" {
			end = start + len(word)
		}
	}
	r.blurred = end // so that no word is looked at twice
	if word != "" && !proseAfterScheme(scheme, word) {
		r.hide(from, end, Redacted)
	}
}

// blur hides what stands between to and the next blank or quote.
func (r *reading) blur(to int) {
	if to >= r.blurred { // up to there it is looked through already
		r.blurred = to
		for r.blurred < len(r.text) && !isBreak(r.text[r.blurred]) {
			r.blurred++
		}
	}
	r.hide(to, r.blurred, Redacted)
}

// endsValue reports whether the operator that rest begins with surely ends the value of
// name. In name=a&b or name=a;b it may be the value's own: only shells have operators.
func endsValue(name, value, rest string) bool {
	behind := rest[1:]
	and := strings.HasPrefix(rest, "&&")
	if and || strings.HasPrefix(rest, "||") {
		behind = rest[2:]
	}
	if behind == "" || strings.IndexByte(blanks, behind[0]) >= 0 {
		return true
	}
	if n := len(value); n > 1 && (value[0] == '\'' || value[0] == '"') && value[n-1] == value[0] {
		return true
	}
	if strings.ContainsAny(value, "?=") || strings.Contains(value, "://") {
		return false
	}
	return and || name[0] == '$' || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// inside looks at what stands in the quotes of a word, and in its substitutions. A quote
// need not be one (the go command knows them at the start of a word alone, a shell knows
// them in each other), so that has options, too.
func (r *reading) inside(from, to int) {
	opens := `'"`
	if r.escape == '\\' {
		opens = "'\"`("
	}
	word := r.text[from:to]
	open := strings.IndexAny(word, opens)
	if open < 0 || !strings.ContainsAny(word[open+1:], blanks) {
		return
	}
	if word[len(word)-1] == closer(word[open]) {
		to--
	}
	from += open + 1
	if r.depth == maxQuotes {
		if suspicious(r.text[from:to]) {
			r.hide(from, to, Redacted)
		}
		return
	}
	escapes := []byte{0, r.escape}
	if r.escape == 0 {
		escapes = escapes[:1]
	}
	for _, escape := range escapes {
		in := reading{text: r.text[from:to], base: r.base + from, depth: r.depth + 1, escape: escape, prose: r.prose}
		in.read()
		r.found = append(r.found, in.found...)
	}
}

// suspicious reports whether a word of s, whatever its quotes, may stand before a secret.
func suspicious(s string) bool {
	for word := range strings.FieldsFuncSeq(s, func(c rune) bool { return c < 0x80 && strings.IndexByte(blanks+"'\";|&()`", byte(c)) >= 0 }) {
		name, _, _ := strings.Cut(word, "=")
		if takesSecret(name) || secretVariable(name) || glued(word) || cluster(word) != "" {
			return true
		}
	}
	return false
}
