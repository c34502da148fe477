package main

import (
	"bytes"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

var sizeTests = []struct {
	text string
	want int64 // 0: an error
}{
	{"64KiB", 64 << 10}, {"64K", 64 << 10}, {"1MiB", 1 << 20}, {"1.5M", 3 << 19}, {"1 GiB", 1 << 30},
	{"10kB", 10_000}, {"10MB", 10_000_000}, {"512", 512}, {"512B", 512},
	{"", 0}, {"0", 0}, {"-1", 0}, {"KiB", 0}, {"NaN", 0}, {"inf", 0}, {"1e300", 0}, {"1 TiB", 0}, {"0.1", 0},
}

func TestSize(t *testing.T) {
	for _, tt := range sizeTests {
		var s size
		if err := s.Set(tt.text); int64(s) != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%q is %d (%v), want %d", tt.text, s, err, tt.want)
		}
	}
}

var parentTests = []struct {
	name   string
	flag   string
	env    []string
	target string
	want   string // "": direct
	fails  bool
}{
	{"nothing set", "auto", nil, "https://proxy.golang.org", "", false},
	{"the corporate proxy", "auto", []string{"https_proxy=http://corp:3128"}, "https://proxy.golang.org", "http://corp:3128", false},
	{"upper case first, as in Go", "auto", []string{"https_proxy=http://no", "HTTPS_PROXY=corp:3128"}, "https://proxy.golang.org", "http://corp:3128", false},
	{"plain http has its own", "auto", []string{"HTTPS_PROXY=http://a", "HTTP_PROXY=http://b"}, "http://example.org", "http://b", false},
	{"Go does not know ALL_PROXY", "auto", []string{"ALL_PROXY=http://corp:3128"}, "https://proxy.golang.org", "", false},
	{"exceptions", "auto", []string{"HTTPS_PROXY=http://corp:3128", "NO_PROXY=.golang.org"}, "https://proxy.golang.org", "", false},
	{"never for this machine", "auto", []string{"HTTPS_PROXY=http://corp:3128"}, "https://localhost", "", false},
	{"direct beats the environment", "direct", []string{"HTTPS_PROXY=http://corp:3128"}, "https://proxy.golang.org", "", false},
	{"a URL beats the environment", "socks5://127.0.0.1:1080", []string{"HTTPS_PROXY=http://corp:3128"}, "http://example.org", "socks5://127.0.0.1:1080", false},
	{"a URL without scheme", "corp:3128", nil, "https://proxy.golang.org", "http://corp:3128", false},
	{"its exceptions hold for it too", "corp:3128", []string{"no_proxy=intra.test"}, "https://intra.test", "", false},
	{"another scheme", "pac+http://corp/proxy.pac", nil, "", "", true},
	{"no host", "http://", nil, "", "", true},
}

func TestParentProxy(t *testing.T) {
	for _, tt := range parentTests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := (&app{environ: tt.env}).parentProxy(tt.flag)
			if (err != nil) != tt.fails {
				t.Fatalf("error %v, want one: %v", err, tt.fails)
			}
			if err != nil || p.choose == nil {
				if tt.want != "" {
					t.Errorf("direct, want %s", tt.want)
				}
				return
			}
			target, _ := url.Parse(tt.target)
			got, err := p.choose(target)
			if err != nil {
				t.Fatal(err)
			}
			if s := text(got); s != tt.want {
				t.Errorf("%s goes through %q, want %q", tt.target, s, tt.want)
			}
		})
	}
}

func text(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.String()
}

var chainTests = []struct {
	proxy string
	want  bool
}{
	{"http://127.0.0.1:8080", true}, {"http://localhost:8080", true}, {"127.0.0.1:8080", true}, {"http://0.0.0.0:8080", true},
	{"http://127.0.0.1:8081", false}, {"http://corp.test:8080", false}, {"http://10.0.0.1:8080", false}, {"", false},
}

func TestLeadsTo(t *testing.T) {
	own := netip.MustParseAddrPort("127.0.0.1:8080")
	for _, tt := range chainTests {
		p, err := (&app{environ: []string{"HTTPS_PROXY=" + tt.proxy}}).parentProxy("auto")
		if err != nil {
			t.Fatal(err)
		}
		if got := p.leadsTo(own); got != tt.want {
			t.Errorf("HTTPS_PROXY=%s leads to %s: %v, want %v", tt.proxy, own, got, tt.want)
		}
	}
}

func TestDeferredLogIsBoundedAndComesLater(t *testing.T) {
	var d deferred
	var out bytes.Buffer
	log := zerolog.New(&d)
	log.Warn().Msg("first")
	for range 3000 {
		log.Warn().Msg(strings.Repeat("x", 50))
	}
	if out.Len() > 0 || d.kept.Len() > maxDeferred {
		t.Errorf("%d bytes came early, %d are kept", out.Len(), d.kept.Len())
	}
	d.open(&out)
	log.Warn().Msg("last")
	got := out.String()
	if !strings.HasPrefix(got, `{"level":"warn","message":"first"}`) || !strings.Contains(got, "more messages; --log-file keeps them all\n") || !strings.HasSuffix(got, `{"level":"warn","message":"last"}`+"\n") {
		t.Errorf("the log is %.100q … %q", got, got[len(got)-100:])
	}
}

var logTests = []struct {
	format, level string
	want          string
}{
	{"", "", `{"level":"warn",`}, // no terminal
	{"json", "", `{"level":"warn",`},
	{"console", "", " WRN careful\n"},
	{"json", "error", ""},
}

func TestLogFormats(t *testing.T) {
	for _, tt := range logTests {
		var out bytes.Buffer
		a := &app{stderr: &out}
		log, closeLog, err := a.newLogger(&options{logFormat: choice{value: tt.format}, logLevel: choice{value: tt.level}}, &out, "warn", nil)
		if err != nil {
			t.Fatal(err)
		}
		log.Info().Msg("quiet")
		log.Warn().Msg("careful")
		closeLog()
		if got := out.String(); !strings.Contains(got, tt.want) || tt.want == "" && got != "" || strings.Contains(got, "quiet") {
			t.Errorf("format %q, level %q: %q, want %q in it", tt.format, tt.level, got, tt.want)
		}
	}
}
