package har

import (
	"strconv"
	"strings"

	"modtap/recorder"
)

// pageID is the one page of a file: the run.
const pageID = "page_1"

// titleOf is the command line of s, quoted where a shell would need it.
func titleOf(s *recorder.Session) string {
	if len(s.Argv) == 0 {
		return strings.TrimSpace("modtap " + s.Mode)
	}
	words := make([]string, len(s.Argv))
	for i, a := range s.Argv {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\r\n\"'`$&|;<>()*?") {
			words[i] = strconv.Quote(a)
		}
	}
	return strings.Join(words, " ")
}

// appendHeader appends everything before the first entry.
func (w *Writer) appendHeader(b []byte) []byte {
	s := w.session
	start, title, tool := w.opened, "modtap", w.opts.Tool
	if s != nil {
		start, title = s.Start, titleOf(s)
		if tool == "" {
			tool = s.Tool
		}
	}
	if tool == "" {
		tool = "0"
	}
	b = append(b, `{"log":{"version":"1.2","creator":{"name":"modtap","version":`...)
	b = appendString(b, tool)
	// Firefox needs pages, Safari the first one's startedDateTime.
	b = append(b, `},"pages":[{"startedDateTime":`...)
	b = appendTime(b, start, startedLayout)
	b = append(b, `,"id":"`+pageID+`","title":`...)
	b = appendString(b, title)
	b = append(b, `,"pageTimings":{"onContentLoad":-1,"onLoad":-1}}],"_modtap":`...)
	o := object{b: b}
	o.open("")
	o.string("schema", Schema)
	o.string("recording", w.id)
	o.int("part", int64(w.part))
	o.flag("redacted", w.opts.Redacted)
	if s != nil {
		o.json("session", s)
	}
	o.close()
	return append(o.b, `,"entries":[`...)
}

// appendTrailer appends what follows the entries while recording. It is small, for it is
// written with every batch.
func (w *Writer) appendTrailer(b []byte) []byte {
	o := w.openTrailer(b)
	o.close()
	return append(o.b, "}}\n"...)
}

// appendLastTrailer appends what follows the last entry of a recording.
func (w *Writer) appendLastTrailer(b []byte) []byte {
	o := w.openTrailer(b)
	o.json("conns", w.conns.all())
	o.json("tunnels", w.tunnels.all())
	o.json("findings", w.findings.all())
	o.uint("conns_left_out", w.conns.leftOut)
	o.uint("tunnels_left_out", w.tunnels.leftOut)
	o.uint("findings_left_out", w.findings.leftOut)
	o.close()
	return append(o.b, "}}\n"...)
}

func (w *Writer) openTrailer(b []byte) object {
	o := object{b: append(b, "\n],\"_modtap_end\":"...)}
	o.open("")
	o.uint("lost", w.lost)
	o.uint("missing", w.missing)
	if w.lateSession {
		o.json("session", w.session)
	}
	o.raw("process", w.process)
	o.raw("end", w.end)
	return o
}
