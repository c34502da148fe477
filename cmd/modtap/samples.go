package main

import (
	"modtap/cmd/internal/child"
	"modtap/recorder"
)

// samples are those of the child, as offsets of the session.
func (s *session) samples(all []child.Sample) []recorder.Sample {
	var out []recorder.Sample
	for _, c := range all {
		r := recorder.Sample{
			At: s.since(c.End), Took: recorder.Span(c.Took), CPU: recorder.Span(c.CPU),
			Read: c.Read, Written: c.Written, Disk: recorder.Span(c.Disk), Lock: recorder.Span(c.Lock), Queued: recorder.Span(c.Queued),
		}
		for _, t := range c.Tools {
			name := s.redactor.Text(t.Name)
			if name == child.UnknownTool {
				name = recorder.UnknownTool
			}
			r.Tools = append(r.Tools, recorder.Tool{Name: name, Count: t.Count, CPU: recorder.Span(t.CPU)})
		}
		out = append(out, r)
	}
	return out
}
