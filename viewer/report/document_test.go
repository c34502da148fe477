package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/gomod"
)

// The looks that every sample is rendered in, beside the plain one of 80 columns.
var layouts = []struct {
	name string
	how  Layout
	of   []string // samples; none is all
}{
	{"80", Layout{}, nil},
	{"50", Layout{Width: 50}, []string{"corporate", "failing"}},
	{"120", Layout{Width: 120}, []string{"corporate"}},
	{"color", Layout{Color: true}, []string{"corporate", "failing"}},
	{"ascii", Layout{ASCII: true}, []string{"corporate", "strange"}},
	{"all", Layout{All: true}, []string{"corporate", "failing", "strange"}},
}

func TestDocumentText(t *testing.T) {
	for _, l := range layouts {
		for name, make := range samples {
			t.Run(name+" "+l.name, func(t *testing.T) {
				var got bytes.Buffer
				s := make()
				if err := s.WriteText(&got, l.how); err != nil {
					t.Fatal(err)
				}
				checkScreen(t, s, got.String(), l.how)
				if len(l.of) == 0 || strings.Contains(strings.Join(l.of, " "), name) {
					golden(t, "report-"+name+"-"+l.name, got.Bytes())
				}
			})
		}
	}
}

// checkScreen holds for every text.
func checkScreen(t *testing.T, s *sample, got string, how Layout) {
	t.Helper()
	width := how.Width
	if width == 0 {
		width = 80
	}
	if n := strings.Count(got, "\n"); n > 25 && len(s.Report.Findings) <= 1 && width >= narrow && !how.All {
		t.Errorf("%d lines, want at most 25", n)
	}
	whole := []string{s.Recording}
	for _, f := range s.Report.Findings {
		for _, c := range f.Commands {
			whole = append(whole, Printable(c))
		}
	}
	for _, p := range s.Report.WhatIf {
		whole = append(whole, p.Commands...)
	}
	for line := range strings.Lines(got) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimRight(line, " ") != line {
			t.Errorf("trailing space: %q", line)
		}
		if how.Color {
			continue
		}
		copied := false
		for _, w := range whole {
			copied = copied || w != "" && strings.HasSuffix(line, w)
		}
		if utf8.RuneCountInString(line) > width && !copied {
			t.Errorf("line does not fit %d columns: %q", width, line)
		}
		if strings.ContainsAny(line, "\x1b\r\a") {
			t.Errorf("line is not clean: %q", line)
		}
		if how.ASCII && strings.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Errorf("not ASCII: %q", line)
		}
	}
	for _, f := range s.Report.Findings {
		if f.Severity == recorder.Info || how.Color {
			continue
		}
		if !strings.Contains(got, f.ID) {
			t.Errorf("finding %s is not there", f.ID)
		}
		for _, c := range f.Commands {
			if !how.ASCII && !strings.Contains(got, "  "+Printable(c)+"\n") {
				t.Errorf("command %q has no line of its own", c)
			}
		}
	}
}

// TestDocumentFailures: what a finding is about is not told once more, however many requests
// those are; the finding names only some of them.
func TestDocumentFailures(t *testing.T) {
	in := diagnose.Input{Session: &recorder.Session{Mode: "run", Argv: []string{"go", "mod", "download"}, Start: start}}
	in.Process = &recorder.Process{Start: 1, End: ms(9_000), ExitCode: 1}
	for i := range 40 {
		m := recorder.Marks{WroteHeaders: ms(1), WroteRequest: ms(1.1), FirstByte: ms(50), LastByte: ms(51), End: ms(51)}
		url := fmt.Sprintf("https://mirror.test/example.com/m%d/@v/v1.0.0.zip", i)
		in.Exchanges = append(in.Exchanges, recorder.Exchange{
			ID: uint64(i + 1), Start: start.Add(time.Duration(i) * 100 * time.Millisecond), Method: "GET", URL: url, Status: 403, Done: true, Server: m, Client: m,
			Go: gomod.Request{Kind: gomod.Zip, Module: fmt.Sprintf("example.com/m%d", i), Version: "v1.0.0"},
		})
	}
	in.Session.GOPROXY = "https://mirror.test"
	d := &Document{Report: diagnose.Run(in)}
	var b bytes.Buffer
	if err := d.Write(&b, Text, Layout{Width: 100, Color: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "more") || strings.Contains(b.String(), "× mirror.test") {
		t.Errorf("the report is\n%s", b.String())
	}
	d.Report.Findings, d.Report.Told = nil, nil
	b.Reset()
	if err := d.Write(&b, Text, Layout{Width: 100, Color: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "  \x1b[31m40 × mirror.test") {
		t.Errorf("nothing else tells of them, and the report is\n%q", b.String())
	}
}

func TestDocumentMarkdown(t *testing.T) {
	for name, make := range samples {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := make().WriteMarkdown(&got); err != nil {
				t.Fatal(err)
			}
			if name != "many" {
				golden(t, "report-"+name+".md", got.Bytes())
			}
			for _, never := range []string{"<script", "<img", "\x1b", "https://evil", "www.evil"} {
				if !inFences(got.String(), never) {
					t.Errorf("%q is in it, and not as code", never)
				}
			}
		})
	}
}

