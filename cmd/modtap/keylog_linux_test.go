package main

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
)

// TestKeylog captures a run on loopback and decrypts both legs with --keylog's file.
func TestKeylog(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("starts a packet capture")
	}
	_, err := exec.LookPath("dumpcap")
	_, err2 := exec.LookPath("tshark")
	need(t, err == nil && err2 == nil && os.Geteuid() == 0, "root, dumpcap and tshark (Debian packages wireshark-common, tshark)")
	o := origintest.Start(t, origintest.Config{})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	dir := t.TempDir()
	proxy := freeAddr(t)
	keys, pcap := filepath.Join(dir, "keys.log"), filepath.Join(dir, "lo.pcapng")
	_, proxyPort, _ := net.SplitHostPort(proxy)
	u, _ := url.Parse(o.URL())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	capture := exec.CommandContext(ctx, "dumpcap", "-q", "-i", "lo", "-f", "tcp port "+proxyPort+" or tcp port "+u.Port(), "-w", pcap)
	if err := capture.Start(); err != nil {
		t.Fatal(err)
	}
	env := append(origintest.GoEnv(t, o), "MODTAP_HOME="+dir)
	serve := exec.CommandContext(ctx, "modtap", "serve", "--listen", proxy, "-o", "none", "--keylog", keys, "--resolver", dns.Addr())
	serve.Env = env
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	happens(t, func() bool {
		c, err := net.Dial("tcp", proxy)
		if err == nil {
			c.Close()
		}
		_, statErr := os.Stat(filepath.Join(dir, "bundle.pem"))
		return err == nil && statErr == nil && fileSize(pcap) > 0
	})
	get := exec.CommandContext(ctx, "go", "list", "-m", "-versions", "example.golang.test/m0")
	get.Dir = origintest.Project(t, "")
	get.Env = append(env, "HTTPS_PROXY=http://"+proxy, "SSL_CERT_FILE="+filepath.Join(dir, "bundle.pem"))
	if out, err := get.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	time.Sleep(500 * time.Millisecond) // dumpcap takes packets from the kernel in batches
	for _, c := range []*exec.Cmd{serve, capture} {
		c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("%v: %v", c.Args, err)
		}
	}
	if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key log: %v, %v", info, err)
	}
	for leg, port := range map[string]string{"client": proxyPort, "server": u.Port()} {
		out, err := exec.CommandContext(ctx, "tshark", "-n", "-r", pcap, "-o", "tls.keylog_file:"+keys, "-d", "tcp.port=="+u.Port()+",tls",
			"-Y", "tcp.port=="+port+" && http2.headers.path", "-T", "fields", "-e", "http2.headers.path").Output()
		if err != nil || !strings.Contains(string(out), "/example.golang.test/m0/@v/list") {
			t.Errorf("the %s leg does not decrypt: %v, %q", leg, err, out)
		}
	}
}

// freeAddr returns a loopback address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func fileSize(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// happens waits up to 20 s for something that another process does.
func happens(t *testing.T, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("it did not happen in 20 s")
}
