package diagnose

import (
	"embed"
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
