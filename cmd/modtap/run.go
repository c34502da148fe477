package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"modtap/ca"
	"modtap/cmd/internal/child"
	"modtap/recorder"
)

func (a *app) runCommand() *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "run [flags] [--] COMMAND [ARG...]",
		Short: "Record one command",
		Long: `Run starts a proxy on a free loopback port, runs the command so that it uses the
proxy, and says when it has ended where its time went, what is wrong and which command
fixes it (modtap report says it again). The command's own input and output are left
alone; modtap talks on stderr, also with --report json: for a file there is --report-file.

With --tui the terminal shows the session instead, and a pane (t) what the command writes:
all of it is written out when you leave (q), then the report. The command has no terminal
then: it reads nothing, and Ctrl-C is passed on to it.

Exit status: the command's own (128+n when signal n killed it), also when it could not
be recorded to its end; 3 when it succeeded and a finding reached --fail-on; 125 when
modtap failed before it, 126 when the command cannot be run, 127 when it is not found.`,
		Example: `  modtap run -- go mod download
  modtap run --cold -o cold.har -- go build ./...
  modtap run --report-file report.html --fail-on warn -- go build ./...
  modtap run --mirror proxy.golang.org=https://goproxy.cn -- go get rsc.io/quote`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError(c, withHint(errors.New("run: there is no command to record"), "as in: modtap run -- go mod download"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return asRun(a.run(o, args))
		},
	}
	o.addTo(c.Flags())
	c.Flags().BoolVar(&o.cold, "cold", false, "run with an empty module cache, removed afterwards")
	c.Flags().BoolVar(&o.goTrace, "go-trace", false, "record the go command's own steps too, by -debug-trace in its GOFLAGS: of go get, build, list, install, test, vet and run; go mod download has none")
	o.report, o.failOn = choice{value: "text", of: []string{"text", "json", "none"}}, severities()
	c.Flags().Var(&o.report, "report", "what to print when the command has ended: text, json or none")
	c.Flags().StringVar(&o.reportFile, "report-file", "", "write the report to `FILE` too: .txt, .json, .md or .html")
	c.Flags().Var(&o.failOn, "fail-on", "exit with 3 when a finding is at least that bad: info, warn or bad")
	completeChoices(c, map[string]*choice{"report": &o.report, "fail-on": &o.failOn})
	c.Flags().SetInterspersed(false) // what follows the command is its own
	return c
}

func (a *app) run(o *options, argv []string) error {
	path, err := child.Look(argv[0])
	if err != nil {
		return cannotStart(err)
	}
	if o.tui {
		if err := a.onScreen(); err != nil {
			return err
		}
	}
	// From here on signals do not end modtap: what it makes must be removed again.
	signals := child.Catch()
	defer signals.Stop()
	s, err := a.open(o, "run", argv, func(s *session) (*ca.Authority, error) {
		s.beginFacts(path, argv)
		return s.prepareRun()
	})
	if err != nil {
		return err
	}
	defer s.close()
	env := child.Environ(a.environ, s.trust)
	if o.cold {
		cache, err := s.coldCache()
		if err != nil {
			s.discard()
			return err
		}
		env = append(env, "GOMODCACHE="+cache)
	}
	if flags := s.goTraceFlags(); flags != "" {
		env = append(env, "GOFLAGS="+flags)
	}
	s.git.env = env
	s.begin(func(error) {}) // the child sees a dead proxy, and the log says why
	s.showPage()
	select {
	case sig := <-signals.Caught():
		s.abandon()
		return exitWith(child.SignalCode(sig))
	default:
	}
	p, err := s.start(child.Command{Path: path, Args: argv, Env: env, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr})
	if err != nil {
		s.abandon()
		return cannotStart(err)
	}
	signals.Started()
	s.signals = signals
	return s.await(p, signals)
}

// start starts the command, on a terminal viewer's side where there is one.
func (s *session) start(c child.Command) (*child.Process, error) {
	release, err := s.screen.adopt(&c)
	if err != nil {
		return nil, err
	}
	p, err := child.Start(c)
	release()
	if err != nil {
		return nil, err
	}
	if s.screen != nil {
		s.screen.follow(s.viewer.URL(s.page.Addr().String()), p)
	}
	return p, nil
}

// await records until the child has ended, and returns its exit code as an error.
func (s *session) await(p *child.Process, signals *child.Signals) error {
	process := &recorder.Process{Start: s.since(p.Started())}
	s.log.Append(recorder.Event{Process: process})
	watch := p.Watch()
	r := p.Wait(signals)
	s.screen.commandEnded(r)
	samples, cost := watch.End(r)
	s.afterInterrupt(r.Interrupted)
	// The recording is modtap's affair: that a disk is full must not fail the user's build.
	_ = s.finish(&recorder.Process{
		Start: process.Start, End: s.since(r.End), ExitCode: r.ExitCode, Signal: r.Signal,
		User: recorder.Span(r.User), System: recorder.Span(r.System),
		Samples: s.samples(samples), SampleCost: recorder.Span(cost), Spans: s.goSpans(r.End),
	})
	if r.Signal != "SIGHUP" && r.Signal != "SIGTERM" { // which mean modtap, too
		s.linger(signals)
	}
	s.stopViewer()
	if r.ExitCode == 0 && failsOn(s.document, s.o.failOn.value) {
		return exitWith(exitFinding)
	}
	return exitWith(r.ExitCode)
}

// cannotStart gives err the exit code that a shell would.
func cannotStart(err error) error {
	switch {
	case errors.Is(err, child.ErrNotFound):
		return withCode(err, exitCmdNotFound)
	case errors.Is(err, child.ErrNotExecutable):
		return withCode(err, exitCannotRun)
	}
	return err
}

// prepareRun makes a CA that lives in memory only, a port, and a private folder with
// the bundle.
func (s *session) prepareRun() (*ca.Authority, error) {
	var err error
	if s.listener, err = listen("127.0.0.1:0"); err != nil {
		return nil, err
	}
	s.later(func() { s.listener.Close() })
	if v := s.o.view; s.o.showsPage() || s.o.tui {
		if v == "auto" || !s.o.showsPage() {
			v = "127.0.0.1:0"
		}
		if err := s.openViewer(v, false); err != nil {
			return nil, err
		}
	}
	authority, err := ca.New()
	if err != nil {
		return nil, err
	}
	removeStale(os.TempDir(), tempName)
	dir, release, err := leasedDir("", "modtap-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the trust bundle: %w", err)
	}
	s.later(func() { release(); os.RemoveAll(dir) })
	if dir, err = filepath.Abs(dir); err != nil { // TMPDIR may be relative, and git runs in other folders
		return nil, fmt.Errorf("find the folder of the trust bundle: %w", err)
	}
	if err := s.trustBundle(dir, authority); err != nil {
		return nil, err
	}
	return authority, s.watchGit(dir)
}
