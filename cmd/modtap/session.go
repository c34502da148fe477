package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"modtap/ca"
	"modtap/cmd/internal/child"
	"modtap/intercept"
	"modtap/intercept/reverse"
	"modtap/intercept/rules"
	"modtap/intercept/upstream"
	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/gomod"
	"modtap/recorder/har"
	"modtap/viewer/report"
	"modtap/viewer/status"
	"modtap/viewer/stream"
)

const (
	// settleTime is how long bodies in flight may take when the child has ended.
	settleTime = 2 * time.Second
	// viewerTime is how long viewers may take for the last events.
	viewerTime = time.Second
	// keepRecordings is how many are kept in the recordings folder.
	keepRecordings = 20
)

// A session is what run and serve have in common: a proxy, what records it, and what
// shows it. Open it, begin, finish, and in any case close.
type session struct {
	*app
	o    *options
	mode string
	term terminal

	log      *recorder.Log
	info     *recorder.Session
	redactor *recorder.Redactor
	trust    child.Proxy   // how a child uses us
	plan     *reverse.Plan // of reverse mode; nil: nothing is rewritten
	goEnv    child.GoEnv
	direct   bool // GOPROXY ends in direct
	git      gitWatch
	facts    facts
	goTrace  string // file that the go command writes its steps to; "": none
	proxy    *intercept.Proxy
	listener net.Listener
	viewer   *stream.Server
	page     net.Listener // the viewer's
	har      *recording   // nil: none is kept
	// collector keeps what a run without a recording is diagnosed from; nil: there is a
	// recording, or it is not a run
	collector *diagnose.Collector
	kept      *keeper                         // the recording or the collector; nil: there is neither
	verdict   atomic.Pointer[report.Document] // of a run, at its end; nil: none was made (yet)
	unjudged  error                           // why none was made
	history   *har.History                    // of the recording, for viewers; nil: nobody asks
	shown     shown
	summary   *report.Summary
	document  *report.Document // the verdict that was told; nil: none was
	status    *status.Status
	signals   *child.Signals // of run, from the start of its command: what ends a terminal viewer
	logged    *deferred
	logger    zerolog.Logger
	alarms    alarms

	lookout          *lookout // from begin to settle
	recorded, summed <-chan error
	collected        <-chan error
	cleanup          []func() // last first
}

// open makes everything up to the point where requests can be taken. What it made is
// gone again when it fails. prepare is what differs between
// run and serve: the ports, the CA, and where the bundle is.
func (a *app) open(o *options, mode string, argv []string, prepare func(*session) (*ca.Authority, error)) (s *session, err error) {
	s = &session{app: a, o: o, mode: mode, term: a.terminal(), log: recorder.NewLog(), logged: &deferred{}, summary: report.NewSummary()}
	s.cleanup = append(s.cleanup, s.log.Close)
	defer func() {
		if err != nil {
			s.discard()
			s.close()
		}
	}()
	if !o.noRedact {
		s.redactor = recorder.NewRedactor()
	}
	if err := o.check(); err != nil {
		return s, withCode(err, exitUsage)
	}
	set, err := rules.Parse(o.mirrors, o.delays)
	if err != nil {
		return s, withCode(err, exitUsage)
	}
	up, err := a.parentProxy(o.upstream)
	if err != nil {
		return s, withCode(err, exitUsage)
	}
	if err := s.openLog(); err != nil {
		return s, err
	}
	if o.noRedact {
		s.warn("passwords and tokens will be recorded and shown (--no-redact)")
	}
	s.goEnv = child.ReadGoEnv(a.getenv)
	authority, err := prepare(s)
	if err != nil {
		return s, err
	}
	if up.leadsTo(addrPort(s.listener)) {
		return s, withHint(fmt.Errorf("the upstream proxy is %s, modtap itself: it would talk to itself", s.listener.Addr()),
			`run  eval "$(modtap env --unset)"  first, or use --upstream-proxy direct`)
	}
	if err := s.capture(s.goEnv); err != nil {
		return s, err
	}
	s.describe(argv, s.goEnv)
	config := intercept.Config{
		Log: s.log, Leaf: authority.Leaf, Classifier: gomod.NewClassifier(s.goEnv.GOPROXY, s.goEnv.GOSUMDB),
		Upstream: upstream.New(upstream.Config{Proxy: up.choose, Resolver: o.resolver, Refuse: refuse(s.listener, s.page)}),
		Redactor: s.redactor, Rules: set, Bypass: o.bypass, Bodies: o.kept(), Pool: o.pool, Reverse: s.plan, Logger: s.logger,
		OutOfFiles: s.outOfFiles,
	}
	if err := s.openFiles(&config); err != nil {
		return s, err
	}
	s.proxy, err = intercept.New(config)
	return s, err
}