// inFences reports whether text is in code only.
func inFences(markdown, text string) bool {
	fence := ""
	for line := range strings.Lines(markdown) {
		mark := strings.TrimRight(line, "\n")
		switch {
		case fence == "" && strings.HasPrefix(mark, "```"):
			fence = mark
		case fence != "" && mark == fence:
			fence = ""
		case fence == "" && strings.Contains(strings.Join(outsideCode(line), " "), text):
			return false
		}
	}
	return true
}

// outsideCode are the parts of a line that are in no code span.
func outsideCode(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "`") {
		if i%2 == 0 {
			out = append(out, part)
		}
	}
	return out
}

func TestDocumentJSON(t *testing.T) {
	for name, make := range samples {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			s := make()
			if err := s.WriteJSON(&got); err != nil {
				t.Fatal(err)
			}
			if name != "many" {
				golden(t, "report-"+name+".json", got.Bytes())
			}
			if strings.Contains(got.String(), ": null") {
				t.Error("a null in it")
			}
			var back JSONReport
			back.Report = &diagnose.Report{}
			if err := json.Unmarshal(got.Bytes(), &back); err != nil {
				t.Fatal(err)
			}
			if back.Schema != diagnose.Schema || back.Wall != s.Report.Wall || len(back.Findings) != len(s.Report.Findings) {
				t.Errorf("read back: %s, %v, %d findings", back.Schema, back.Wall, len(back.Findings))
			}
			for i, f := range s.Report.Findings {
				if diff := cmp.Diff(f.Commands, back.Findings[i].Remedy.Commands, cmpopts.EquateEmpty()); diff != "" || back.Findings[i].Remedy.Text != f.Remedy {
					t.Errorf("remedy of %s: %s", f.ID, diff)
				}
			}
		})
	}
}

// explainForTests stands for the prose, which changes with the findings.
func explainForTests(id string) (string, bool) {
	return "# " + id + "\n\nWhat it `means`, with **weight**, see [the issue](https://go.dev/issue/1).\n\n- one <b>\n- two\n\n    go env GOPROXY\n", id != "low-parallelism"
}

func TestDocumentHTML(t *testing.T) {
	for name, make := range samples {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			s := make()
			s.explain = explainForTests
			if err := s.WriteHTML(&got); err != nil {
				t.Fatal(err)
			}
			page := got.String()
			if name == "corporate" || name == "strange" {
				golden(t, "report-"+name+".html", got.Bytes())
			}
			for _, never := range []string{"<script", "<img", "<link", "ZgotmplZ", "url(", "@import"} {
				if strings.Contains(page, never) {
					t.Errorf("%q is in it", never)
				}
			}
			// Whatever is led to must be there, once.
			for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
				if n := strings.Count(page, `id="`+m[1]+`"`); n != 1 {
					t.Errorf("#%s is there %d times", m[1], n)
				}
			}
			for _, m := range regexp.MustCompile(`href="([^#][^"]*)"`).FindAllStringSubmatch(page, -1) {
				t.Errorf("it leads to %s", m[1])
			}
			if name == "many" {
				checkMany(t, page)
			}
		})
	}
}

// checkMany: what matters is shown, and the rest is said to be missing.
func checkMany(t *testing.T, page string) {
	t.Helper()
	if n := strings.Count(page, `<details class="row`); n != maxRows {
		t.Errorf("%d rows, want %d", n, maxRows)
	}
	for _, want := range []string{`id="x2400"`, `id="x1"`, `id="x60"`, "2000 of 2500 requests are shown"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is not there", want)
		}
	}
}
