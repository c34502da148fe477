package recorder

import (
	"bytes"
	"strings"
)

// maxNesting is how many URLs within parameters of URLs are taken apart; what is nested
// deeper is hidden whole if it could hold a secret.
const maxNesting = 3

// A cut is a secret's place in a word.
type cut struct{ from, to int }

// redactWord replaces the secrets of a URL, or of a word that may be or hold one.
func redactWord(w string, depth int) string {
	cuts, path := cutUserinfo(w)
	cuts = cutPathParams(cuts, w, path)
	cuts = cutParams(cuts, w, path, depth)
	found := make([]hiding, len(cuts))
	for i, c := range cuts {
		found[i] = hiding{c, Redacted}
	}
	return replaceAll(w, found)
}

// cutUserinfo finds the userinfo of every authority before end, where parameters start:
// one URL has one, a GOPROXY list has several, of which some have no scheme. A userinfo
// may have a ? or # in it, where parameters do not start.
func cutUserinfo(w string) (cuts []cut, end int) {
	end = indexAny(w, 0, "?#")
	at, loose := 0, true
	authority := func(start int) {
		cuts, at, loose = cutAuthority(cuts, w, start, end, loose)
		if at > start && w[at-1] == ':' && strings.HasPrefix(w[at:], "//") {
			at-- // the authority is the next one's scheme
		}
		if at > end {
			end = indexAny(w, at, "?#")
		}
	}
	if strings.HasPrefix(w, "//") { // a Location without a scheme
		authority(2)
	}
	for at <= end {
		scheme := strings.Index(w[at:end], "://")
		until := end
		if scheme >= 0 {
			until = at + scheme
		}
		// What lies between is the path of the authority before, and entries without a scheme.
		for entry := at; entry < until; {
			next := indexAny(w[:until], entry, ",|")
			if entry == 0 || w[entry-1] == ',' || w[entry-1] == '|' {
				cuts = appendCut(cuts, w, entry, entry+bareUserinfo(w[entry:next]))
			}
			entry = next + 1
		}
		if scheme < 0 {
			break
		}
		authority(until + len("://"))
	}
	return cuts, end
}

// cutAuthority finds the userinfo of the authority that starts at start, and returns
// where the path begins. loose is false once it is known that nothing in the rest of w
// can end a userinfo that is not where it belongs, so that it is not looked for again.
func cutAuthority(cuts []cut, w string, start, end int, loose bool) (_ []cut, stop int, _ bool) {
	stop = indexAny(w[:end], start, "/")
	authority := w[start:stop]
	at := strings.LastIndexByte(authority, '@')
	if at > 0 {
		return appendCut(cuts, w, start, start+at), stop, loose
	}
	if at == 0 || hasPort(authority) || !loose {
		return cuts, stop, loose
	}
	// A password with an unescaped / ? or # in it: net/url refuses it and quotes it in its
	// error, so it turns up in texts.
	for i := stop; i < len(w); i++ {
		if w[i] != '@' || w[i-1] == '/' && (strings.HasPrefix(w[i:], "@v/") || strings.HasPrefix(w[i:], "@latest")) {
			continue // the GOPROXY protocol's own @
		}
		stop = i + strings.LastIndexByte(w[i:indexAny(w, i, "/?#")], '@')
		return append(cuts, cut{start, stop}), stop, true
	}
	return cuts, stop, false
}

// hasPort reports whether an authority without userinfo is a host, or a host and a port.
func hasPort(authority string) bool {
	colon := strings.LastIndexByte(authority, ':')
	return colon < strings.LastIndexByte(authority, ']') || colon < 0 || isPort(authority[colon+1:])
}

