package child

import (
	"fmt"
	"strings"
)

// A Shell is a language that changes of the environment can be written in.
type Shell string

// The shells that Script knows. Sh is also bash, zsh, dash and ksh.
const (
	Sh         Shell = "sh"
	Fish       Shell = "fish"
	PowerShell Shell = "powershell"
	Cmd        Shell = "cmd"
)

// Shells lists what ParseShell takes.
var Shells = []Shell{Sh, Fish, PowerShell, Cmd}

// ParseShell returns the Shell of that name; bash, zsh, dash and ksh are Sh, pwsh is
// PowerShell.
func ParseShell(name string) (Shell, error) {
	switch name {
	case "sh", "bash", "zsh", "dash", "ksh":
		return Sh, nil
	case "fish":
		return Fish, nil
	case "powershell", "pwsh":
		return PowerShell, nil
	case "cmd", "cmd.exe":
		return Cmd, nil
	}
	return "", fmt.Errorf("unknown shell %q: it must be sh, fish, powershell or cmd", name)
}

// defaultShell guesses the shell that modtap was called from.
func defaultShell(getenv func(string) string, goos string) Shell {
	if goos == "windows" {
		switch {
		case getenv("SHELL") != "": // Git Bash, MSYS2
			return Sh
		case strings.Count(getenv("PSModulePath"), ";") >= 2: // cmd has the machine's two folders, PowerShell adds the user's
			return PowerShell
		}
		return Cmd
	}
	if strings.HasSuffix(getenv("SHELL"), "/fish") {
		return Fish
	}
	return Sh
}

// UserShell is the shell that this program was started from: the one that is its parent,
// or else, where a script or another program is, the one that the environment speaks for.
// (SHELL is the one that users log in with; many start another by hand.)
func UserShell(getenv func(string) string, goos string) Shell {
	return userShell(parentName(), getenv, goos)
}

func userShell(parent string, getenv func(string) string, goos string) Shell {
	if s, err := ParseShell(parent); err == nil && parent != "sh" { // sh: a script's
		return s
	}
	return defaultShell(getenv, goos)
}

// Script writes changes as statements that the shell can evaluate, one per line.
func (s Shell) Script(changes []Change) (string, error) {
	var b strings.Builder
	for _, c := range changes {
		line, err := s.statement(c)
		if err != nil {
			return "", err
		}
		b.WriteString(line + "\n")
	}
	return b.String(), nil
}

// Eval is the command line that applies the output of the command line cmd.
func (s Shell) Eval(cmd string) string {
	switch s {
	case Fish:
		return cmd + " | source"
	case PowerShell:
		return cmd + " | Out-String | Invoke-Expression"
	case Cmd:
		return "for /f \"delims=\" %i in ('" + cmd + "') do @%i"
	}
	return `eval "$(` + cmd + `)"`
}

// Comment writes text as a comment line.
func (s Shell) Comment(text string) string {
	if s == Cmd {
		return "rem " + text
	}
	return "# " + text
}

func (s Shell) statement(c Change) (string, error) {
	switch {
	case s == Fish && c.Unset:
		return "set -e " + c.Name, nil
	case s == Fish && c.Of != "":
		return "set -gx " + c.Name + ` "$` + c.Of + `"`, nil
	case s == Fish:
		return "set -gx " + c.Name + " " + quoteFish(c.Value), nil
	case s == PowerShell && c.Unset:
		return "Remove-Item -ErrorAction SilentlyContinue " + quotePowerShell("Env:"+c.Name), nil
	case s == PowerShell && c.Of != "":
		return "${env:" + c.Name + "} = ${env:" + c.Of + "}", nil
	case s == PowerShell:
		return "${env:" + c.Name + "} = " + quotePowerShell(c.Value), nil
	case s == Cmd && c.Unset:
		return `set "` + c.Name + `="`, nil
	case s == Cmd:
		if strings.ContainsAny(c.Value, "\r\n") {
			return "", fmt.Errorf("write %s for cmd: its value has a line break", c.Name)
		}
		// The last quote ends the value, whatever is inside; in "for" percent signs stay, which
		// is why c.Of is of no use.
		return `set "` + c.Name + `=` + c.Value + `"`, nil
	case c.Unset:
		return "unset " + c.Name, nil
	case c.Of != "":
		return "export " + c.Name + `="$` + c.Of + `"`, nil
	}
	return "export " + c.Name + "=" + quoteSh(c.Value), nil
}

func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// quotePowerShell doubles the quote; PowerShell takes typographic ones for it as well.
func quotePowerShell(s string) string {
	return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(s) + "'"
}
