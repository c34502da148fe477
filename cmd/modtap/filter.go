package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"modtap/recorder"
	"modtap/recorder/query"
	"modtap/viewer/report"
)

// parseFilter reads the value of --filter; nil when there is none. What is not understood is
// told with a line that points at the word.
func (a *app) parseFilter(c *cobra.Command, text string) (*query.Query, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	q, err := query.Parse(text)
	wrong := (*query.Error)(nil)
	if !errors.As(err, &wrong) {
		return q, err
	}
	hint := wrong.Hint
	if hint == "" {
		hint = "see modtap help filter"
	}
	told := usageError(c, withHint(fmt.Errorf("--filter: %s", wrong.Msg), hint))
	return nil, &pointedError{told, pointer(text, wrong)}
}

// A pointedError has lines to be printed below it, that point at what is wrong.
type pointedError struct {
	err   error
	lines string
}

func (e *pointedError) Error() string { return e.err.Error() }
func (e *pointedError) Unwrap() error { return e.err }

// pointer is the text and a line of carets below the word; "" where the text is not to be
// printed as it is.
func pointer(text string, at *query.Error) string {
	if recorder.NewRedactor().Text(text) != text {
		return ""
	}
	letters := func(s string) int { return len([]rune(report.Printable(s))) }
	return fmt.Sprintf("  %s\n  %s%s\n", report.Printable(text), strings.Repeat(" ", letters(text[:at.At])), strings.Repeat("^", max(letters(text[at.At:at.At+at.Len]), 1)))
}

// filterTopic is `modtap help filter`: what the filter language is.
func filterTopic() *cobra.Command {
	return &cobra.Command{Use: "filter", Short: "How requests are filtered, in the viewers and in report", Long: filterHelp()}
}

// filterHelp is made of what the language knows, so that it cannot be another one.
func filterHelp() string {
	var b strings.Builder
	b.WriteString(`A filter is words: a request must match all of them.

  kind:zip module:k8s.io/... time:>1s
  status:4xx -is:doubled
  host:golang.org wait:>200ms size:<10k
  error:timeout,dns
  "dial tcp"

key:value asks for what the key says; key:a,b is either. -word is all that does
not match. A word without a key is looked for in the URL, the module with its
version, the kind, the repository, the status and the error. Case does not
matter. What has spaces, or is not to be read as a key, stands in quotes.

Keys:
`)
	for _, k := range query.Keys() {
		fmt.Fprintf(&b, "  %-9s %s\n", k.Name, k.About)
		if list := helpValues(&k); list != "" {
			for _, line := range fill(list, 66) {
				fmt.Fprintf(&b, "  %-9s   %s\n", "", line)
			}
		}
	}
	b.WriteString(`
Text (module, version, host, error, rule): a part of it. =text is the whole of
it; * stands for anything, and the rest is then the whole. module:path/... is
the path and all below. A module with an @ is compared with module@version.

Numbers: >1s >=1s <1s <=1s, 1s..2s with both ends, 1s.. and ..2s. Times count in
ns us ms s m h, without a unit in ms; sizes in B kB MB GB (thousands) and KiB
MiB GiB. A phase that did not happen (dns of a reused connection) matches no
number. The time of what is in flight is how long it has taken already.
`)
	return strings.TrimRight(b.String(), "\n")
}

// helpValues are the values of a key that one must know.
func helpValues(k *query.Key) string {
	if !slices.Contains([]string{"kind", "status", "is", "step", "proto"}, k.Name) {
		return ""
	}
	words := make([]string, len(k.Values))
	for i, v := range k.Values {
		words[i] = v.Text
	}
	return strings.Join(words, " ")
}

// fill breaks words into lines of that width.
func fill(words string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(words) {
		last := len(lines) - 1
		if last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}
