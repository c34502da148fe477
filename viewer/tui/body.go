package tui

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"modtap/recorder"
	"modtap/viewer/stream"
)

// mostLines is how many lines of a body are shown.
const mostLines = 400

// notShown stands for a body that is no text.
const notShown = "binary, not shown"

// messages are the headers and the bodies, when they are here.
func (m *model) messages(p *page, brief *recorder.Exchange) {
	d := &m.detail
	x := brief
	var request, response []byte
	var files *stream.Listing
	if d.brief != nil && d.brief.ID == brief.ID {
		if d.x != nil {
			x = d.x
		}
		request, response, files = d.request, d.body, d.files
		if d.err != nil {
			p.head("Headers")
			p.wrap("They are not here: "+d.err.Error(), 0, warn)
		}
	}
	m.body(p, "Response body", &x.Response, response)
	m.files(p, files)
	headers(p, "Response headers", &x.Response)
	headers(p, "Request headers", &x.Request)
	if x.Request.BodySize > 0 {
		m.body(p, "Request body", &x.Request, request)
	}
	if x == brief && len(x.Request.Header) == 0 && d.loading {
		p.add(span{"…", dim})
	}
}

func headers(p *page, title string, msg *recorder.Message) {
	for i, list := range [][]recorder.Header{msg.Header, msg.Trailer} {
		if len(list) == 0 {
			continue
		}
		if i == 1 {
			title = strings.Replace(title, "headers", "trailers", 1)
		}
		p.head(title)
		for _, h := range list {
			st, more := plain, ""
			if isRedacted(h.Value) {
				st, more = warn, "  (secret hidden)"
			}
			lines := wrapped(h.Name+": "+h.Value+more, p.w-2)
			p.add(span{lines[0], st})
			for _, l := range lines[1:] {
				p.add(span{"  " + l, st})
			}
		}
	}
}

// body shows a kept body as text, or why there is none.
func (m *model) body(p *page, title string, msg *recorder.Message, body []byte) {
	var about []string
	for _, s := range []string{msg.Mime, size(msg.BodySize), msg.Encoding} {
		if s != "" {
			about = append(about, s)
		}
	}
	if len(about) == 0 && msg.Note == "" && msg.SHA256 == "" {
		return
	}
	p.head(title)
	p.wrap(strings.Join(about, ", "), 0, dim)
	if msg.Redacted {
		p.add(span{"secrets in it are hidden", warn})
	}
	if msg.Note != "" {
		p.wrap(msg.Note, 0, dim)
	}
	p.fact("SHA-256", msg.SHA256)
	lines := bodyLines(body)
	for _, l := range lines[:min(len(lines), mostLines)] {
		p.add(span{l.text, l.st})
	}
	switch {
	case len(lines) > mostLines:
		p.add(span{"only the first lines are shown", dim})
	case len(body) > maxBody && lines[0].text != notShown:
		p.add(span{"only the first " + size(maxBody) + " are shown", dim})
	}
}

// files lists what is in a zip, with the sizes of the files as they are unpacked.
func (m *model) files(p *page, l *stream.Listing) {
	if l == nil {
		return
	}
	sum := int64(0)
	for _, f := range l.Files {
		sum += int64(f.Size)
	}
	text := count(l.Of, "file")
	if len(l.Files) == l.Of && sum > 0 {
		text += ", " + size(sum) + " when unpacked"
	}
	p.add(span{text, dim})
	for i, f := range l.Files {
		if i == mostLines {
			break
		}
		p.add(span{pad(size(int64(f.Size)), 9) + "  ", plain}, span{cutHead(f.Name, p.w-11), plain})
	}
	if rest := l.Of - min(len(l.Files), mostLines); rest > 0 {
		p.add(span{thousands(rest) + " more are not listed", dim})
	}
}

// bodyLines is a body as lines: JSON indented, go.mod with its words marked.
func bodyLines(body []byte) []span {
	if len(body) == 0 {
		return nil
	}
	body = body[:min(len(body), maxBody)]
	if t := bytes.TrimSpace(body); len(t) > 0 && (t[0] == '{' || t[0] == '[') {
		var b bytes.Buffer
		if json.Indent(&b, t, "", "  ") == nil {
			body = b.Bytes()
		}
	}
	sample := body[:min(len(body), 512)]
	if !utf8.Valid(sample[:lastRune(sample)]) || bytes.IndexByte(sample, 0) >= 0 {
		return []span{{notShown, dim}}
	}
	var out []span
	for l := range strings.SplitSeq(strings.TrimRight(string(body), "\n"), "\n") {
		l = strings.ReplaceAll(strings.TrimRight(l, "\r"), "\t", "    ")
		st := plain
		word, _, _ := strings.Cut(strings.TrimSpace(l), " ")
		switch {
		case strings.HasPrefix(word, "//"):
			st = dim
		case word == "module" || word == "go" || word == "require" || word == "replace" || word == "exclude" || word == "retract" || word == "toolchain" || word == "tool":
			st = bold
		}
		out = append(out, span{l, st})
	}
	return out
}

// lastRune is the length of b without a character that was cut off at its end.
func lastRune(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if utf8.FullRune(b[i:]) {
				return len(b)
			}
			return i
		}
	}
	return len(b)
}
