package origintest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// DNSConfig is what a [DNS] is made of. The zero value answers 127.0.0.1 for every name under
// golang.test and NXDOMAIN for the rest, at once.
type DNSConfig struct {
	Addr string // UDP and TCP address, default 127.0.0.1:0
	// Hosts maps names, without a final dot, to answers; "*.golang.test" stands for all
	// names below that have none of their own. nil: see above.
	Hosts map[string]DNSHost
}

// DNSHost is what a [DNS] answers for a name. A record type without addresses is answered
// with an empty success, as for a name that has only the other type.
type DNSHost struct {
	A, AAAA DNSReply
}

// A DNSReply is the answer to one type of query.
type DNSReply struct {
	Addrs []netip.Addr
	Delay time.Duration
	Code  dnsmessage.RCode // such as dnsmessage.RCodeServerFailure or RCodeNameError
	Drop  bool             // no answer at all
	// FailFirst, if not 0, limits Code and Drop to the first queries of the type.
	FailFirst int
	Truncate  bool // over UDP: empty and truncated, so that the client asks again over TCP
}

// Loopback is the answer 127.0.0.1, without an IPv6 address.
func Loopback() DNSHost {
	return DNSHost{A: DNSReply{Addrs: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}}}
}

// A DNSQuery is a query that a [DNS] received.
type DNSQuery struct {
	Name string    `json:"name"` // without the final dot
	Type string    `json:"type"` // A, AAAA, …
	TCP  bool      `json:"tcp,omitempty"`
	At   time.Time `json:"at"`
}

// A DNS is a small name server on UDP and TCP for modtap's --resolver.
type DNS struct {
	udp    net.PacketConn
	tcp    net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	hosts   map[string]DNSHost
	queries []DNSQuery
	counts  map[string]int // queries of "name type"
}

// StartDNS runs a name server for a test and stops it with the test.
func StartDNS(t testing.TB, c DNSConfig) *DNS {
	t.Helper()
	d, err := NewDNS(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// NewDNS starts a name server; Close stops it.
func NewDNS(c DNSConfig) (*DNS, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	d := &DNS{counts: map[string]int{}}
	d.SetHosts(c.Hosts)
	var err error
	// With port 0 the UDP port that follows the TCP port may be taken: try again then.
	for range 10 {
		if d.tcp, err = net.Listen("tcp", c.Addr); err != nil {
			continue
		}
		if d.udp, err = net.ListenPacket("udp", d.tcp.Addr().String()); err == nil {
			break
		}
		_ = d.tcp.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("start the name server: %w", err)
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.wg.Go(d.serveUDP)
	d.wg.Go(d.serveTCP)
	return d, nil
}

// Addr returns HOST:PORT, the same for UDP and TCP.
func (d *DNS) Addr() string { return d.tcp.Addr().String() }

// SetHosts replaces the answers; nil restores those of the zero [DNSConfig].
func (d *DNS) SetHosts(hosts map[string]DNSHost) {
	if hosts == nil {
		hosts = map[string]DNSHost{"*.golang.test": Loopback()}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hosts = hosts
	clear(d.counts)
}

// Queries returns what was asked, in order.
func (d *DNS) Queries() []DNSQuery {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]DNSQuery(nil), d.queries...)
}

// Close stops the name server.
func (d *DNS) Close() {
	d.cancel()
	_ = d.udp.Close()
	_ = d.tcp.Close()
	d.wg.Wait()
}

func (d *DNS) serveUDP() {
	buf := make([]byte, 4096)
	for d.ctx.Err() == nil {
		n, from, err := d.udp.ReadFrom(buf)
		if err != nil {
			continue // Windows reports ICMP errors here; Close is seen above
		}
		msg := append([]byte(nil), buf[:n]...)
		d.wg.Go(func() {
			if answer := d.answer(msg, false); answer != nil {
				_, _ = d.udp.WriteTo(answer, from)
			}
		})
	}
}

func (d *DNS) serveTCP() {
	for {
		c, err := d.tcp.Accept()
		if err != nil {
			return
		}
		d.wg.Go(func() {
			defer context.AfterFunc(d.ctx, func() { _ = c.Close() })()
			defer c.Close()
			for d.exchangeTCP(c) == nil {
			}
		})
	}
}

// exchangeTCP answers one query of a TCP connection; messages have a length before them.
func (d *DNS) exchangeTCP(c net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, msg); err != nil {
		return err
	}
	answer := d.answer(msg, true)
	if answer == nil {
		return nil
	}
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	return err
}

// answer waits as long as the name's delay says and returns the reply, nil for none.
func (d *DNS) answer(msg []byte, tcp bool) []byte {
	var p dnsmessage.Parser
	header, err := p.Start(msg)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	r := d.reply(q, tcp)
	if sleep(d.ctx, r.Delay) != nil || r.Drop {
		return nil
	}
	head := dnsmessage.Header{
		ID:                 header.ID,
		Response:           true,
		Authoritative:      true,
		RecursionDesired:   header.RecursionDesired,
		RecursionAvailable: true,
		RCode:              r.Code,
		Truncated:          r.Truncate && !tcp,
	}
	b := dnsmessage.NewBuilder(nil, head)
	b.EnableCompression()
	// The builder's errors are those of a caller who mixes up the sections.
	_ = b.StartQuestions()
	_ = b.Question(q)
	_ = b.StartAnswers()
	if r.Code == dnsmessage.RCodeSuccess && !head.Truncated {
		addAddresses(&b, q, r.Addrs)
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	return out
}

func addAddresses(b *dnsmessage.Builder, q dnsmessage.Question, addrs []netip.Addr) {
	h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}
	for _, a := range addrs {
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			_ = b.AResource(h, dnsmessage.AResource{A: a.As4()})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			_ = b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
}

// reply records the query and looks up what is to be answered.
func (d *DNS) reply(q dnsmessage.Question, tcp bool) DNSReply {
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	kind := strings.TrimPrefix(q.Type.String(), "Type")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries = append(d.queries, DNSQuery{Name: name, Type: kind, TCP: tcp, At: time.Now()})
	d.counts[name+" "+kind]++
	host, ok := d.hosts[name]
	for rest := name; !ok && rest != ""; {
		_, rest, _ = strings.Cut(rest, ".")
		host, ok = d.hosts["*."+rest]
	}
	if !ok {
		return DNSReply{Code: dnsmessage.RCodeNameError}
	}
	var r DNSReply
	switch q.Type {
	case dnsmessage.TypeA:
		r = host.A
	case dnsmessage.TypeAAAA:
		r = host.AAAA
	}
	if r.FailFirst > 0 && d.counts[name+" "+kind] > r.FailFirst {
		r.Code, r.Drop = dnsmessage.RCodeSuccess, false
	}
	return r
}
