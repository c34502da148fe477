package main

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"modtap/cmd/internal/child"
	"modtap/recorder/shell"
)

// answerTime bounds how long to wait for an answer of serve's port.
const answerTime = time.Second

func (a *app) envCommand() *cobra.Command {
	var name string
	var unset bool
	c := &cobra.Command{
		Use:   "env",
		Short: "Print the environment that uses a running serve",
		Long: `Env prints what a shell must evaluate so that its commands use the running
modtap serve; --unset prints how to go back to what was before.`,
		Example: `  eval "$(modtap env)"
  modtap env --shell fish | source
  modtap env --shell powershell | Out-String | Invoke-Expression
  eval "$(modtap env --unset)"`,
		Args: a.noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			sh := child.EvalShell(a.getenv, runtime.GOOS)
			if name != "" {
				var err error
				if sh, err = shell.Parse(name); err != nil {
					return usageError(c, err)
				}
			}
			if unset {
				return a.print(sh, child.Restore(a.environ, runtime.GOOS), "")
			}
			return a.env(sh)
		},
	}
	c.Flags().StringVar(&name, "shell", "", "sh, fish, powershell or cmd (default: the one in use)")
	c.Flags().BoolVar(&unset, "unset", false, "go back to the environment before")
	return c
}

// userShell is the shell that modtap was started from.
func (a *app) userShell() shell.Shell { return child.UserShell(a.getenv, runtime.GOOS) }

// env prints the environment of the running serve.
func (a *app) env(sh shell.Shell) error {
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	state, err := readState(dir)
	if err != nil {
		return err
	}
	// A serve that was killed leaves its file.
	conn, err := net.DialTimeout("tcp", state.Proxy, answerTime)
	if err != nil {
		return errNotRunning
	}
	conn.Close()
	a.otherGOPROXY(state)
	changes := child.ShellChanges(a.environ, state.child())
	return a.print(sh, changes, sh.Eval(envCommandLine(sh)))
}

// print writes changes to stdout, and how to apply them.
func (a *app) print(sh shell.Shell, changes []child.Change, how string) error {
	script, err := child.Script(sh, changes)
	if err != nil {
		return err
	}
	if how != "" {
		script += sh.Comment("to use it: "+how) + "\n"
	}
	_, err = fmt.Fprint(a.stdout, script)
	return err
}

// indent shifts every line of text to the right.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}
