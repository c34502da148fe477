package diagnose

import "testing"

// TestHealthy: nothing is wrong with a few quick requests.
func TestHealthy(t *testing.T) {
	w := newWorld()
	w.get(1, 20, proxyURL("golang.org/x/text@v0.43.0", "mod"), 200, 100, phases{dns: 1, connect: 10, tls: 20, send: 1, wait: 10, receive: 1})
	w.get(1, 80, proxyURL("golang.org/x/text@v0.43.0", "info"), 200, 50, phases{wait: 10})
	w.get(1, 100, proxyURL("golang.org/x/text@v0.43.0", "zip"), 200, 1e6, phases{wait: 10, receive: 80})
	w.ends(300, 0)
	for _, f := range Run(w.Input).Findings {
		if f.Severity != "info" {
			t.Errorf("%s: %s", f.Severity, f.Title)
		}
	}
}
