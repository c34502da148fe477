package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// needNetlab skips the test where netlab cannot make a network.
func needNetlab(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("ip")
	need(t, err == nil, "iproute2 (Debian package iproute2)")
	_, err = os.Stat("/dev/net/tun")
	need(t, err == nil && os.Geteuid() == 0, "root and /dev/net/tun")
}

// labPrograms builds netlab, origin and modtap once, when the first scenario needs them, in
// a folder that goes with t.
func labPrograms(t *testing.T) func() (string, error) {
	dir := t.TempDir()
	return sync.OnceValues(func() (string, error) {
		build := exec.Command("go", "build", "-o", dir, "modtap/intercept/origintest/cmd/netlab", "modtap/intercept/origintest/cmd/origin", "modtap/cmd/modtap")
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
		return dir, nil
	})
}

// overNetwork puts modtap and its command on the near side of netlab, and an origin like
// the run's own on the far side.
func (r *labRun) overNetwork(modtap []string) []string {
	bin, err := r.s.programs()
	if err != nil {
		r.t.Fatal(err)
	}
	ca, s := filepath.Join(r.home, "far-ca.pem"), r.s.shape
	far := []string{filepath.Join(bin, "origin"), "-listen", "10.77.0.2:443", "-stats", "''", "-ca", ca}
	for name, n := range map[string]int{"modules": s.Modules, "versions": s.Versions, "depth": s.Depth, "size": s.Size, "files": s.Files, "big": s.Big, "big-size": s.BigSize} {
		if n != 0 {
			far = append(far, fmt.Sprintf("-%s %d", name, n))
		}
	}
	for _, k := range r.knobs() {
		far = append(far, "-knob '"+k+"'")
	}
	args := append([]string{filepath.Join(bin, "netlab")}, strings.Fields(r.wire())...)
	for _, name := range []string{"proxy", "a", "b", "c", "sum", "git", "storage"} {
		args = append(args, "-host", name+".golang.test=10.77.0.2")
	}
	r.env = append(r.env, "SSL_CERT_FILE="+ca)
	if !strings.Contains(strings.Join(r.s.env, " "), "GOPROXY=") {
		r.env = append(r.env, "GOPROXY="+r.proxyURL())
	}
	modtap[0] = filepath.Join(bin, "modtap")
	return append(append(args, "-far", strings.Join(far, " "), "--"), modtap...)
}
