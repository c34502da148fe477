// Command origin runs a test origin as a process of its own: for shell tests, for the far
// side of netlab, and to try modtap by hand without the internet.
//
//	origin -ca ca.pem -env env.sh -connect 127.0.0.1:0 -project proj -knob 'suffix=.zip first-byte=200ms' &
//	(set -a; . ./env.sh; HTTPS_PROXY=$ORIGIN_CONNECT; cd proj; go mod download)
//
// When it is ready it prints NAME=VALUE lines, also to -env FILE, which appears complete or
// not at all: GOPROXY, GOSUMDB, SSL_CERT_FILE, ORIGIN_ADDR and one ORIGIN_… for each extra
// service. It stops on SIGINT, SIGTERM or POST /stop to -control, and then prints what it
// counted as JSON (origintest.Stats), or writes it to -stats FILE.
//
// The services of -control: GET /stats, and POST of /knobs and /handshakes (one per line,
// replacing those before), /forget and /stop.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"modtap/intercept/origintest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "origin:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := start(o, cancel)
	if err != nil {
		return err
	}
	defer s.close()
	lines := strings.Join(s.lines, "\n") + "\n"
	if _, err := io.WriteString(stdout, lines); err != nil {
		return err
	}
	if o.env != "" {
		if err := writeWhole(o.env, []byte(lines)); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return s.report(o.stats, stdout)
}

// services are the origin and what runs beside it.
type services struct {
	origin *origintest.Origin
	lines  []string // NAME=VALUE
	stops  []func()
}

func start(o options, stop func()) (_ *services, err error) {
	s := &services{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.startOrigin(o); err != nil {
		return nil, err
	}
	if o.project != "" {
		if err := origintest.WriteProject(o.project, o.shape.All()...); err != nil {
			return nil, fmt.Errorf("write the project: %w", err)
		}
	}
	if o.dns.Addr != "" {
		d, err := origintest.NewDNS(o.dns)
		if err != nil {
			return nil, err
		}
		s.add("ORIGIN_DNS", d.Addr(), d.Close)
	}
	if o.connect != "" {
		p, err := origintest.NewConnectProxy(origintest.ProxyConfig{
			Addr: o.connect, User: o.connectUser, Route: origintest.RouteTo(s.origin.Addr()),
		})
		if err != nil {
			return nil, err
		}
		s.add("ORIGIN_CONNECT", p.URL(), p.Close)
	}
	if o.banner.Addr != "" {
		b, err := origintest.NewBanner(o.banner)
		if err != nil {
			return nil, err
		}
		s.add("ORIGIN_BANNER", b.Addr(), b.Close)
	}
	if o.control != "" {
		c, err := newControl(o.control, s.origin, stop)
		if err != nil {
			return nil, err
		}
		s.add("ORIGIN_CONTROL", c.url(), c.close)
	}
	return s, nil
}

func (s *services) startOrigin(o options) error {
	if o.ca != "" {
		ca, err := origintest.LoadCA(o.ca)
		if err != nil {
			return err
		}
		o.config.CA = ca
	}
	tree, err := origintest.NewTree(append(o.shape.Generate(), origintest.Specials()...))
	if err != nil {
		return err
	}
	o.config.Tree = tree
	s.origin, err = origintest.New(o.config)
	if err != nil {
		return err
	}
	s.add("ORIGIN_ADDR", s.origin.Addr(), func() { _ = s.origin.Close() })
	s.lines = append(s.lines, "GOPROXY="+s.origin.URL(), "GOSUMDB="+s.origin.GOSUMDB())
	if o.ca != "" {
		file, err := filepath.Abs(o.ca)
		if err != nil {
			return err
		}
		s.lines = append(s.lines, "SSL_CERT_FILE="+quote(file))
	}
	return nil
}

func (s *services) add(name, value string, stop func()) {
	s.lines = append(s.lines, name+"="+value)
	s.stops = append(s.stops, stop)
}

// close stops the services, the ones that others use last.
func (s *services) close() {
	for len(s.stops) > 0 {
		last := len(s.stops) - 1
		s.stops[last]()
		s.stops = s.stops[:last]
	}
}

// report stops everything, so that no request is still counting, and writes the counts.
func (s *services) report(file string, stdout io.Writer) error {
	s.close()
	b, err := json.MarshalIndent(s.origin.Stats(), "", "  ")
	if err != nil {
		return err
	}
	b = append(b, '\n')
	switch file {
	case "":
		return nil
	case "-":
		_, err = stdout.Write(b)
		return err
	}
	return writeWhole(file, b)
}

// writeWhole makes a file appear complete, for those who wait for it.
func writeWhole(file string, data []byte) error {
	tmp := file + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

// quote protects a path from the shell where it needs that.
func quote(s string) string {
	if strings.ContainsAny(s, " '\\$`\"&();|<>") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
