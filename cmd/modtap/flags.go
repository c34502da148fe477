package main

import (
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"modtap/intercept"
)

// options are the flags that run and serve share, and those of their own.
type options struct {
	output    string
	bodies    choice
	bodyLimit size
	mirrors   []string
	delays    []string
	bypass    []string
	keylog    string
	upstream  string
	resolver  string
	mode      choice
	noRedact  bool
	view      string
	noOpen    bool
	tui       bool
	logFormat choice
	logLevel  choice
	logFile   string
	quiet     bool
	verbose   bool

	cold       bool   // run
	goTrace    bool   // run
	report     choice // run
	reportFile string // run
	failOn     choice // run
	listen     string // serve
	pool       bool   // serve
}

// addTo declares the shared flags.
func (o *options) addTo(f *pflag.FlagSet) {
	o.bodies = choice{value: "text", of: []string{"none", "text", "all"}}
	o.mode = choice{value: "auto", of: []string{"auto", "forward", "reverse"}}
	o.logFormat = choice{of: []string{"console", "json"}}
	o.logLevel = choice{of: []string{"trace", "debug", "info", "warn", "error"}}
	f.SortFlags = false
	f.StringVarP(&o.output, "output", "o", "", "record to `FILE` (HAR); none keeps nothing (default: a new file in the recordings folder)")
	f.Var(&o.bodies, "bodies", "which bodies to keep: none, text, or all (over 1 MiB in NAME.bodies)")
	f.Var(&o.bodyLimit, "body-limit", "largest body to keep, as 64KiB or 1MiB (default 64KiB; no limit with --bodies all)")
	f.StringArrayVar(&o.mirrors, "mirror", nil, "send requests for a host or URL to another base URL: `FROM=TO` (repeatable)")
	f.StringArrayVar(&o.delays, "delay", nil, "wait before requests that match: `MATCH=DURATION` (repeatable)")
	f.StringArrayVar(&o.bypass, "bypass", nil, "relay the tunnels to `HOST` (may have *) unread (repeatable)")
	f.StringVar(&o.keylog, "keylog", "", "append the TLS keys of both legs to `FILE`, for Wireshark")
	f.StringVar(&o.upstream, "upstream-proxy", "auto", "reach servers through: auto (HTTPS_PROXY …), direct, or a `URL`")
	f.StringVar(&o.resolver, "resolver", "", "ask the DNS server at `HOST:PORT` instead of the system's")
	f.Var(&o.mode, "mode", "how go is captured: forward (as its HTTPS proxy, with a CA), reverse (as its GOPROXY), or auto")
	f.BoolVar(&o.noRedact, "no-redact", false, "record passwords and tokens too")
	f.StringVar(&o.view, "view", "", "show the session in the browser; at `ADDR` (a loopback HOST:PORT)")
	f.Lookup("view").NoOptDefVal = "auto"
	f.BoolVar(&o.noOpen, "no-open", false, "with --view, open no browser: only say where the live view is")
	f.BoolVar(&o.tui, "tui", false, tuiUsage)
	f.Var(&o.logFormat, "log-format", "modtap's own log: console or json (default: console on a terminal)")
	f.Var(&o.logLevel, "log-level", "trace, debug, info, warn or error (default: warn)")
	f.StringVar(&o.logFile, "log-file", "", "append modtap's own log to `FILE`")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no status line, no report")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "a line for every request")
}

// check finds what is wrong with the values that only their use would complain about.
func (o *options) check() error {
	if o.output == "-" {
		return withHint(errors.New("-o -: the recording needs a file"), "stdout is the command's")
	}
	if o.resolver != "" {
		host, port, err := net.SplitHostPort(o.resolver)
		if n, atoi := strconv.Atoi(port); err != nil || host == "" || atoi != nil || n < 1 || n > 65535 {
			return fmt.Errorf("--resolver %s: must be HOST:PORT, as in 1.1.1.1:53", o.resolver)
		}
	}
	for _, b := range o.bypass {
		if _, err := path.Match(b, ""); err != nil || b == "" || strings.ContainsAny(b, "/:") {
			return fmt.Errorf("--bypass %s: must be a host without port, as in *.corp.example", b)
		}
	}
	for _, other := range []struct{ flag, path string }{{"-o", o.output}, {"--log-file", o.logFile}, {"--keylog", o.keylog}} {
		if sameName(o.reportFile, other.path) {
			return fmt.Errorf("--report-file %s: that is the file of %s", o.reportFile, other.flag)
		}
	}
	return checkReportFile(o.reportFile)
}

// kept is what --bodies and --body-limit say.
func (o *options) kept() intercept.Bodies {
	policy := map[string]intercept.BodyPolicy{
		"none": intercept.BodiesNone, "text": intercept.BodiesText, "all": intercept.BodiesAll,
	}
	return intercept.Bodies{Policy: policy[o.bodies.value], Limit: int64(o.bodyLimit)}
}

// A choice is a flag with a few values.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.of, "|") }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		last := len(c.of) - 1
		return fmt.Errorf("must be %s or %s", strings.Join(c.of[:last], ", "), c.of[last])
	}
	c.value = s
	return nil
}

// A size is a number of bytes; 0 is the default of whoever uses it.
type size int64

// sizeUnits, longest suffix first. KB is 1000 and K and KiB are 1024 bytes, as for
// GNU's coreutils.
var sizeUnits = []struct {
	suffix string
	factor int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"K", 1 << 10}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1}, {"", 1},
}

func (s *size) Type() string { return "SIZE" }

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}

func (s *size) Set(text string) error {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if bytes := n * float64(u.factor); err != nil || !(bytes >= 1 && bytes <= 1<<40) { // written so that NaN fails
			return fmt.Errorf("must be a size such as 64KiB or 1MiB")
		}
		*s = size(n * float64(u.factor))
		return nil
	}
	return nil
}
