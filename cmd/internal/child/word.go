package child

import "strings"

// Quote writes a word of a command line, plain where the shell takes it as it is.
// The twins of this for the commands of a diagnosis are in recorder/diagnose (remedy.go),
// which may not import this package: what is mended here must be mended there.
func (s Shell) Quote(word string) string {
	plain := word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !s.plain(r) })
	// PowerShell splits what begins with a dash at a dot or a colon (golang/go#47743).
	if split := s == PowerShell && strings.HasPrefix(word, "-") && strings.ContainsAny(word, ".:"); plain && !split {
		return word
	}
	switch s {
	case Fish:
		return quoteFish(word)
	case PowerShell:
		return quotePowerShell(word)
	case Cmd:
		return quoteCmd(word)
	}
	return quoteSh(word)
}

// plain reports whether s takes r as it is, wherever it stands in a word.
func (s Shell) plain(r rune) bool {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=:./_-", r) {
		return true
	}
	switch s {
	case Cmd: // % is a variable, and what is between , is for programs to split
		return strings.ContainsRune(`@*\`, r)
	case PowerShell: // , makes a list, @ splats
		return r == '\\'
	}
	return strings.ContainsRune("@%,", r)
}

// quoteCmd quotes for cmd and for the rules by which Windows programs split their line:
// a quote is escaped, and so are the backslashes before one.
func quoteCmd(word string) string {
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range word {
		switch r {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}
