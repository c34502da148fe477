package diagnose

import (
	"regexp"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/shell"
)

// The functions below write commands for the user's shell.

// shell is the user's shell.
func (a *Analysis) shell() shell.Shell {
	switch {
	case a.In.Shell != "":
		return shell.Shell(a.In.Shell)
	case a.Env.Shell != "":
		return shell.Shell(a.Env.Shell)
	case a.goos() == "windows":
		return shell.PowerShell
	}
	return shell.Sh
}

// quote quotes one word for the user's shell.
func (a *Analysis) quote(word string) string { return a.shell().Quote(word) }

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
	case shell.Cmd:
		return shell.SetInCmd(name, value) + " && " + command
	case shell.PowerShell:
		return "$env:" + name + "=" + shell.PowerShell.Literal(value) + "; " + command
	case shell.Fish:
		return "env " + name + "=" + a.quote(value) + " " + command
	}
	return name + "=" + a.quote(value) + " " + command
}

// setVar sets a variable for everything that the window starts from then on.
func (a *Analysis) setVar(name, value string) string {
	switch a.shell() {
	case shell.Cmd:
		return shell.SetInCmd(name, value)
	case shell.PowerShell:
		return "$env:" + name + "=" + shell.PowerShell.Literal(value)
	case shell.Fish:
		return "set -gx " + name + " " + a.quote(value)
	}
	return "export " + name + "=" + a.quote(value)
}

// oneRun matches the variables that with sets where they stay set: what follows one is a
// command, or another.
var oneRun = map[shell.Shell]*regexp.Regexp{
	shell.Cmd:        regexp.MustCompile(`^set \^?"(\w+)=.*?" && `),
	shell.PowerShell: regexp.MustCompile(`^\$env:(\w+)='(?:[^']|'')*'; `),
}

// finish takes out of a finding the command that nobody can run again, and has its remedy say
// what there is to say of the variables that its commands set.
func (a *Analysis) finish(f *recorder.Finding) {
	f.Commands = slices.DeleteFunc(f.Commands, func(c string) bool { return c == unknownCommand })
	if why := a.variables(f.Commands); why != "" {
		f.Remedy = joined(f.Remedy, why)
	}
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
		if a.shell() == shell.Cmd {
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
	case shell.Cmd:
		return `set "` + name + `="`
	case shell.PowerShell:
		return "Remove-Item Env:" + name
	case shell.Fish:
		return "set -e " + name
	}
	return "unset " + name
}

// repeat runs the command until it succeeds, three times at most.
func (a *Analysis) repeat(command string) string {
	switch a.shell() {
	case shell.Cmd:
		return strings.Join([]string{command, command, command}, " || ")
	case shell.PowerShell:
		return "foreach ($i in 1..3) { " + command + "; if ($LASTEXITCODE -eq 0) { break }; Start-Sleep 15 }"
	case shell.Fish:
		return "for i in 1 2 3; " + command + "; and break; sleep 15; end"
	}
	return "for i in 1 2 3; do " + command + " && break; sleep 15; done"
}

// unknownCommand stands for a command that cannot be written.
const unknownCommand = "COMMAND"

// command is the command that was recorded, for the user's shell; "go mod download" when
// it is not known, and COMMAND when it had a secret, which is not there any more.
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
			if strings.Contains(w, recorder.Redacted) {
				return unknownCommand
			}
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