// openFiles opens what is written to while the proxy runs.
func (s *session) openFiles(config *intercept.Config) error {
	keys, err := s.openKeyLog()
	if err != nil {
		return err
	}
	if keys != nil {
		config.KeyLog = s.keyLog(keys) // a nil *os.File would be an io.Writer that is not nil
	}
	if err := s.openRecording(); err != nil {
		return err
	}
	if s.har != nil {
		config.Bodies.Dir = strings.TrimSuffix(s.har.path(), ".har") + ".bodies"
	}
	if s.page != nil {
		s.viewer, err = stream.New(stream.Config{Source: s.source(), Open: s.opener(), Page: page(), Logger: s.logger})
		s.shown.server = s.viewer
	}
	return err
}

// later has f called by close.
func (s *session) later(f func()) { s.cleanup = append(s.cleanup, f) }

// close removes what must not stay and gives up the rest, in any state.
func (s *session) close() {
	for len(s.cleanup) > 0 {
		last := len(s.cleanup) - 1
		f := s.cleanup[last]
		s.cleanup = s.cleanup[:last]
		f()
	}
}

func (s *session) openLog() error {
	level := "warn"
	if s.mode == "serve" {
		level = "info"
	}
	logger, closeLog, err := s.newLogger(s.o, s.logged, level, func(err error) {
		s.alarm(troubleLogFile, "cannot log to %s: %v; messages are lost", s.o.logFile, err)
	})
	if err != nil {
		return err
	}
	s.later(closeLog)
	s.logger = logger
	return nil
}

// trustBundle writes what a child must trust to dir.
func (s *session) trustBundle(dir string, authority *ca.Authority) error {
	pem, err := ca.Bundle(authority.CertPEM(), s.getenv)
	if err != nil {
		return err
	}
	s.trust = child.Proxy{URL: "http://" + s.listener.Addr().String(), Bundle: filepath.Join(dir, bundleFile), CertDir: dir}
	return replaceFile(s.trust.Bundle, pem, 0o644)
}

// describe makes the first event.
func (s *session) describe(argv []string, env child.GoEnv) {
	s.info = &recorder.Session{
		ID: rand.Text()[:12], Tool: version(), Mode: s.mode, Start: time.Now(),
		OS: runtime.GOOS + "/" + runtime.GOARCH, Go: env.Version, Proxy: s.listener.Addr().String(),
		Capture: s.captured(), GOPROXY: s.redactor.Text(env.GOPROXY), GOSUMDB: s.redactor.Text(env.GOSUMDB),
	}
	s.info.Argv = s.redactor.Args(argv)
	if dir, err := os.Getwd(); err == nil {
		s.info.Dir = filepath.Base(dir)
	}
}

func (s *session) openKeyLog() (*os.File, error) {
	path := s.o.keylog
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write keys to %s: %w", path, cause(err))
	}
	if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() {
		_ = f.Chmod(0o600) // it may have been there, readable by others
	}
	s.later(func() { f.Close() })
	s.warn("the TLS keys go to %s: whoever has them can decrypt a capture", path)
	return f, nil
}

// openViewer makes the viewer's port. Where addr is only our own choice, any free
// port will do.
func (s *session) openViewer(addr string, ours bool) error {
	l, err := listen(addr)
	if err != nil && ours {
		l, err = listen("127.0.0.1:0")
	}
	if err != nil {
		return err
	}
	s.page = l
	s.later(func() { l.Close() })
	return nil
}

