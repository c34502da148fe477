package intercept

import (
	"context"
	"errors"
	"net"
	"testing"
)

// Whose doing it is when net/http gives a connection up. Its errors are not exported:
// these are the texts of net/http/transport.go.
var whoEndedTests = []struct {
	name string
	err  string
	head string // of the last answer
	eof  bool   // the server's end was read
	cut  bool   // a body was given up
	want string
}{
	{"the server closed it while it was idle", "http: server closed idle connection", "HTTP/1.1 200 OK\r\n\r\n", true, false, "server"},
	{"the server said that it would close", "http: persistConn.readLoop exiting", "HTTP/1.1 200 OK\r\nDate: x\r\nConnection: Close\r\n\r\nbody", false, false, "server"},
	{"HTTP/1.0 closes", "http: persistConn.readLoop exiting", "HTTP/1.0 200 OK\r\n\r\n", false, false, "server"},
	{"the server closed it with the answer", "http: persistConn.readLoop exiting", "HTTP/1.1 200 OK\r\n\r\n", true, false, "server"},
	{"net/http's writer was late", "http: persistConn.readLoop exiting", "HTTP/1.1 200 OK\r\n\r\nconnection: close is only in the body", false, false, "modtap"},
	{"the client left in the middle of a body", "http: persistConn.readLoop exiting", "HTTP/1.1 200 OK\r\n\r\n", false, true, "client"},
	{"a cancelled request", "net/http: request canceled", "", false, false, "client"},
}

func TestWhoEnded(t *testing.T) {
	for _, test := range whoEndedTests {
		u := &upConn{wire: &peekConn{}, head: &headConn{head: []byte(test.head)}}
		u.wire.over.Store(test.eof)
		u.aborted.Store(test.cut)
		if got := u.whoEnded(errors.New(test.err)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	if got := (&upConn{}).whoEnded(context.Canceled); got != "client" {
		t.Errorf("a cancelled context: %s", got)
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
