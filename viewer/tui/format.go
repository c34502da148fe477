package tui

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/query"
	"modtap/viewer/report"
)

// duration writes a length of time; "" when none was measured.
func duration(s recorder.Span) string {
	if s <= 0 {
		return ""
	}
	if s < recorder.Span(50*time.Microsecond) {
		return "<0.1 ms"
	}
	return report.Duration(s.Duration())
}

// size writes a number of bytes; "" when there are none.
func size(n int64) string {
	if n <= 0 {
		return ""
	}
	return report.Bytes(n)
}

// instant writes an offset from the start of a request.
func instant(s recorder.Span) string {
	if s < recorder.Span(50*time.Microsecond) {
		return "at once"
	}
	return "after " + report.Duration(s.Duration())
}

// count writes n with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands writes n in groups of three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// A name says what an exchange is about; head is the part that may be cut first.
type name struct{ head, tail, version string }

// nameOf names x as the page does.
func nameOf(x *recorder.Exchange) name {
	split := func(text, version string) name {
		i := strings.IndexByte(text, '/') + 1
		return name{text[:i], text[i:], version}
	}
	switch g := x.Go; {
	case g.Module != "":
		return split(g.Module, g.Version)
	case strings.HasPrefix(string(g.Kind), "sumdb") && g.Extra != "":
		return split(g.Extra, "")
	case g.Repo != "":
		return split(g.Repo, "")
	case g.Kind.Step() == "toolchain" && g.Extra != "":
		return name{tail: g.Extra}
	}
	return name{tail: cmp.Or(pathOf(x), query.HostOf(x))}
}

// pathOf is what follows the host in x's URL, without a fragment; "" of a tunnel. A URL that
// has no host, as of an answer that a page made itself, is all path.
func pathOf(x *recorder.Exchange) string {
	if x.Method == "CONNECT" {
		return ""
	}
	_, rest, found := strings.Cut(x.URL, "://")
	if !found {
		return x.URL
	}
	path := ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		path, _, _ = strings.Cut(rest[i:], "#")
	}
	return cmp.Or(path, "/")
}

func (n name) full() string {
	if n.version == "" {
		return n.head + n.tail
	}
	return n.head + n.tail + "@" + n.version
}

// pseudo is the time and the commit of a pseudo-version.
var pseudo = regexp.MustCompile(`\d{14}-([0-9a-f]{12})(\+|$)`)

// fit cuts a name to w cells: first the time of a pseudo-version goes, which says little,
// then the head, then the beginning of the tail; the last elements of a path and the
// version say most.
func (n name) fit(w int) (text, version string) {
	if n.version != "" {
		version = "@" + n.version
		if width(n.head+n.tail+version) > w {
			version = "@" + pseudo.ReplaceAllString(n.version, "…$1$2")
		}
	}
	if room := max(w/2+2, 0); width(version) > room {
		if i := strings.LastIndex(version, "…"); i > 0 {
			version = "@" + version[i:] // the commit says more than the v0.0.0 before it
		}
		version = cutHead(version, room)
	}
	room := w - width(version)
	if width(n.head+n.tail) <= room {
		return n.head + n.tail, version
	}
	if n.head != "" && width(n.tail)+2 <= room {
		return "…/" + n.tail, version
	}
	return cutHead(n.tail, room), version
}

// kindOf names what was asked for; a request that is none of go's by its method.
func kindOf(x *recorder.Exchange) string {
	return cmp.Or(string(x.Go.Kind), strings.ToLower(x.Method))
}

// statusOf is the word for how an exchange went, and its colour.
func statusOf(r *row) (string, style) {
	x := r.x
	switch {
	case x.Err != nil && x.Status != 0:
		return strconv.Itoa(x.Status) + " " + x.Err.Op, bad
	case x.Err != nil:
		return x.Err.Op, bad
	case x.Status >= 400:
		return strconv.Itoa(x.Status), bad
	case x.Status >= 300:
		return strconv.Itoa(x.Status), note
	case x.Status != 0:
		return strconv.Itoa(x.Status), plain
	case r.stale:
		return "lost", warn
	case x.Done:
		return "–", plain
	}
	return "…", dim
}

// redactions are what modtap, and other programs that write HARs, put in the place of a secret.
var redactions = regexp.MustCompile(`(?i)redacted|\*{3}|•{3}`)

// isRedacted recognises a value that took the place of a secret, as the page does.
func isRedacted(value string) bool { return redactions.MatchString(value) }
