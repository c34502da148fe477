package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
)

// TestChromium puts a browser behind modtap that trusts its CA and nothing else: it must
// accept the certificates that are minted, and refuse where the server's own is bad.
func TestChromium(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	_, err := exec.LookPath("chromium")
	_, err2 := exec.LookPath("certutil")
	need(t, err == nil && err2 == nil, "Chromium and certutil (Debian packages chromium, libnss3-tools)")
	for _, test := range []struct {
		cert origintest.CertKind
		want string
	}{
		{origintest.Good, "v1.0.0"},
		{origintest.Expired, "ERR_CERT_DATE_INVALID"},
		{origintest.WrongName, "ERR_CERT_COMMON_NAME_INVALID"},
		{origintest.UnknownCA, "ERR_CERT_AUTHORITY_INVALID"},
	} {
		t.Run(test.want, func(t *testing.T) {
			o := origintest.Start(t, origintest.Config{Cert: test.cert})
			dns := origintest.StartDNS(t, origintest.DNSConfig{})
			home, proxy := t.TempDir(), freeAddr(t)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			env := append(origintest.GoEnv(t, o), "HOME="+home, "MODTAP_HOME="+home)
			run := func(name string, args ...string) string {
				c := exec.CommandContext(ctx, name, args...)
				c.Env = env
				out, err := c.CombinedOutput()
				if err != nil {
					t.Fatalf("%s %v: %v\n%s", name, args, err, out)
				}
				return string(out)
			}
			serve := exec.CommandContext(ctx, "modtap", "serve", "--listen", proxy, "-o", "none", "--view=none", "--resolver", dns.Addr())
			serve.Env = env
			if err := serve.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				serve.Process.Signal(os.Interrupt)
				serve.Wait()
			}()
			happens(t, func() bool { return fileSize(filepath.Join(home, "serve.json")) > 0 })
			db := filepath.Join(home, ".pki", "nssdb")
			if err := os.MkdirAll(db, 0o700); err != nil {
				t.Fatal(err)
			}
			run("certutil", "-d", "sql:"+db, "-N", "--empty-password")
			run("certutil", "-d", "sql:"+db, "-A", "-t", "C,,", "-n", "modtap", "-i", filepath.Join(home, "ca.pem"))
			page := run("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
				"--disable-component-update", "--disable-sync", "--disable-quic", "--user-data-dir="+filepath.Join(home, "profile"),
				"--proxy-server=http://"+proxy, "--dump-dom", o.URL()+"/example.golang.test/m0/@v/list")
			if !strings.Contains(page, test.want) {
				t.Errorf("the page lacks %s:\n%.2000s", test.want, page)
			}
		})
	}
}
