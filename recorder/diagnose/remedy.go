package diagnose

import (
	"regexp"
	"slices"
	"strings"
)

// The functions below write commands for the user's shell (Environ.Shell). Their twins for
// what modtap itself prints are in cmd/internal/child (word.go, quote.go), which this package
// may not import: what is mended here must be mended there.

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
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plainIn(shell, r) }) && !splitIn(shell, word) {
		return word
	}
	switch shell {
	case "cmd":
		return quoteCmd(word)
	case "powershell":
		return quoteAlways(word)
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

// splitIn reports whether a shell makes two words of one that is plain: what begins with a
// dash is a parameter to PowerShell, which ends it at a dot or a colon (golang/go#47743).
func splitIn(shell, word string) bool {
	return shell == "powershell" && strings.HasPrefix(word, "-") && strings.ContainsAny(word, ".:")
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
// stays set in that window, which variables tells.
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

// oneRun matches the variables that with sets where they stay set: what follows one is a
// command, or another.
var oneRun = map[string]*regexp.Regexp{
	"cmd":        regexp.MustCompile(`^set "(\w+)=.*?" && `),
	"powershell": regexp.MustCompile(`^\$env:(\w+)='(?:[^']|'')*'; `),
}

// leftSet are the variables that a command made by with leaves set.
func (a *Analysis) leftSet(command string) (names []string) {
	re := oneRun[a.shell()]
	if re == nil {
		return nil
	}
	for m := re.FindStringSubmatch(command); m != nil; m = re.FindStringSubmatch(command) {
		names, command = append(names, m[1]), command[len(m[0]):]
	}
	return names
}

// variables says of the settings that commands set as variables why they do, and what stays
// set after a run with one; "" when none does.
func (a *Analysis) variables(commands []string) string {
	var left, lasting []string
	for _, c := range commands {
		one := a.leftSet(c)
		for _, name := range one {
			if !slices.Contains(left, name) {
				left = append(left, name)
			}
		}
		if len(one) == 0 {
			lasting = append(lasting, c)
		}
	}
	why := a.whyVariables(lasting)
	switch len(left) {
	case 0:
		return why
	case 1:
		return joined(why, left[0]+" stays set in the window where its command runs: go on in a new one afterwards.")
	}
	return joined(why, strings.Join(left, " and ")+" stay set in the window where their command runs: go on in a new one afterwards.")
}

// whyVariables says of the settings that commands set for good as variables why they do.
func (a *Analysis) whyVariables(commands []string) string {
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

// quoteAlways is a PowerShell string: what stands right of = must be one. PowerShell takes
// typographic quotes for the quote as well.
func quoteAlways(value string) string {
	return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(value) + "'"
}

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
	words := a.words()
	if a.shell() == "powershell" && strings.HasPrefix(words, "'") {
		return "& " + words // else a string that PowerShell prints
	}
	return words
}

// words are those of the command, as another command takes them.
func (a *Analysis) words() string {
	if s := a.In.Session; s != nil && len(s.Argv) > 0 {
		words := make([]string, len(s.Argv))
		for i, w := range s.Argv {
			words[i] = a.quote(w)
		}
		return strings.Join(words, " ")
	}
	return "go mod download"
}

// modtapRun is the recorded command under modtap again, with flags as the shell takes them.
func (a *Analysis) modtapRun(flags string) string {
	if flags != "" {
		flags += " "
	}
	return "modtap run " + flags + "-- " + a.words()
}

// withGodebug is the command with one more GODEBUG setting than the user has.
func (a *Analysis) withGodebug(setting, command string) string {
	if old := a.Setting("GODEBUG"); old != "" {
		setting = old + "," + setting
	}
	return a.with("GODEBUG", setting, command)
}
