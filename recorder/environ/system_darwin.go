package environ

import (
	"context"
	"os/exec"
)

// systemProxy is what the network settings name, "" when nothing. The program that prints
// them is asked, for the library needs cgo.
func systemProxy(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "/usr/sbin/scutil", "--proxy").Output()
	if err != nil {
		return ""
	}
	return parseScutil(string(out))
}
