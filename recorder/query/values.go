package query

import (
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

var durations = values(">100ms", ">1s", ">10s", "<50ms", "1s..2s")

var statuses = []Value{
	{"4xx", "refused or not there"}, {"5xx", "the server failed"}, {"404", "not there"}, {"410", "gone, or not allowed"}, {">=400", "refused, or the server failed"},
	{"2xx", "answered"}, {"3xx", "sent elsewhere, or not changed"}, {"error", "no answer, or one that was cut short"}, {"pending", "still in flight"},
}

// operations are what an error may have happened in.
var operations = values("dns", "dial", "proxy", "tls", "write", "read", "timeout", "canceled", "client-tls", "redirect", "rule")

var traits = []Value{
	{"failed", "an error, a status from 400 on, or no answer"}, {"pending", "still in flight"}, {"reused", "on a connection that was open already"},
	{"first", "opened its connection"}, {"doubled", "the second request of a 4xx, which go sends twice"}, {"redirected", "answered with where to go instead"},
	{"redacted", "secrets were taken out of its URL or a body"}, {"kept", "the answer's body is in the recording"}, {"slow-client", "the command did not take the bytes that were there"},
}

// texts are the Texts of values.
func texts(list []Value) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Text
	}
	return out
}

// unknown is the Error of a word that is none of a key's: it names the one that was meant,
// here or behind another key.
func unknown(it item, list []Value) *Error {
	const most = 12 // a hint is one line
	all, rest := texts(list), ""
	if len(all) > most {
		all, rest = all[:most], " …"
	}
	hint := "it is one of " + strings.Join(all, " ") + rest
	if near := nearest(it.text, texts(list)); near != "" {
		hint = "did you mean " + near + "?"
	}
	if other := elsewhere(it.text); other != "" {
		hint = "did you mean " + other + "?"
	}
	return it.wrong(it.key+":"+it.raw+" is not known", hint)
}

// elsewhere is the term that a word is a value of.
func elsewhere(word string) string {
	switch _, status := statusClass(word); {
	case status, word == "error":
		return "status:" + word
	case slices.Contains(texts(traits), word):
		return "is:" + word
	case slices.Contains(texts(kinds), word), slices.Contains(texts(families), word):
		return "kind:" + word
	case slices.Contains(texts(steps), word):
		return "step:" + word
	case slices.Contains([]string{"get", "head", "post", "put", "delete", "options", "patch"}, word):
		return "method:" + word
	}
	return ""
}

// parseKind takes a kind, a family of them, or a pattern with *.
func parseKind(it item) (test, *Error) {
	word := it.text
	match := func(k string) bool { return k == word || familyOf(gomod.Kind(k)) == word }
	if strings.Contains(word, "*") {
		match = func(k string) bool { return glob(word, k) }
	}
	set := map[gomod.Kind]bool{}
	for _, k := range texts(kinds) {
		if match(k) {
			set[gomod.Kind(k)] = true
		}
	}
	if len(set) == 0 {
		return nil, unknown(it, slices.Concat(families, kinds))
	}
	return func(c *candidate) bool { return set[kindOf(c.Exchange)] }, nil
}

func parseStep(it item) (test, *Error) {
	if !slices.Contains(texts(steps), it.text) {
		return nil, unknown(it, steps)
	}
	return func(c *candidate) bool { return Step(c.Exchange) == it.text }, nil
}

// statusClass reads 404, 40x and 4xx as bounds.
func statusClass(s string) (b bounds, ok bool) {
	if len(s) != 3 || s[0] < '1' || s[0] > '9' {
		return b, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == 'x' && i > 0:
			b.low, b.high = b.low*10, b.high*10+9
		case c < '0' || c > '9' || i == 2 && s[1] == 'x':
			return b, false
		default:
			b.low, b.high = b.low*10+float64(c-'0'), b.high*10+float64(c-'0')
		}
	}
	return b, true
}

