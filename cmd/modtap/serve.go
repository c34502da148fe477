package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"modtap/ca"
	"modtap/cmd/internal/child"
	"modtap/recorder/shell"
)

func (a *app) serveCommand() *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Record whatever uses the proxy, until Ctrl-C",
		Long: `Serve listens until it is interrupted; then it completes the recording and prints a
summary. In the shell that should use it, run  eval "$(modtap env)".

Its CA is kept in the configuration folder, so that programs may trust it for good. It
exits with 1 when the recording could not be completed; the summary says what is missing.`,
		Example: `  modtap serve
  modtap serve -o session.har --listen 127.0.0.1:9000`,
		Args: a.noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.serve(c.Context(), o) },
	}
	o.addTo(c.Flags())
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8080", "loopback `HOST:PORT` of the proxy")
	c.Flags().BoolVar(&o.pool, "pool", false, "share connections to servers among clients; this hides handshakes")
	c.Flags().Lookup("view").Usage = "`ADDR` of the live view (a loopback HOST:PORT), or none (default: the port after the proxy's)"
	return c
}

func (a *app) serve(ctx context.Context, o *options) error {
	if o.tui {
		if err := a.onScreen(); err != nil {
			return err
		}
	}
	signals := child.Catch()
	defer signals.Stop()
	// Nothing inherits from us: what was ignored (`modtap serve &` in a script) counts too.
	signals.Started()
	s, err := a.open(o, "serve", nil, (*session).prepareServe)
	if err != nil {
		return err
	}
	defer s.close()
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	state := serveState{
		PID: os.Getpid(), Proxy: s.listener.Addr().String(), Bundle: s.trust.Bundle, CertDir: s.trust.CertDir, Started: s.info.Start,
		Reverse: s.trust.Reverse, GOPROXY: s.trust.GOPROXY, GOSUMDB: s.trust.GOSUMDB, Relays: relayedGOPROXY(s.goEnv),
	}
	if err := state.write(dir); err != nil {
		s.discard()
		return err
	}
	s.later(func() { state.remove(dir) })
	stopped := make(chan error, 2)
	s.begin(func(err error) { stopped <- err })
	if s.screen != nil {
		s.screen.follow(s.viewer.URL(s.page.Addr().String()), nil)
	}
	s.logged.open(s.status)
	s.announce()
	s.showPage()
	var failed error
	select {
	case sig := <-interrupted(signals):
		s.afterInterrupt(sig == os.Interrupt)
	case <-ctx.Done():
	case <-s.screen.gone():
	case failed = <-stopped:
	}
	if err := s.finish(nil); err != nil && failed == nil {
		return exitWith(exitFailed) // finish has said why
	}
	return failed
}

// interrupted yields when a signal wants serve to end. SIGPIPE does not: it only means
// that nobody reads what we say.
func interrupted(s *child.Signals) <-chan os.Signal {
	ended := make(chan os.Signal, 1)
	go func() {
		for sig := range s.Caught() {
			if child.Ends(sig) {
				ended <- sig
				return
			}
		}
	}()
	return ended
}

// prepareServe makes the ports, and the CA and the bundle in the configuration folder.
func (s *session) prepareServe() (*ca.Authority, error) {
	var err error
	if s.listener, err = listen(s.o.listen); err != nil {
		if inUse(err) {
			err = withHint(err, "is another modtap serve running? --listen takes another port")
		}
		return nil, err
	}
	s.later(func() { s.listener.Close() })
	if s.o.view != "none" || s.o.tui {
		addr, ours := s.o.view, s.o.view == "" || s.o.view == "auto" || s.o.view == "none"
		if ours {
			addr = nextPort(s.listener.Addr())
		}
		if err := s.openViewer(addr, ours); err != nil {
			return nil, err
		}
	}
	dir, err := s.configDir()
	if err != nil {
		return nil, err
	}
	authority, err := ca.LoadOrCreate(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, certDir), 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for certificates: %w", cause(err))
	}
	if err := s.trustBundle(dir, authority); err != nil {
		return nil, err
	}
	// Programs that read every file of SSL_CERT_DIR should not come across the CA's key.
	s.trust.CertDir = filepath.Join(dir, certDir)
	return authority, nil
}

// nextPort is the address after the proxy's: 8081 for 8080.
func nextPort(proxy net.Addr) string {
	host, port, _ := net.SplitHostPort(proxy.String())
	n, _ := strconv.Atoi(port)
	if n++; n > 65535 {
		n = 0
	}
	return net.JoinHostPort(host, strconv.Itoa(n))
}

// announce says where everything is and how to use it.
func (s *session) announce() {
	if s.o.quiet {
		return
	}
	sh := s.userShell()
	byHand, err := child.Script(sh, s.byHand())
	text := fmt.Sprintf("modtap: proxy      %s\n", s.trust.URL)
	if s.viewer != nil {
		text += fmt.Sprintf("modtap: live view  %s\n", s.viewer.URL(s.page.Addr().String()))
	}
	if s.har != nil {
		text += fmt.Sprintf("modtap: recording  %s\n", s.har.path())
	}
	text += "\nIn the shell that should use it:\n\n  " + sh.Eval(envCommandLine(sh)) + "\n"
	if err == nil && byHand != "" {
		text += "\nor by hand:\n\n" + indent(byHand)
	}
	text += "\nCtrl-C ends the recording.\n\n"
	fmt.Fprint(s.status, text)
}

// envCommandLine is what prints the environment for a shell.
func envCommandLine(sh shell.Shell) string {
	if sh == shell.Sh {
		return "modtap env"
	}
	return "modtap env --shell " + string(sh)
}
