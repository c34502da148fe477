// Command modtap is a proxy for debugging the go command: it shows where the time of a
// `go get` goes. Its packages measure and record; this one is the flags, the wiring of
// the packages, and the only place that prints and exits.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"modtap/recorder"
)

func main() {
	// net/http complains there about servers, with their bytes, in the child's terminal;
	// what matters of it is an exchange or a connection with an error.
	log.SetOutput(io.Discard)
	os.Exit(Main(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// Main runs one command line and returns its exit status. It is the whole program as a
// function: the environment is environ, not the process's own. When ctx ends, `serve`
// finishes as after Ctrl-C.
func Main(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{environ: environ, stdin: stdin, stdout: stdout, stderr: stderr}
	defer a.copies.end()
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return a.exitCode(root.ExecuteContext(ctx))
}

// An app is what every command has: its environment and its streams.
type app struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
	screen         *screen // of --tui; nil: the terminal is not ours
	copies         copies
}

// getenv returns the value of name; as for os/exec the last one counts.
func (a *app) getenv(name string) string {
	value, _ := a.lookupEnv(name)
	return value
}

func (a *app) lookupEnv(name string) (value string, found bool) {
	for _, kv := range a.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value, found = v, true
		}
	}
	return value, found
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "modtap",
		Short: "See where the time of a go command goes",
		Long: `modtap records what the go command (and the git under it) does on the network:
every request, its phases, its errors. Put "modtap run --" in front of a command.

Every flag of a command has an environment variable too: --body-limit is
MODTAP_BODY_LIMIT; a flag beats its variable, and values of repeatable flags are
separated by spaces. MODTAP_HOME moves the CA and the recordings.`,
		Example: `  modtap run -- go mod download
  modtap run --cold -- go mod download
  modtap serve -o session.har
  modtap report -v`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          a.noCommand,
		Version:       version(),

		SuggestionsMinimumDistance: 1, // the names are short: with 2, "rn" is near "ca"
	}
	// What follows a mistyped command is its own: it must not be read as our flags.
	root.Flags().SetInterspersed(false)
	root.SetVersionTemplate("modtap {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError(c, withHint(err, "see "+c.CommandPath()+" --help"))
	})
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return a.flagsFromEnv(c) }
	root.AddCommand(a.runCommand(), a.serveCommand(), a.viewCommand(), a.reportCommand(), a.explainCommand(), a.envCommand(), a.caCommand(), a.versionCommand(), filterTopic())
	return root
}

// noCommand answers a command line that names no command of ours.
func (a *app) noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	hint := "see modtap --help"
	if _, err := exec.LookPath(args[0]); err == nil {
		hint = "to record it: modtap run -- " + strings.Join(recorder.NewRedactor().Args(args), " ")
	} else if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError(c, withHint(fmt.Errorf("unknown command %q", args[0]), hint))
}

// flagsFromEnv sets the flags that were not given from their variables.
func (a *app) flagsFromEnv(c *cobra.Command) error {
	var failed error
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		name := envName(f.Name)
		value, ok := a.lookupEnv(name)
		if !ok || value == "" || f.Changed || f.Name == "help" || f.Name == "version" || failed != nil {
			return
		}
		values := []string{value}
		if f.Value.Type() == "stringArray" {
			values = strings.Fields(value)
		}
		for _, v := range values {
			if err := c.Flags().Set(f.Name, v); err != nil {
				failed = usageError(c, fmt.Errorf("%s=%s: %w", name, value, cause(err)))
			}
		}
	})
	return failed
}

// envName is the variable of a flag.
func envName(flag string) string {
	return "MODTAP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
