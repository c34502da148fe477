// Package shell writes words and lines for the shells that a user may paste them into. It is
// pure: which shell that is, others find out.
package shell

import (
	"fmt"
	"regexp"
	"strings"
)

// A Shell is a language that command lines are written in.
type Shell string

// The shells that are known. Sh is also bash, zsh, dash and ksh.
const (
	Sh         Shell = "sh"
	Fish       Shell = "fish"
	PowerShell Shell = "powershell"
	Cmd        Shell = "cmd"
)

// Parse returns the Shell of that name; bash, zsh, dash and ksh are Sh, pwsh is
// PowerShell.
func Parse(name string) (Shell, error) {
	switch name {
	case "sh", "bash", "zsh", "dash", "ksh":
		return Sh, nil
	case "fish":
		return Fish, nil
	case "powershell", "pwsh":
		return PowerShell, nil
	case "cmd", "cmd.exe":
		return Cmd, nil
	}
	return "", fmt.Errorf("unknown shell %q: it must be sh, fish, powershell or cmd", name)
}

// Eval is the command line that applies the output of the command line cmd.
func (s Shell) Eval(cmd string) string {
	switch s {
	case Fish:
		return cmd + " | source"
	case PowerShell:
		return cmd + " | Out-String | Invoke-Expression"
	case Cmd:
		return "for /f \"delims=\" %i in ('" + cmd + "') do @%i"
	}
	return `eval "$(` + cmd + `)"`
}

// Comment writes text as a comment line.
func (s Shell) Comment(text string) string {
	if s == Cmd {
		return "rem " + text
	}
	return "# " + text
}

// Quote writes a word of a command line, plain where the shell takes it as it is.
func (s Shell) Quote(word string) string {
	plain := word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !s.plain(r) })
	// PowerShell splits what begins with a dash at a dot or a colon (golang/go#47743).
	if split := s == PowerShell && strings.HasPrefix(word, "-") && strings.ContainsAny(word, ".:"); plain && !split {
		return word
	}
	if s == Cmd {
		return quoteCmd(word)
	}
	return s.Literal(word)
}

// Literal writes text between quotes, which a value right of = needs in PowerShell even where
// it is one word. cmd has no such thing.
func (s Shell) Literal(text string) string {
	switch s {
	case Fish: // the backslash escapes itself and the quote
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
	case PowerShell: // which takes typographic quotes for the quote as well
		return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(text) + "'"
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
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

// cmdSpecial is what cmd acts on outside quotes, and %, which it replaces everywhere. At a
// prompt a caret behind the name keeps it: there is no variable of that name. A colon ends
// the name, too (%NAME:a=b%).
var cmdSpecial = regexp.MustCompile(`[&|<>()^"%:]`)

// quoteCmd quotes for cmd and for the rules by which Windows programs split their line:
// a quote is escaped, and so are the backslashes before one. cmd does not know that escape,
// and takes what follows for no longer quoted: such a word is quoted for the program alone,
// and each special character for cmd. No line of cmd can have a line break.
func quoteCmd(word string) string { return cmdLine(quoteArg(word), word) }

// SetInCmd is the command of cmd that sets a variable. set takes what stands between its
// first quote and its last, whatever is between them.
func SetInCmd(name, value string) string { return "set " + cmdLine(`"`+name+"="+value+`"`, value) }

// cmdLine writes word, quoted, for cmd.
func cmdLine(quoted, word string) string {
	quoted = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ").Replace(quoted)
	if strings.ContainsAny(word, `"%`) {
		return cmdSpecial.ReplaceAllString(quoted, "^$0")
	}
	return quoted
}

// quoteArg quotes a word as Windows programs take their command line apart.
func quoteArg(word string) string {
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
