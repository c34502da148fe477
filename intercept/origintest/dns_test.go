package origintest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver asks d alone; tcp makes it use TCP from the start.
func (d *DNS) resolver(tcp bool) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if tcp {
			network = "tcp"
		}
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, d.Addr())
	}}
}

var v6 = netip.MustParseAddr("::1")

var dnsTests = []struct {
	name    string
	ask     string
	host    DNSHost
	want    string
	err     string
	atLeast time.Duration
}{
	{name: "an address", ask: "a.golang.test.", host: Loopback(), want: "127.0.0.1"},
	{name: "both families", ask: "a.golang.test.", host: DNSHost{A: Loopback().A, AAAA: DNSReply{Addrs: []netip.Addr{v6}}}, want: "127.0.0.1 ::1"},
	{name: "IPv6 alone", ask: "a.golang.test.", host: DNSHost{AAAA: DNSReply{Addrs: []netip.Addr{v6}}}, want: "::1"},
	{name: "another name", ask: "a.example.test.", host: Loopback(), err: "no such host"},
	{name: "a deeper name", ask: "b.a.golang.test.", host: Loopback(), want: "127.0.0.1"},
	{name: "the name itself is not below it", ask: "golang.test.", host: Loopback(), err: "no such host"},
	{name: "NXDOMAIN", ask: "a.golang.test.", host: DNSHost{A: DNSReply{Code: dnsmessage.RCodeNameError}, AAAA: DNSReply{Code: dnsmessage.RCodeNameError}}, err: "no such host"},
	{name: "SERVFAIL", ask: "a.golang.test.", host: DNSHost{A: DNSReply{Code: dnsmessage.RCodeServerFailure}, AAAA: DNSReply{Code: dnsmessage.RCodeServerFailure}}, err: "server misbehaving"},
	{name: "SERVFAIL once", ask: "a.golang.test.", host: DNSHost{A: DNSReply{Addrs: Loopback().A.Addrs, Code: dnsmessage.RCodeServerFailure, FailFirst: 1}}, want: "127.0.0.1"},
	{name: "a delay", ask: "a.golang.test.", host: DNSHost{A: DNSReply{Addrs: Loopback().A.Addrs, Delay: 100 * time.Millisecond}}, want: "127.0.0.1", atLeast: 100 * time.Millisecond},
	{name: "a slow AAAA", ask: "a.golang.test.", host: DNSHost{A: Loopback().A, AAAA: DNSReply{Delay: 100 * time.Millisecond}}, want: "127.0.0.1", atLeast: 100 * time.Millisecond},
	{name: "truncated", ask: "a.golang.test.", host: DNSHost{A: DNSReply{Addrs: Loopback().A.Addrs, Truncate: true}}, want: "127.0.0.1"},
	{name: "dropped", ask: "a.golang.test.", host: DNSHost{A: DNSReply{Drop: true}, AAAA: DNSReply{Drop: true}}, err: "i/o timeout", atLeast: 300 * time.Millisecond},
}

func TestDNS(t *testing.T) {
	d := StartDNS(t, DNSConfig{})
	for _, tt := range dnsTests {
		for _, tcp := range []bool{false, true} {
			name := tt.name + "/udp"
			if tcp {
				name = tt.name + "/tcp"
			}
			t.Run(name, func(t *testing.T) {
				d.SetHosts(map[string]DNSHost{"*.golang.test": tt.host})
				timeout := 20 * time.Second
				if strings.Contains(tt.err, "timeout") {
					timeout = 300 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				start := time.Now()
				addrs, err := d.resolver(tcp).LookupHost(ctx, tt.ask)
				took := time.Since(start)
				slices.Sort(addrs)
				if got := strings.Join(addrs, " "); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				if took < tt.atLeast {
					t.Errorf("took %v, want %v", took, tt.atLeast)
				}
			})
		}
	}
}

func TestDNSExactNameBeforeWildcard(t *testing.T) {
	other := DNSHost{A: DNSReply{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.9")}}}
	d := StartDNS(t, DNSConfig{Hosts: map[string]DNSHost{"*.golang.test": Loopback(), "slow.golang.test": other}})
	addrs, err := d.resolver(false).LookupHost(t.Context(), "SLOW.golang.test.")
	if err != nil || len(addrs) != 1 || addrs[0] != "127.0.0.9" {
		t.Errorf("%v %v", addrs, err)
	}
	var types []string
	for _, q := range d.Queries() {
		if q.Name != "slow.golang.test" || q.TCP {
			t.Errorf("query %+v", q)
		}
		types = append(types, q.Type)
	}
	slices.Sort(types)
	if !slices.Equal(types, []string{"A", "AAAA"}) {
		t.Errorf("queries for %v", types)
	}
}

func TestDNSZeroConfig(t *testing.T) {
	d := StartDNS(t, DNSConfig{})
	if _, err := d.resolver(false).LookupHost(t.Context(), SumHost+"."); err != nil {
		t.Error(err)
	}
	var dnsErr *net.DNSError
	if _, err := d.resolver(false).LookupHost(t.Context(), "example.com."); !errors.As(err, &dnsErr) || !dnsErr.IsNotFound {
		t.Errorf("a name outside golang.test: %v", err)
	}
}
