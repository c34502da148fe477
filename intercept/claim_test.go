package intercept

import (
	"testing"
	"time"
)

// Only a request that comes at once was waiting for its connection.
var claimTests = []struct {
	name  string
	after time.Duration // of the client's handshake
	want  bool
}{
	{"at once", 0, true},
	{"just in time", claimWithin, true},
	{"too late: it was opened speculatively", claimWithin + time.Nanosecond, false},
}

func TestClaim(t *testing.T) {
	for _, test := range claimTests {
		p := &Proxy{claimWithin: claimWithin}
		tun := &tunnel{p: p, ready: time.Now(), up: &upConn{p: p}}
		if got := tun.claim(tun.ready.Add(test.after)) != nil; got != test.want {
			t.Errorf("%s: claimed %v, want %v", test.name, got, test.want)
		}
		if tun.claim(tun.ready) != nil {
			t.Errorf("%s: a second request claimed it", test.name)
		}
	}
}
