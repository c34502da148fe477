package intercept

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

var outOfFilesTests = []struct {
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

func TestOutOfFiles(t *testing.T) {
	for _, tt := range outOfFilesTests {
		if got := outOfFiles(tt.err); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		var heard error
		p := &Proxy{c: Config{OutOfFiles: func(err error) { heard = err }}}
		if p.noticeLimit(tt.err); errors.Is(heard, tt.err) != (tt.want || tt.err == nil) {
			t.Errorf("%s: heard %v", tt.name, heard)
		}
	}
}
