package intercept

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

var limitTests = []struct {
	name string
	err  error
	want bool
}{
	{"none", nil, false},
	{"another", syscall.ECONNREFUSED, false},
	{"accept", &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}, true},
	{"the machine's limit", &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.ENFILE)}, true},
	{"a lookup, which keeps the text alone", &net.DNSError{Err: fmt.Sprint("dial udp: socket: ", syscall.EMFILE), Name: "x.test"}, true},
	{"a name that is not found", &net.DNSError{Err: "no such host", Name: "x.test"}, false},
}

func TestNoticeLimit(t *testing.T) {
	for _, tt := range limitTests {
		heard := false
		p := &Proxy{c: Config{OutOfFiles: func(error) { heard = true }}}
		if p.noticeLimit(tt.err); heard != tt.want {
			t.Errorf("%s: heard %v", tt.name, heard)
		}
	}
}