// bareUserinfo returns the length of user:password in user:password@host, or 0. The colon
// tells it from git@host and module@version, a backslash from a Windows path.
func bareUserinfo(s string) int {
	if i := strings.IndexByte(s, '/'); i >= 0 {
		s = s[:i]
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 {
		return 0
	}
	colon := strings.IndexByte(s[:at], ':')
	if colon < 0 || strings.Contains(s[colon:at], `\`) {
		return 0
	}
	return at
}

// cutPathParams finds key=value in the path, as servlet containers write it
// (/path;jsessionid=…), and in words that are no URL at all, whose secret has no known
// end. These must be secrets by name: nothing says that they are parameters.
func cutPathParams(cuts []cut, w string, end int) []cut {
	url := 0 // from where on w is a URL
	if !strings.HasPrefix(w, "/") {
		if url = strings.Index(w[:end], "://"); url < 0 {
			url = end
		}
	}
	for at := 0; at < end; {
		eq := strings.IndexByte(w[at:end], '=')
		if eq < 0 {
			break
		}
		eq += at
		key := w[at:eq]
		key = key[strings.LastIndexAny(key, "/;&")+1:]
		at = eq + 1
		if !secretName(key, false) {
			continue
		}
		stop := len(w)
		if eq > url {
			stop = indexAny(w[:end], at, "/;&")
		}
		cuts = appendCut(cuts, w, at, stop)
		at = stop
	}
	return cuts
}

// cutParams finds the values of token-like parameters in the query and the fragment,
// which start at start. A semicolon or another ? separates parameters for some servers
// and belongs to the value for others, so a secret is taken to reach over it.
func cutParams(cuts []cut, w string, start, depth int) []cut {
	hard := "&#"
	for at := start; at < len(w); {
		if w[at] == '#' {
			hard = "&" // nothing ends a fragment
		}
		at++
		stop := indexAny(w, at, "&;?#")
		eq := strings.IndexByte(w[at:stop], '=')
		switch {
		case eq >= 0 && secretName(w[at:at+eq], true):
			stop = indexAny(w, at, hard)
			cuts = appendCut(cuts, w, at+eq+1, stop)
		case !hidesSecret(w[at:stop], depth):
		case eq >= 0 && !hidesSecret(w[at:at+eq], depth):
			cuts = appendCut(cuts, w, at+eq+1, stop)
		default:
			cuts = appendCut(cuts, w, at, stop)
		}
		at = stop
	}
	return cuts
}

// hidesSecret reports whether a parameter that is no secret by name holds one: a URL with
// credentials, perhaps percent-encoded.
func hidesSecret(param string, depth int) bool {
	if !strings.ContainsAny(param, "%@:=") {
		return false
	}
	plain := unescape(param)
	if depth == maxNesting {
		return plain != param || strings.Contains(plain, "@")
	}
	return redactWord(plain, depth+1) != plain || plain != param && hidesSecret(plain, depth+1)
}

// appendCut adds a cut unless there is nothing to hide.
func appendCut(cuts []cut, w string, from, to int) []cut {
	if from >= to || strings.Trim(w[from:to], "'") == Redacted {
		return cuts
	}
	return append(cuts, cut{from, to})
}

// indexAny returns where at or after from one of chars is in s, or len(s).
func indexAny(s string, from int, chars string) int {
	if i := strings.IndexAny(s[from:], chars); i >= 0 {
		return from + i
	}
	return len(s)
}

// unescape undoes percent-encoding wherever it is well-formed, as lenient servers do.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, ok1 := hexDigit(s[i+1])
			lo, ok2 := hexDigit(s[i+2])
			if ok1 && ok2 {
				b = append(b, hi<<4|lo)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func hexDigit(b byte) (byte, bool) {
	switch {
	case '0' <= b && b <= '9':
		return b - '0', true
	case 'a' <= b|0x20 && b|0x20 <= 'f':
		return b | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// secretEndings are how names of secrets end, in URLs, headers and texts alike. Names are
// compared without case and punctuation: X-Amz-Signature ends with signature.
var secretEndings = [...]string{
	"token", "signature", "secret", "password", "passwd", "passphrase", "pwd",
	"credential", "credentials", "apikey", "accesskey", "accesskeyid", "accessid", "secretkey",
	"privatekey", "accountkey", "storagekey", "encryptionkey", "authkey", "sessionid", "sessid", "jwt", "authorization", "clientassertion",
}

// secretName reports whether the value of a parameter must be hidden. param says that it
// surely is a parameter: then short names count too, as the sig of an Azure SAS (and its
// sv and se), the key of a Google API, the code of OAuth.
func secretName(name string, param bool) bool {
	var buf [64]byte
	b := squash(&buf, name)
	for _, end := range secretEndings {
		if bytes.HasSuffix(b, []byte(end)) {
			return true
		}
	}
	switch string(b) {
	case "sig", "samlresponse", "keypairid", "hdnts", "hdnea":
		return true
	case "key", "auth", "code", "pass", "pw", "policy", "sv", "se", "sign", "ak", "sk", "qak", "sid", "ticket", "otp", "assertion":
		return param
	}
	return false
}

// secretHeader reports whether a header's whole value is a secret.
func secretHeader(name string) bool {
	var buf [64]byte
	b := squash(&buf, name)
	if bytes.HasPrefix(b, []byte("accesscontrol")) {
		return false // Access-Control-Allow-Credentials: true
	}
	for _, part := range [...]string{"token", "secret", "password", "apikey", "credential", "authorization", "signature", "sessionid", "jwt"} {
		if bytes.Contains(b, []byte(part)) {
			return true
		}
	}
	for _, end := range [...]string{"accesskey", "authkey", "subscriptionkey", "functionskey", "encryptionkey", "customerkey", "privatekey", "artapi"} {
		if bytes.HasSuffix(b, []byte(end)) {
			return true
		}
	}
	return bytes.HasPrefix(b, []byte("xauth")) && !bytes.HasPrefix(b, []byte("xauthor"))
}

// squash writes the letters and digits of a decoded name to the end of buf, in lower
// case; of a longer name the end counts.
func squash(buf *[64]byte, name string) []byte {
	name = unescape(name)
	at := len(buf)
	for i := len(name) - 1; i >= 0 && at > 0; i-- {
		b := name[i]
		if isLetter(b) {
			b |= 0x20
		} else if b < '0' || b > '9' {
			continue
		}
		at--
		buf[at] = b
	}
	return buf[at:]
}
