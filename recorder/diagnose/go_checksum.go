package diagnose

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// checksumMismatch: a go.mod is not the one that the checksum database has the hash of.
// Of a .zip only the go command knows, as its bytes are not kept.
func checksumMismatch(v *goView) *recorder.Finding {
	hashes := map[gomod.Request]string{} // by Mod's request
	lookups := map[gomod.Request]uint64{}
	for i := range v.Calls {
		c := &v.Calls[i]
		if c.First().Go.Kind != gomod.SumdbLookup || !got(c) {
			continue
		}
		g := c.First().Go
		at := gomod.Request{Kind: gomod.Mod, Module: g.Module, Version: g.Version}
		if h := recordedHash(text(c.Last()), g.Module, g.Version); h != "" {
			hashes[at], lookups[at] = h, c.Last().ID
		}
	}
	var f *recorder.Finding
	files := 0
	for i := range v.Calls {
		c := &v.Calls[i]
		if c.First().Go.Kind != gomod.Mod || !got(c) {
			continue
		}
		want, ok := hashes[wantedOf(c)]
		have := modHash(c.Last())
		if !ok || have == "" || have == want {
			continue
		}
		if f == nil {
			f = &recorder.Finding{Severity: recorder.Bad}
			f.Title = fmt.Sprintf("%s sent a go.mod of %s@%s that the checksum database contradicts", host(c), c.First().Go.Module, c.First().Go.Version)
			f.Caveat = "The hash is " + have + "; the database has " + want + "."
			v.remedyMismatch(f, c)
		}
		files++
		f.Evidence = append(f.Evidence, c.Last().ID, lookups[wantedOf(c)])
	}
	if f != nil {
		f.Numbers = []recorder.Number{countNumber("files whose hash is another", files, 0)}
	}
	return f
}

// recordedHash is the hash of the go.mod in the answer to a lookup; "" if it is not there.
func recordedHash(answer, module, version string) string {
	for line := range strings.Lines(answer) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == module && f[1] == version+"/go.mod" && strings.HasPrefix(f[2], "h1:") {
			return f[2]
		}
	}
	return ""
}

// modHash is the hash of a go.mod as go.sum has it; "" when its bytes are not wholly known.
func modHash(x *recorder.Exchange) string {
	m := &x.Response
	if !m.Kept || m.Redacted || m.Body == nil {
		return ""
	}
	body := []byte(text(x))
	if m.Encoding != "" && len(body) == 0 {
		return ""
	}
	h, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
	if err != nil {
		return ""
	}
	return h
}

func (v *goView) remedyMismatch(f *recorder.Finding, c *Call) {
	f.Remedy = "Do not use what that server sent, and do not turn the database off. Clear the module cache and fetch from another proxy."
	list := v.withoutEntries(func(i int, e Entry) bool { return i == c.Entry || e.URL != nil && e.URL.Host == c.URL.Host })
	command := v.command()
	bare := list == "" || list == "direct" || list == "off"
	if own := c.Entry >= 0 && c.Entry < len(v.Entries) && v.Entries[c.Entry].isOwn(); bare || own {
		// Of all that the command fetches the database knows this module, so it is public.
		g := &c.First().Go
		command = "go mod download " + v.quote(g.Module+"@"+g.Version)
	}
	if bare {
		list = defaultGOPROXY
	}
	if host(c) == "proxy.golang.org" && strings.Contains(list, "proxy.golang.org") {
		list = "direct"
	}
	f.Commands = append(f.Commands, "go clean -modcache", v.with("GOPROXY", list, command))
}
