package reverse

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// Credentials are what GOAUTH gives the go command for https URLs. The zero value has none.
type Credentials struct {
	byPrefix map[string]string // host, or host and path, to the Authorization header
}

// NewCredentials reads GOAUTH ("": netrc, its default) and the content of the netrc file.
// skipped are the commands in it that would have to be run to know their credentials; they
// are not.
func NewCredentials(goauth, netrc string) (c Credentials, skipped []string) {
	if strings.TrimSpace(goauth) == "" {
		goauth = "netrc"
	}
	for command := range strings.SplitSeq(goauth, ";") {
		words := strings.Fields(command)
		switch {
		case len(words) == 0, words[0] == "off":
		case words[0] == "netrc":
			c = parseNetrc(netrc)
		default:
			skipped = append(skipped, words[0])
		}
	}
	return c, skipped
}

// parseNetrc reads a file as cmd/go/internal/auth/netrc.go does, its oddities included: of
// two entries for one machine the first counts.
func parseNetrc(data string) Credentials {
	c := Credentials{byPrefix: map[string]string{}}
	var machine, login, password string
	inMacro := false
	for line := range strings.SplitSeq(data, "\n") {
		if inMacro {
			inMacro = line != ""
			continue
		}
		f := strings.Fields(line)
		i := 0
		for ; i < len(f)-1; i += 2 {
			switch f[i] {
			case "machine":
				machine, login, password = f[i+1], "", ""
			case "login":
				login = f[i+1]
			case "password":
				password = f[i+1]
			case "macdef":
				inMacro = true
			}
			if machine != "" && login != "" && password != "" {
				prefix := strings.TrimSuffix(strings.TrimPrefix(machine, "https://"), "/")
				if _, ok := c.byPrefix[prefix]; !ok {
					c.byPrefix[prefix] = basic(login, password)
				}
				machine, login, password = "", "", ""
			}
		}
		if i < len(f) && f[i] == "default" {
			break // the last entry, for hosts without one: the go command has no use for it
		}
	}
	return c
}

// authorization returns the credentials of the longest prefix of u (auth.go, loadCredential).
func (c Credentials) authorization(u *url.URL) string {
	prefix := strings.TrimSuffix(strings.TrimPrefix(u.String(), "https://"), "/")
	for {
		if a, ok := c.byPrefix[prefix]; ok {
			return a
		}
		slash := strings.LastIndexByte(prefix, '/')
		if slash < 0 {
			return ""
		}
		prefix = prefix[:slash]
	}
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