func parseStatus(it item) (test, *Error) {
	switch it.text {
	case "error":
		return func(c *candidate) bool { return c.Err != nil || c.Done && c.Status == 0 }, nil
	case "pending":
		return func(c *candidate) bool { return !c.Done }, nil
	}
	b, ok := statusClass(it.text)
	if !ok {
		if near := nearest(it.text, []string{"error", "pending"}); near != "" || elsewhere(it.text) != "" {
			return nil, unknown(it, statuses)
		}
		var err *Error
		if b, err = statusNumber.parse(it); err != nil {
			return nil, err
		}
		if low, high := b.low >= 100 && b.low < 1000, b.high >= 100 && b.high < 1000; !low && !high || b.low < 100 && b.low >= 0 {
			return nil, statusNumber.wrong(it)
		}
	}
	return func(c *candidate) bool { return c.Status > 0 && b.has(float64(c.Status)) }, nil
}

// durationTest makes the parser of a key for durations: of a phase, or time.
func durationTest(name string) func(item) (test, *Error) {
	return func(it item) (test, *Error) {
		b, err := durationNumber.parse(it)
		if err != nil {
			return nil, err
		}
		return func(c *candidate) bool {
			s, ok := c.span(name)
			return ok && b.has(float64(s))
		}, nil
	}
}

func parseSize(it item) (test, *Error) {
	n := sizeNumber
	n.exact = strings.Trim(it.text, "0123456789") == "" // so many bytes may be meant; 1.2MB is never met
	b, err := n.parse(it)
	if err != nil {
		return nil, err
	}
	return func(c *candidate) bool { return c.Response.BodySize >= 0 && b.has(float64(c.Response.BodySize)) }, nil
}

// countTest makes the parser of a key for numbers that have no unit.
func countTest(of func(*candidate) uint64) func(item) (test, *Error) {
	return func(it item) (test, *Error) {
		b, err := countNumber.parse(it)
		if err != nil {
			return nil, err
		}
		return func(c *candidate) bool { return b.has(float64(of(c))) }, nil
	}
}

// stringTest makes the parser of a key for text. at: the pattern has an @.
func stringTest(of func(c *candidate, at bool) string) func(item) (test, *Error) {
	return func(it item) (test, *Error) {
		match, err := pattern(it)
		if err != nil {
			return nil, err
		}
		at := strings.Contains(it.text, "@")
		return func(c *candidate) bool {
			s := of(c, at)
			return s != "" && match(lower(s))
		}, nil
	}
}

func parseRule(it item) (test, *Error) {
	match, err := pattern(it)
	if err != nil {
		return nil, err
	}
	return func(c *candidate) bool {
		return slices.ContainsFunc(c.Rules, func(r string) bool { return match(lower(r)) })
	}, nil
}

func parseText(it item) (test, *Error) {
	return func(c *candidate) bool { return c.hasText(it.text) }, nil
}

func parseMethod(it item) (test, *Error) {
	return func(c *candidate) bool { return lower(c.Method) == it.text }, nil
}

// protoNames are the short names of HTTP's versions.
var protoNames = map[string]string{"h1": "http/1.", "h2": "http/2", "h3": "http/3"}

func parseProto(it item) (test, *Error) {
	part := it.text
	if long := protoNames[part]; long != "" {
		part = long
	}
	return func(c *candidate) bool { return strings.Contains(lower(c.Proto), part) }, nil
}

func parseTrait(it item) (test, *Error) {
	switch it.text {
	case "failed":
		return func(c *candidate) bool { return c.Err != nil || c.Status >= 400 || c.Done && c.Status == 0 }, nil
	case "pending":
		return func(c *candidate) bool { return !c.Done }, nil
	case "reused":
		return func(c *candidate) bool { return c.Server.Reused }, nil
	case "first":
		return func(c *candidate) bool {
			return !c.Server.Reused && (c.Server.ConnectDone > 0 || c.Server.TLSDone > 0)
		}, nil
	case "doubled":
		return (*candidate).doubled, nil
	case "redirected":
		return func(c *candidate) bool { return slices.Contains([]int{301, 302, 303, 307, 308}, c.Status) }, nil
	case "redacted":
		return func(c *candidate) bool {
			return c.Request.Redacted || c.Response.Redacted || strings.Contains(c.URL, recorder.Redacted)
		}, nil
	case "kept":
		return func(c *candidate) bool { return c.Response.Kept || c.Response.Left || c.Response.BodyFile != "" }, nil
	case "slow-client":
		return (*candidate).slowClient, nil
	}
	return nil, unknown(it, traits)
}