// begin starts to record and to serve. failed is called if the proxy cannot go on.
func (s *session) begin(failed func(error)) {
	ctx := context.Background() // the sinks end with the Log
	// Before the sinks, which may have something to say.
	s.status = status.Start(status.Config{
		Log: s.log, Out: s.stderr, Live: s.term.live && !s.o.quiet, Verbose: s.o.verbose,
		Color: s.term.color, Width: s.term.width, Visible: func() bool { return !s.screen.up() && child.InForeground() },
	})
	if s.har != nil {
		s.kept = newKeeper(s.har)
		s.recorded = recorder.StartPump(ctx, s.log, s.kept)
	}
	if s.har == nil && s.mode == "run" {
		s.collector = &diagnose.Collector{}
		s.kept = newKeeper(s.collector)
		s.collected = recorder.StartPump(ctx, s.log, s.kept)
	}
	s.summed = recorder.StartPump(ctx, s.log, s.summary)
	s.lookout = s.keepLookout()
	s.log.Append(recorder.Event{Session: s.info})
	s.tellFacts()
	serve := func(what string, f func() error) {
		go func() {
			if err := f(); err != nil && !errors.Is(err, net.ErrClosed) {
				s.logger.Error().Err(err).Msg(what + " stopped")
				failed(err)
			}
		}()
	}
	serve("the proxy", func() error { return s.proxy.Serve(s.listener) })
	if s.viewer != nil {
		serve("the viewer", func() error { return s.viewer.Serve(s.page) })
	}
}

// finish completes the recording and tells what it was like. process is nil for serve. The
// error is that of the recording; the user has been told of it.
func (s *session) finish(process *recorder.Process) error {
	s.settle(process)
	var err error
	if s.har != nil {
		err = <-s.recorded
	}
	if s.collector != nil {
		<-s.collected
	}
	<-s.summed
	s.status.Stop()
	if !s.lingers() {
		s.stopViewer()
	}
	s.logged.open(s.stderr)
	if s.har != nil {
		s.summary.Recording = s.har.path()
		s.har.prune(s.logger)
	}
	if err != nil {
		s.incomplete(err)
	}
	s.conclude()
	return err
}

// settle ends the proxy and the Log.
func (s *session) settle(process *recorder.Process) {
	s.lookout.end()
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if err := s.proxy.Shutdown(ctx); err != nil {
		s.logger.Debug().Err(err).Msg("requests in flight were cut off")
	}
	ended := time.Now()
	if process != nil {
		ended = s.info.Start.Add(process.End.Duration())
	}
	unseen, blind := s.unseen(ended)
	end := &recorder.End{At: s.since(time.Now()), BlindSpots: append(blind, "localhost"), Unseen: unseen}
	end.BlindSpots = append(end.BlindSpots, s.notSeenInReverse()...)
	s.awaitFacts()
	if process != nil {
		s.kept.over.Store(true)
		s.log.Append(recorder.Event{Process: process})
		end.ExitCode = process.ExitCode
		s.judge(process, end)
	}
	s.log.Append(recorder.Event{End: end})
	s.log.Close()
}

// since is an offset of the session; one that happened is not 0.
func (s *session) since(t time.Time) recorder.Span {
	return recorder.Span(max(t.Sub(s.info.Start), 1))
}

// abandon ends a session that came to nothing: its recording is removed.
func (s *session) abandon() {
	if s.facts.reading != nil {
		s.facts.reading.Cancel()
	}
	s.settle(nil)
	if s.har != nil {
		<-s.recorded
	}
	if s.collector != nil {
		<-s.collected
	}
	<-s.summed
	s.status.Stop()
	s.stopViewer()
	s.logged.open(s.stderr)
	s.discard()
}

// afterInterrupt starts a new line, for the terminal has written ^C on this one.
func (s *session) afterInterrupt(interrupted bool) {
	if interrupted && s.term.is && !s.screen.up() {
		fmt.Fprintln(s.status)
	}
}

func (s *session) stopViewer() {
	s.screen.await(s.signals) // it follows the viewer
	if s.viewer == nil {
		return
	}
	stopServer(s.viewer)
	if s.history != nil {
		s.history.Close()
	}
}

// discard removes a recording that nothing was recorded in.
func (s *session) discard() {
	if s.har != nil {
		s.har.remove()
	}
}
