package report

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/diagnose"
)

const sampleProse = `# A slow 404

The proxy took **long** to answer that it has no such module; see [the issue](https://go.dev/issue/73403)
and ` + "`go env GOPROXY`" + `.

## What to do

- Ask for a tag that exists, for example the newest one of those that the list names,
  which takes a second line.
- Or:

` + "```sh" + `
go env -w GOPRIVATE=git.corp.example
` + "```" + `

1. first
2. second

    indented code
      with more

| a | b |
|---|---|
| 1 | 2 |
`

func TestWriteProse(t *testing.T) {
	for name, how := range map[string]Layout{"80": {}, "40": {Width: 40}, "color": {Color: true}, "ascii": {ASCII: true}} {
		var got bytes.Buffer
		if err := WriteProse(&got, sampleProse, how); err != nil {
			t.Fatal(err)
		}
		golden(t, "prose-"+name, got.Bytes())
	}
}

var pieceTests = []struct {
	line string
	want []piece
}{
	{"", nil},
	{"plain", []piece{{Text: "plain"}}},
	{"a `b` c", []piece{{Text: "a "}, {Text: "b", Code: true}, {Text: " c"}}},
	{"**a**", []piece{{Text: "a", Strong: true}}},
	{"[a](b) c", []piece{{Text: "a", Link: "b"}, {Text: " c"}}},
	{"2 * 3 [x] `open", []piece{{Text: "2 *"}, {Text: " 3 ["}, {Text: "x] `"}, {Text: "open"}}},
	{"`*.corp` and `a[0]`", []piece{{Text: "*.corp", Code: true}, {Text: " and "}, {Text: "a[0]", Code: true}}},
}

func TestPieces(t *testing.T) {
	for _, tt := range pieceTests {
		if diff := cmp.Diff(tt.want, pieces(tt.line)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.line, diff)
		}
	}
}

// TestMeanings: every finding that can be explained has a line in the list.
func TestMeanings(t *testing.T) {
	explain := func(id string) (string, bool) { return "# " + id + "\n\n" + strings.Repeat("word ", 40), true }
	var got bytes.Buffer
	if err := WriteMeanings(&got, []string{"slow-404", "no-reuse"}, explain, Layout{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(got.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 || !strings.HasSuffix(line, " …\n") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if n := strings.Count(got.String(), "\n"); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
	for _, id := range diagnose.IDs() {
		if text, ok := diagnose.Explain(id); !ok || len(blocks(text)) == 0 {
			t.Errorf("%s has no prose", id)
		}
	}
}

// FuzzProse: no text breaks a line, loses a word or takes for ever.
func FuzzProse(f *testing.F) {
	f.Add(sampleProse)
	f.Add("[a](b\n**`")
	f.Add("```\n")
	f.Add("- \n1. x\n\n    y")
	f.Add("\xda`\xbe`0")
	f.Fuzz(func(t *testing.T, markdown string) {
		// Halves of a rune on both sides of a mark are one rune once the mark is gone, and no word was lost.
		markdown = strings.ToValidUTF8(markdown, "\uFFFD")
		var got bytes.Buffer
		if err := WriteProse(&got, markdown, Layout{ASCII: true}); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(got.String(), func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Errorf("not ASCII: %q", got.String())
		}
		for _, line := range strings.Split(markdown, "\n") {
			all := ""
			for _, p := range pieces(line) {
				all += p.Text + p.Link
			}
			if want := strings.Map(dropMarks, line); strings.Map(dropMarks, all) != want {
				t.Errorf("of %q is left %q", line, all)
			}
		}
	})
}

func dropMarks(r rune) rune {
	if strings.ContainsRune("`*[]()", r) {
		return -1
	}
	return r
}
