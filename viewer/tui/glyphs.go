package tui

import "strings"

// Glyphs are the characters that pictures are drawn with. Text has whatever was recorded.
type glyphs struct {
	phases          [phases]rune // of a bar, one for each phase
	left, right     rune         // half a cell of a body being received; 0: there are none
	flying, failed  rune         // the end of a bar that grows, and of one that failed
	levels          []rune       // heights of a picture of one line, none first
	idle            rune         // a time without any request
	point, evidence rune         // in front of a row
	path            rune
	folded, open    rune
	line, tick      rune
	ascii           bool
}

// unicodeGlyphs need a font with block elements.
var unicodeGlyphs = glyphs{
	phases: [phases]rune{queue: '·', delay: 'r', proxy: 'p', dns: 'd', connect: 'c', tls: 't', send: 's', wait: '─', receive: '█', child: '░', pending: '~'},
	left:   '▌', right: '▐', flying: '►', failed: '×',
	levels: []rune(" ▁▂▃▄▅▆▇█"), idle: '·', point: '►', evidence: '◄', path: '│',
	folded: '+', open: '-', line: '─', tick: '│',
}

// oldGlyphs are in every font of a Windows console and in the font of the Linux console.
var oldGlyphs = func() glyphs {
	g := unicodeGlyphs
	g.levels = []rune(" ░▒▓█")
	return g
}()

// asciiGlyphs are for a terminal that knows no other.
var asciiGlyphs = glyphs{
	phases: [phases]rune{queue: '.', delay: 'r', proxy: 'p', dns: 'd', connect: 'c', tls: 't', send: 's', wait: '-', receive: '#', child: '%', pending: '~'},
	flying: '>', failed: 'x', levels: []rune(" .:-=+*#"), idle: '_', point: '>', evidence: '<', path: '|',
	folded: '+', open: '-', line: '-', tick: '|', ascii: true,
}

// pickGlyphs chooses by the environment: old consoles have few characters, and a locale
// without UTF-8 has none.
func pickGlyphs(env func(string) string, goos string, ascii bool) *glyphs {
	if ascii || env("TERM") == "dumb" {
		return &asciiGlyphs
	}
	if goos == "windows" {
		// Windows Terminal, ConEmu and the terminals of editors have better fonts than conhost.
		if env("WT_SESSION") == "" && env("TERM_PROGRAM") == "" && env("ConEmuPID") == "" && env("TERM") == "" {
			return &oldGlyphs
		}
		return &unicodeGlyphs
	}
	locale := env("LC_ALL")
	if locale == "" {
		locale = env("LC_CTYPE")
	}
	if locale == "" {
		locale = env("LANG")
	}
	// An empty locale is C on paper, and in containers and over ssh mostly a terminal with
	// UTF-8 all the same.
	if l := strings.ToLower(locale); l != "" && !strings.Contains(l, "utf-8") && !strings.Contains(l, "utf8") {
		return &asciiGlyphs
	}
	if env("TERM") == "linux" {
		return &oldGlyphs
	}
	return &unicodeGlyphs
}
