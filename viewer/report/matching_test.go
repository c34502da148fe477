package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/query"
)

func filtered(t *testing.T, s *sample, filter string) *sample {
	t.Helper()
	q, err := query.Parse(filter)
	if err != nil {
		t.Fatal(err)
	}
	s.Filter = q
	return s
}

// A filter adds to the report, and changes nothing that is of the whole run.
func TestMatchingAdds(t *testing.T) {
	for name, make := range samples {
		for _, f := range []Format{Text, JSON, Markdown, HTML} {
			var without, with bytes.Buffer
			plain, s := make(), filtered(t, make(), "time:>0")
			if err := plain.Write(&without, f, Layout{}); err != nil {
				t.Fatal(err)
			}
			if err := s.Write(&with, f, Layout{}); err != nil {
				t.Fatal(err)
			}
			kept := strings.Split(with.String(), "\n")
			for line := range strings.SplitSeq(without.String(), "\n") {
				i := slices.Index(kept, line)
				if strings.TrimSpace(line) == "" {
					continue
				}
				if i < 0 {
					t.Errorf("%s as %s: with a filter %q is gone", name, f, line)
					break
				}
				kept = kept[max(i, 0):]
			}
			if !strings.Contains(with.String(), "time:>0") && !strings.Contains(with.String(), "time:&gt;0") {
				t.Errorf("%s as %s does not say which filter", name, f)
			}
		}
	}
}

func TestMatchingLooks(t *testing.T) {
	for _, tt := range []struct {
		name, filter string
		how          Layout
	}{
		{"80", "kind:zip,mod time:>100ms", Layout{}},
		{"50", "kind:zip,mod time:>100ms", Layout{Width: 50}},
		{"all", "kind:zip,mod time:>100ms", Layout{All: true}},
		{"none", "module:nothing.like/it", Layout{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := filtered(t, samples["corporate"](), tt.filter).WriteText(&got, tt.how); err != nil {
				t.Fatal(err)
			}
			_, part, found := strings.Cut(got.String(), tt.filter+"\n")
			if !found {
				t.Fatalf("it does not name the filter:\n%s", got.String())
			}
			for line := range strings.Lines(part) {
				line = strings.TrimSuffix(line, "\n")
				if n := utf8.RuneCountInString(line); n > max(tt.how.Width, 80) && !strings.HasPrefix(line, "recording") || strings.TrimRight(line, " ") != line {
					t.Errorf("%d columns: %q", n, line)
				}
			}
			golden(t, "report-filter-"+tt.name, got.Bytes())
		})
	}
}

// Of more than are listed, those that took longest are, in order of starting; JSON has all.
func TestMatchingOfMany(t *testing.T) {
	s := newSample(90_000, "go", "mod", "download")
	for i := range 100 {
		s.get(float64(i*10), 0, float64(5+i*37%100), 1, "zip", fmt.Sprintf("m%d.test/x@v1.0.0", i), 200, 10)
	}
	filtered(t, s, "kind:zip")
	var text bytes.Buffer
	if err := s.WriteText(&text, Layout{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "100 of 100 requests match kind:zip\n") || !strings.Contains(text.String(), "and 60 that took less: -v lists all\n") {
		t.Errorf("it does not count:\n%s", text.String())
	}
	var last uint64
	listed := 0
	for i := range s.in.Exchanges {
		x := &s.in.Exchanges[i]
		slow := x.Server.End > ms(66.5)
		if has := strings.Contains(text.String(), fmt.Sprintf("zip m%d.test/x@v1.0.0\n", i)); has != slow {
			t.Errorf("%d took %v and is listed: %v", x.ID, x.Server.End, has)
		} else if has {
			listed++
			last = x.ID
		}
	}
	if listed != mostMatching || last == 0 {
		t.Errorf("%d are listed", listed)
	}
	var out struct{ Matching JSONMatching }
	decode(t, s, &out)
	if out.Matching.Count != 100 || len(out.Matching.Requests) != 100 || out.Matching.Of != 100 || out.Matching.Requests[99].ID != 100 {
		t.Errorf("JSON has %d of %d, %d listed", out.Matching.Count, out.Matching.Of, len(out.Matching.Requests))
	}
}

func decode(t *testing.T, s *sample, to any) {
	t.Helper()
	var b bytes.Buffer
	if err := s.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), to); err != nil {
		t.Fatal(err)
	}
}

// What was in flight took until the recording ended, not until today.
func TestMatchingInFlight(t *testing.T) {
	s := newSample(90_000, "go", "mod", "download")
	x := s.get(1000, 0, 10, 10, "zip", "m.test/x@v1.0.0", 0, 0)
	x.Server, x.Client, x.Done = recorder.Marks{WroteHeaders: ms(1), WroteRequest: ms(2)}, recorder.Marks{}, false
	s.in.Exchanges[0] = *x
	s.in.End = &recorder.End{At: ms(5000)}
	var out struct{ Matching JSONMatching }
	decode(t, filtered(t, s, "time:3999ms..4001ms is:pending"), &out)
	if len(out.Matching.Requests) != 1 {
		t.Fatalf("%d match", len(out.Matching.Requests))
	}
	r := out.Matching.Requests[0]
	if r.Took != ms(4000) || !r.InFlight || r.Phases["wait"] != ms(3998) || r.Start != ms(1000) {
		t.Errorf("%+v", r)
	}
	if _, has := r.Phases["receive"]; has {
		t.Error("it has received")
	}
	s.in.End = nil
	if got, want := s.ended(), start.Add(time.Second+2*time.Millisecond); got.Before(start) || got.After(want) {
		t.Errorf("without an end it ended at %v", got)
	}
}

// The repeat of a 4xx is told by the request that it follows, in whatever order they lie.
func TestMatchingFollows(t *testing.T) {
	s := newSample(90_000, "go", "mod", "download")
	for i := range 3 {
		s.get(float64(i), 0, 5, 1, "list", "m.test/x@v1", 404, 10)
	}
	s.in.Exchanges[1].Parent = 1
	s.in.Exchanges[2].Parent, s.in.Exchanges[2].URL = 1, "https://elsewhere.test/"
	for _, reverse := range []bool{false, true} {
		if reverse {
			slices.Reverse(s.in.Exchanges)
		}
		var out struct{ Matching JSONMatching }
		decode(t, filtered(t, s, "is:doubled"), &out)
		if len(out.Matching.Requests) != 1 || out.Matching.Requests[0].ID != 2 {
			t.Errorf("reversed %v: %+v", reverse, out.Matching.Requests)
		}
	}
}

// Without an analysis there is nothing to list, and nothing to fall over.
func TestMatchingOfNothing(t *testing.T) {
	s := &sample{Document: &Document{Report: &diagnose.Report{}}}
	filtered(t, s, "kind:zip")
	for _, f := range []Format{Text, JSON, Markdown, HTML} {
		if err := s.Write(&bytes.Buffer{}, f, Layout{}); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}
