package diagnose

import (
	"embed"
	"regexp"
	"slices"
	"strings"
)

//go:embed findings
var prose embed.FS

// Explain returns the prose of a finding, in Markdown: what it means, how it is
// recognised, what to do. ok is false when there is no such finding.
func Explain(id string) (text string, ok bool) {
	b, err := prose.ReadFile("findings/" + id + ".md")
	return string(b), err == nil
}

// ExplainIn is Explain for the reader's shell: what is to be done ends with how that has
// what is written for sh.
func ExplainIn(shell, id string) (text string, ok bool) {
	text, ok = Explain(id)
	if note := shellNote(text, shell); note != "" {
		before, after, _ := strings.Cut(text, "\n## When it is wrong\n")
		text = before + "\n" + note + "\n\n## When it is wrong\n" + after
	}
	return text, ok
}

// shellNote is that in a line of Markdown; "" for other shells, and where nothing is.
func shellNote(text, shell string) string {
	var notes []string
	for _, n := range shellNotes[shell] {
		if n.of.MatchString(text) {
			notes = append(notes, n.note)
		}
	}
	if notes == nil {
		return ""
	}
	return "In " + shellNames[shell] + " " + strings.Join(notes, "; ") + "."
}

var (
	shellNames = map[string]string{"powershell": "PowerShell", "cmd": "cmd", "fish": "fish"}

	oneRunOfSh = regexp.MustCompile("[A-Z_]+=('[^']*'|[^ `\n]*) (COMMAND|go |modtap |[A-Z_]+=)")
	exportOfSh = regexp.MustCompile(`export [A-Z]`)
	loopOfSh   = regexp.MustCompile(`for i in `)
	quotesOfSh = regexp.MustCompile(`\s'[A-Z]+=`)
)

// shellNotes are, for a shell, what it does not know and what it has instead. PowerShell
// knows single quotes.
var shellNotes = map[string][]struct {
	of   *regexp.Regexp
	note string
}{
	"powershell": {
		{oneRunOfSh, "`NAME=VALUE COMMAND` is `$env:NAME='VALUE'; COMMAND` (NAME stays set in that window)"},
		{exportOfSh, "`export NAME=VALUE` is `$env:NAME='VALUE'`"},
		{loopOfSh, "the loop is `foreach ($i in 1..3) { COMMAND; if ($LASTEXITCODE -eq 0) { break }; Start-Sleep 15 }`"},
	},
	"fish": {
		{loopOfSh, "the loop is `for i in 1 2 3; COMMAND; and break; sleep 15; end`"},
	},
	"cmd": {
		{oneRunOfSh, "`NAME=VALUE COMMAND` is `set \"NAME=VALUE\" && COMMAND` (NAME stays set in that window)"},
		{exportOfSh, "`export NAME=VALUE` is `set \"NAME=VALUE\"`"},
		{loopOfSh, "the loop is `COMMAND || COMMAND || COMMAND`"},
		{quotesOfSh, "single quotes are double ones"},
	},
}

// IDs returns the ids that have prose, sorted.
func IDs() []string {
	entries, _ := prose.ReadDir("findings") // it is in the binary
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".md"); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
