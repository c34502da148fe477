package intercept

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
)

// Whose doing it is that a connection was given up.
var whoEndedTests = []struct {
	err  error
	want string
}{
	{errors.New("http2: Transport received Server's graceful shutdown GOAWAY"), "server"},
	{io.EOF, "server"},
	{errors.New("net/http: request canceled"), "client"}, // net/http does not export it
	{context.Canceled, "client"},
	{&h1End{"modtap", errLateWriter}, "modtap"},
	{&h1End{"client", io.EOF}, "client"},
}

func TestWhoEnded(t *testing.T) {
	for _, test := range whoEndedTests {
		if got := whoEnded(test.err); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}

// TestOursIsReplaced: a connection that we gave up is no reason to hang up on the client.
func TestOursIsReplaced(t *testing.T) {
	for _, who := range []string{"server", "modtap"} {
		p := &Proxy{}
		l := &leg{p: p, mirror: true, routes: map[route]*lane{}}
		wire, _ := net.Pipe()
		u := &upConn{p: p, wire: &peekConn{Conn: wire}}
		u.gone.Store(true)
		u.ours.Store(who == "modtap")
		ln := l.lane(route{"https", "a.test:443"})
		ln.conns = []*upConn{u}
		l.pick(ln)
		if want := who == "server"; ln.hungUp != want {
			t.Errorf("%s: hung up %v, want %v", who, ln.hungUp, want)
		}
	}
}
