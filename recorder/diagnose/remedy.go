package diagnose

import (
	"net/url"
	"slices"
	"strings"

	"modtap/recorder"
)

// The functions below write commands for the user's shell (Environ.Shell).

// shell is the user's shell: sh, fish, powershell or cmd.
func (a *Analysis) shell() string {
	switch {
	case a.Env.Shell != "":
		return a.Env.Shell
	case a.goos() == "windows":
		return "powershell"
	}
	return "sh"
}

// quote quotes one word for the user's shell.
func (a *Analysis) quote(word string) string {
	shell := a.shell()
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plainIn(shell, r) }) {
		return word
	}
	switch shell {
	case "cmd":
		return quoteCmd(word)
	case "powershell":
		return "'" + strings.ReplaceAll(word, "'", "''") + "'"
	case "fish": // the backslash escapes itself and the quote between single quotes
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(word) + "'"
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plainIn reports whether a shell takes r as it is, wherever it stands in a word.
func plainIn(shell string, r rune) bool {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+=:./_-", r) {
		return true
	}
	switch shell {
	case "cmd": // % is a variable, and what is between , is for programs to split
		return strings.ContainsRune(`@*\`, r)
	case "powershell": // , makes a list, @ splats
		return r == '\\'
	}
	return strings.ContainsRune("@%,", r)
}

// quoteCmd quotes for cmd and for the rules by which Windows programs split their line:
// a quote is escaped, and so are the backslashes before one.
func quoteCmd(word string) string {
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range word {
		switch r {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}

// goEnvW is `go env -w NAME=VALUE`, which lasts. Where the setting is an environment
// variable, which goes before what go env -w writes, it sets that.
func (a *Analysis) goEnvW(name, value string) string {
	if slices.Contains(a.Env.FromEnv, name) {
		return a.setVar(name, value)
	}
	return "go env -w " + a.quote(name+"="+value)
}

// with is one run of command with a variable set. In cmd and PowerShell the variable
// stays set in that window.
func (a *Analysis) with(name, value, command string) string {
	switch a.shell() {
	case "cmd":
		return `set "` + name + "=" + value + `" && ` + command
	case "powershell":
		return "$env:" + name + "=" + quoteAlways(value) + "; " + command
	case "fish":
		return "env " + name + "=" + a.quote(value) + " " + command
	}
	return name + "=" + a.quote(value) + " " + command
}

// setVar sets a variable for everything that the window starts from then on.
func (a *Analysis) setVar(name, value string) string {
	switch a.shell() {
	case "cmd":
		return `set "` + name + "=" + value + `"`
	case "powershell":
		return "$env:" + name + "=" + quoteAlways(value)
	case "fish":
		return "set -gx " + name + " " + a.quote(value)
	}
	return "export " + name + "=" + a.quote(value)
}

// variables says of the settings that commands set as variables why they do; "" when none
// does.
func (a *Analysis) variables(commands []string) string {
	var names []string
	for _, name := range a.Env.FromEnv {
		set := strings.TrimSuffix(a.setVar(name, ""), "''")
		if a.shell() == "cmd" {
			set = strings.TrimSuffix(set, `"`)
		}
		if slices.ContainsFunc(commands, func(c string) bool { return strings.HasPrefix(c, set) || c == a.unsetVar(name) }) {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " is an environment variable here, which goes before what go env -w sets: for good, change it where it is set."
	}
	return strings.Join(names, " and ") + " are environment variables here, which go before what go env -w sets: for good, change them where they are set."
}

// unsetVar undoes setVar.
func (a *Analysis) unsetVar(name string) string {
	switch a.shell() {
	case "cmd":
		return `set "` + name + `="`
	case "powershell":
		return "Remove-Item Env:" + name
	case "fish":
		return "set -e " + name
	}
	return "unset " + name
}

// quoteAlways is a PowerShell string: what stands right of = must be one.
func quoteAlways(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// repeat runs the command until it succeeds, three times at most.
func (a *Analysis) repeat(command string) string {
	switch a.shell() {
	case "cmd":
		return strings.Join([]string{command, command, command}, " || ")
	case "powershell":
		return "foreach ($i in 1..3) { " + command + "; if ($LASTEXITCODE -eq 0) { break }; Start-Sleep 15 }"
	case "fish":
		return "for i in 1 2 3; " + command + "; and break; sleep 15; end"
	}
	return "for i in 1 2 3; do " + command + " && break; sleep 15; done"
}

// command is the command that was recorded, for the user's shell; "go mod download" when
// it is not known.
func (a *Analysis) command() string {
	if s := a.In.Session; s != nil && len(s.Argv) > 0 {
		words := make([]string, len(s.Argv))
		for i, w := range s.Argv {
			words[i] = a.quote(w)
		}
		return strings.Join(words, " ")
	}
	return "go mod download"
}

// modtapRun is the recorded command under modtap again, with flags that are plain words.
func (a *Analysis) modtapRun(flags string) string {
	return "modtap run " + flags + " -- " + a.command()
}

// withGodebug is the command with one more GODEBUG setting than the user has.
func (a *Analysis) withGodebug(setting, command string) string {
	if old := a.Setting("GODEBUG"); old != "" {
		setting = old + "," + setting
	}
	return a.with("GODEBUG", setting, command)
}

// A goproxyEntry is one element of the GOPROXY list, with what stands after it.
type goproxyEntry struct{ name, sep string }

// host is that of the entry; "" for direct and off.
func (e goproxyEntry) host() string {
	name := e.name
	if name == "direct" || name == "off" || name == "noproxy" {
		return ""
	}
	if !strings.Contains(name, "://") {
		name = "https://" + name
	}
	return netHost(name)
}

// goproxyList takes the user's GOPROXY apart. It is nil when GOPROXY is not known, or has
// a secret that was taken out: no command can be made of it then.
func (a *Analysis) goproxyList() []goproxyEntry {
	list := strings.TrimSpace(a.Setting("GOPROXY"))
	if list == "" || hidesSecret(list) {
		return nil
	}
	var out []goproxyEntry
	for list != "" {
		i := strings.IndexAny(list, ",|")
		if i < 0 {
			out = append(out, goproxyEntry{name: strings.TrimSpace(list)})
			break
		}
		out = append(out, goproxyEntry{strings.TrimSpace(list[:i]), list[i : i+1]})
		list = list[i+1:]
	}
	return out
}

// hidesSecret reports whether a list has userinfo: what was recorded of it is redacted.
func hidesSecret(list string) bool {
	if strings.Contains(list, recorder.Redacted) {
		return true
	}
	for _, e := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '|' }) {
		if u, err := url.Parse(e); err != nil || u.User != nil {
			return true
		}
	}
	return false
}

