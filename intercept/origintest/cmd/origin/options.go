package main

import (
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"modtap/intercept/origintest"
)

// options are the flags of the command.
type options struct {
	config origintest.Config
	shape  origintest.Shape
	dns    origintest.DNSConfig
	banner origintest.BannerConfig

	ca, stats, env, project       string
	connect, connectUser, control string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var (
		o    options
		alpn = "h2,http/1.1"
		d    dnsFlags
	)
	fs := flag.NewFlagSet("origin", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.config.Addr, "listen", "127.0.0.1:0", "HTTPS address")
	fs.StringVar(&alpn, "alpn", alpn, "protocols to agree on, comma separated")
	fs.StringVar((*string)(&o.config.Cert), "cert", "", "what is wrong with the certificate: unknown-ca, expired, wrong-name; empty: nothing")
	fs.StringVar(&o.config.Prefix, "prefix", "", "path of the GOPROXY, such as /artifactory/api/go/x")
	fs.IntVar(&o.config.Records, "records", 300, "records of the checksum database")
	fs.DurationVar(&o.config.Idle, "idle", 0, "close connections that are idle this long; 0: never")
	fs.IntVar(&o.config.Streams, "streams", 0, "concurrent HTTP/2 streams; 0: the default of net/http")
	fs.Func("knob", "how answers are changed, such as 'kind=zip first-byte=200ms fail=reset-body' (repeatable; the first that matches counts)", func(s string) error {
		k, err := origintest.ParseKnob(s)
		o.config.Knobs = append(o.config.Knobs, k)
		return err
	})
	fs.Func("handshake", "how TLS handshakes are changed, such as 'host=slow.* delay=200ms fail=reset' (repeatable)", func(s string) error {
		h, err := origintest.ParseHandshake(s)
		o.config.Handshakes = append(o.config.Handshakes, h)
		return err
	})
	o.shapeFlags(fs)
	d.flags(fs)
	fs.StringVar(&o.ca, "ca", "", "file of the root certificate (its key is beside it, FILE.key): used if there, else made")
	fs.StringVar(&o.stats, "stats", "-", "file for the JSON of what was counted; -: standard output; empty: none")
	fs.StringVar(&o.env, "env", "", "file for the NAME=VALUE lines, written when ready")
	fs.StringVar(&o.project, "project", "", "folder for a main module that requires every generated module")
	fs.StringVar(&o.connect, "connect", "", "address of a plain CONNECT proxy to the origin; empty: none")
	fs.StringVar(&o.connectUser, "connect-user", "", "NAME:PASSWORD that the CONNECT proxy wants")
	fs.StringVar(&o.control, "control", "", "address of the control service (plain HTTP); empty: none")
	fs.StringVar(&o.banner.Addr, "banner", "", "address of a server-speaks-first TCP service; empty: none")
	fs.StringVar(&o.banner.Text, "banner-text", "220 origin.golang.test ready\r\n", "what it says")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	o.config.Protos = strings.Split(alpn, ",")
	var err error
	o.dns, err = d.config()
	return o, err
}

func (o *options) shapeFlags(fs *flag.FlagSet) {
	fs.IntVar(&o.shape.Modules, "modules", 12, "generated modules example.golang.test/m0, m1, …")
	fs.IntVar(&o.shape.Versions, "versions", 2, "versions of each")
	fs.IntVar(&o.shape.Depth, "depth", 3, "length of the longest chain of requirements")
	fs.StringVar(&o.shape.Go, "go", "1.21", "go directive of the generated modules")
	fs.IntVar(&o.shape.Size, "size", 2000, "bytes of text in each zip, before compression")
	fs.IntVar(&o.shape.Files, "files", 1, "files of text in each zip")
	fs.IntVar(&o.shape.Big, "big", 0, "modules that have -big-size random bytes instead")
	fs.IntVar(&o.shape.BigSize, "big-size", 5_000_000, "see -big")
}

// dnsFlags are the flags of the name server; all names under golang.test are answered alike.
type dnsFlags struct {
	addr, ip, aaaa string
	a, aaaaReply   origintest.DNSReply
}

func (d *dnsFlags) flags(fs *flag.FlagSet) {
	fs.StringVar(&d.addr, "dns", "", "address of a name server (UDP and TCP) for *.golang.test; empty: none")
	fs.StringVar(&d.ip, "dns-a", "127.0.0.1", "IPv4 address it answers; empty: none")
	fs.StringVar(&d.aaaa, "dns-aaaa", "", "IPv6 address it answers; empty: none")
	fs.DurationVar(&d.a.Delay, "dns-delay", 0, "time before it answers A queries")
	fs.DurationVar(&d.aaaaReply.Delay, "dns-aaaa-delay", 0, "time before it answers AAAA queries")
	fs.BoolVar(&d.a.Drop, "dns-drop", false, "do not answer A queries")
	fs.BoolVar(&d.aaaaReply.Drop, "dns-aaaa-drop", false, "do not answer AAAA queries")
	fs.IntVar(&d.a.FailFirst, "dns-drop-first", 0, "with -dns-drop: the first N queries of a name only")
}

func (d *dnsFlags) config() (origintest.DNSConfig, error) {
	for _, x := range []struct {
		text  string
		reply *origintest.DNSReply
	}{{d.ip, &d.a}, {d.aaaa, &d.aaaaReply}} {
		if x.text == "" {
			continue
		}
		addr, err := netip.ParseAddr(x.text)
		if err != nil {
			return origintest.DNSConfig{}, fmt.Errorf("address of the name server's answers: %w", err)
		}
		x.reply.Addrs = []netip.Addr{addr}
	}
	hosts := map[string]origintest.DNSHost{"*.golang.test": {A: d.a, AAAA: d.aaaaReply}}
	return origintest.DNSConfig{Addr: d.addr, Hosts: hosts}, nil
}
