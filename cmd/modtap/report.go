package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"modtap/recorder/diagnose"
	"modtap/recorder/har"
	"modtap/viewer/report"
)

// reportOptions are the flags of the command report.
type reportOptions struct {
	format choice
	out    string
	all    bool
	failOn choice
	filter string
}

// severities are the values of --fail-on.
func severities() choice { return choice{of: []string{"info", "warn", "bad"}} }

func (a *app) reportCommand() *cobra.Command {
	o := &reportOptions{format: choice{of: report.Formats()}, failOn: severities()}
	c := &cobra.Command{
		Use:   "report [FILE]",
		Short: "Say where the time of a recording went, and what is wrong",
		Long: `Report diagnoses a recording: where the wall time went, what was on the critical path,
what is wrong, and which command fixes it. Without FILE it takes the newest recording of
the recordings folder. A HAR that another program wrote (a browser, mitmproxy) will do;
the report says what it cannot know then.

Exit status: 0; 1 when the recording cannot be read, 2 for bad usage, 3 when a finding
reached --fail-on.`,
		Example: `  modtap report
  modtap report -v x.har
  modtap report --filter 'kind:zip time:>1s'
  modtap report -o report.html
  modtap report --format markdown >>"$GITHUB_STEP_SUMMARY"`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError(c, withHint(fmt.Errorf("report takes one recording, not %d", len(args)), "see modtap report --help"))
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"har"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error { return a.report(c, o, args) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.Var(&o.format, "format", "text, json, markdown or html (default: what the name of -o says, else text)")
	f.StringVarP(&o.out, "out", "o", "", "write to `FILE` instead of stdout")
	f.BoolVarP(&o.all, "all", "v", false, "everything, not one screen of it (text)")
	f.StringVar(&o.filter, "filter", "", "list the requests that match `FILTER`, too; see modtap help filter")
	f.Var(&o.failOn, "fail-on", "exit with 3 when a finding is at least that bad: info, warn or bad")
	completeChoices(c, map[string]*choice{"format": &o.format, "fail-on": &o.failOn})
	return c
}

// completeChoices has the shell complete the values of flags.
func completeChoices(c *cobra.Command, flags map[string]*choice) {
	for name, ch := range flags {
		// The error is that of a flag that does not exist.
		_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(ch.of, cobra.ShellCompDirectiveNoFileComp))
	}
}

func (a *app) report(c *cobra.Command, o *reportOptions, args []string) error {
	format, err := o.chosen()
	if err != nil {
		return usageError(c, err)
	}
	filter, err := a.parseFilter(c, o.filter)
	if err != nil {
		return err
	}
	path, arg, err := a.recordingOf(args)
	if err != nil {
		return err
	}
	if same(path, o.out) {
		return usageError(c, fmt.Errorf("-o %s: that is the recording itself", o.out))
	}
	in, err := a.readInput(path)
	if err != nil {
		return err
	}
	in.Shell = string(a.userShell())
	d := &report.Document{Report: a.diagnosed(in), Recording: path, File: arg, Filter: filter}
	if o.out != "" {
		err = writeDocument(d, format, o.out)
	} else {
		err = a.printTo(a.stdout, d, format, o.all)
	}
	if err == nil && failsOn(d, o.failOn.value) {
		return exitWith(exitFinding)
	}
	return err
}

// chosen is the format that the flags ask for.
func (o *reportOptions) chosen() (report.Format, error) {
	if o.format.value != "" {
		return report.Format(o.format.value), nil
	}
	if o.out == "" {
		return report.Text, nil
	}
	format, ok := report.FormatOf(o.out)
	if !ok {
		return "", withHint(fmt.Errorf("-o %s: its name does not say which format", o.out), "end it in .txt, .json, .md or .html, or use --format")
	}
	return format, nil
}

// recordingOf is the recording that a command is about: the one that was named, or the
// newest; and what names it again.
func (a *app) recordingOf(args []string) (path, arg string, err error) {
	if len(args) == 1 {
		return args[0], a.userShell().Quote(args[0]), nil
	}
	dir, err := a.recordingsDir()
	if err != nil {
		return "", "", err
	}
	list, err := har.List(dir)
	if err != nil {
		return "", "", err
	}
	if len(list) == 0 {
		return "", "", withHint(errors.New("there is no recording yet"), "make one: modtap run -- go mod download")
	}
	return list[0], "", nil
}

// sameName reports whether both name one file, which need not exist yet.
func sameName(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB || same(a, b)
}

// same reports whether both name one file that exists.
func same(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	fa, errA := os.Stat(a)
	fb, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(fa, fb)
}

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ID]",
		Short: "Say what a finding means, and what to do about it",
		Long: `Explain prints what a finding of a report means, how it is recognised, and its remedy.
Without ID it lists all findings there are.`,
		Example: `  modtap explain
  modtap explain slow-404`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError(c, withHint(fmt.Errorf("explain takes one finding, not %d", len(args)), "see modtap explain --help"))
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return diagnose.IDs(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: a.explain,
	}
}

func (a *app) explain(c *cobra.Command, args []string) error {
	how := a.layout(a.stdout, a.terminalOf(a.stdout))
	if len(args) == 0 {
		return report.WriteMeanings(a.stdout, diagnose.IDs(), diagnose.Explain, how)
	}
	text, ok := diagnose.ExplainIn(string(a.userShell()), args[0])
	if !ok {
		hint := "modtap explain lists all of them"
		if near := nearest(args[0], diagnose.IDs()); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return usageError(c, withHint(fmt.Errorf("there is no finding %q", args[0]), hint))
	}
	return report.WriteProse(a.stdout, text, how)
}