func joinGoproxy(list []goproxyEntry) string {
	var b strings.Builder
	for _, e := range list {
		b.WriteString(e.name + e.sep)
	}
	return b.String()
}

// hasEntry reports whether host is that of an entry of GOPROXY.
func (a *Analysis) hasEntry(host string) bool {
	for _, e := range a.goproxyList() {
		if e.host() == host && host != "" {
			return true
		}
	}
	return false
}

// goproxyOn is the user's GOPROXY with "|" after the entry of host, so that go asks the
// next one after any error; "" when there is no next one, or it is so already.
func (a *Analysis) goproxyOn(host string) string {
	list := a.goproxyList()
	changed := false
	for i, e := range list {
		if e.host() == host && e.sep == "," {
			list[i].sep, changed = "|", true
		}
	}
	if !changed {
		return ""
	}
	return joinGoproxy(list)
}

// goproxyMirror is the user's GOPROXY with a mirror before the entry of host; "" when host
// is no entry of it, or no mirror is known that is not in it.
func (a *Analysis) goproxyMirror(host string) string {
	if host == "storage.googleapis.com" {
		host = "proxy.golang.org" // whose zips lie there
	}
	list := a.goproxyList()
	mirror := ""
	for _, m := range []string{"https://proxy.golang.org", "https://goproxy.cn", "https://goproxy.io"} {
		if !a.hasEntry(netHost(m)) {
			mirror = m
			break
		}
	}
	if mirror == "" {
		return ""
	}
	for i, e := range list {
		if e.host() == host && host != "" {
			out := append([]goproxyEntry{}, list[:i]...)
			out = append(out, goproxyEntry{mirror, "|"})
			return joinGoproxy(append(out, list[i:]...))
		}
	}
	return ""
}

// around are the commands that lead around a host: the next entry after any error, or a
// mirror before it; for the checksum database, its other name. None: there is no way.
func (a *Analysis) around(host string) []string {
	if host == "sum.golang.org" {
		return []string{a.goEnvW("GOSUMDB", "sum.golang.google.cn")}
	}
	if list := a.goproxyMirror(host); list != "" {
		return []string{a.goEnvW("GOPROXY", list)}
	}
	return nil
}
