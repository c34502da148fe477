package child

import (
	"fmt"
	"strings"

	"modtap/recorder/shell"
)

// defaultShell guesses the shell that modtap was called from.
func defaultShell(getenv func(string) string, goos string) shell.Shell {
	if goos == "windows" {
		switch {
		case getenv("SHELL") != "": // Git Bash, MSYS2
			return shell.Sh
		case strings.Count(getenv("PSModulePath"), ";") >= 2: // cmd has the machine's two folders, PowerShell adds the user's
			return shell.PowerShell
		}
		return shell.Cmd
	}
	if strings.HasSuffix(getenv("SHELL"), "/fish") {
		return shell.Fish
	}
	return shell.Sh
}

// UserShell is the shell that this program was started from: the one that is its parent,
// or else, where a script or another program is, the one that the environment speaks for.
// (SHELL is the one that users log in with; many start another by hand.)
func UserShell(getenv func(string) string, goos string) shell.Shell {
	return userShell(parentName(), getenv, goos)
}

// EvalShell is the shell that evaluates what this program prints: its parent, a script's sh
// too, or else the one that the environment speaks for.
func EvalShell(getenv func(string) string, goos string) shell.Shell {
	if s, err := shell.Parse(parentName()); err == nil {
		return s
	}
	return defaultShell(getenv, goos)
}

func userShell(parent string, getenv func(string) string, goos string) shell.Shell {
	if s, err := shell.Parse(parent); err == nil && parent != "sh" { // sh: a script's
		return s
	}
	return defaultShell(getenv, goos)
}

// Script writes changes as statements that a shell can evaluate, one per line.
func Script(s shell.Shell, changes []Change) (string, error) {
	var b strings.Builder
	for _, c := range changes {
		line, err := statement(s, c)
		if err != nil {
			return "", err
		}
		b.WriteString(line + "\n")
	}
	return b.String(), nil
}

func statement(s shell.Shell, c Change) (string, error) {
	switch {
	case s == shell.Fish && c.Unset:
		return "set -e " + c.Name, nil
	case s == shell.Fish && c.Of != "":
		return "set -gx " + c.Name + ` "$` + c.Of + `"`, nil
	case s == shell.Fish:
		return "set -gx " + c.Name + " " + s.Literal(c.Value), nil
	case s == shell.PowerShell && c.Unset:
		return "Remove-Item -ErrorAction SilentlyContinue " + s.Literal("Env:"+c.Name), nil
	case s == shell.PowerShell && c.Of != "":
		return "${env:" + c.Name + "} = ${env:" + c.Of + "}", nil
	case s == shell.PowerShell:
		return "${env:" + c.Name + "} = " + s.Literal(c.Value), nil
	case s == shell.Cmd && c.Unset:
		return `set "` + c.Name + `="`, nil
	case s == shell.Cmd:
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
	return "export " + c.Name + "=" + s.Literal(c.Value), nil
}
