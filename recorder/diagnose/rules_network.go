package diagnose

// networkRules are about names, connections, TLS, transfer, and modtap itself. Where two
// of them have the same evidence, the one that says why explains the one that says what.
var networkRules = []Rule{
	{ID: "modtap-overhead", Check: checkOverhead},

	{ID: "dns-failure", Check: checkDNSFailure, Server: true},
	{ID: "dns-slow", Check: checkDNSSlow, Server: true},
	{ID: "aaaa-stall", Check: checkAAAAStall, Server: true},

	{ID: "ipv6-broken", Check: checkIPv6, Server: true, Explains: []string{"tls-timeout", "tls-slow", "client-hello-dropped", "connection-failed", "syn-loss"}},
	{ID: "syn-loss", Check: checkSynLoss, Server: true},
	{ID: "system-proxy-unused", Check: checkSystemProxy, Server: true, Explains: []string{"connection-failed", "dns-failure", "ipv6-broken"}},
	{ID: "no-proxy", Check: checkNoProxy, Server: true, Explains: []string{"connection-failed", "dns-failure", "forbidden"}},
	{ID: "connection-failed", Check: checkConnectionFailed, Server: true},

	{ID: "tls-slow", Check: checkTLSSlow, Server: true},
	{ID: "client-hello-dropped", Check: checkClientHello, Server: true, Explains: []string{"tls-timeout", "connection-failed"}},
	{ID: "tls-timeout", Check: checkTLSTimeout, Server: true},
	{ID: "untrusted-ca", Check: checkUntrustedCA, Server: true, Explains: []string{"connection-failed"}},

	{ID: "proxy-auth", Check: checkProxyAuth, Server: true, Explains: []string{"connection-failed", "no-proxy"}},
	{ID: "forbidden", Check: checkForbidden, Server: true, Explains: []string{"connection-failed"}},
	{ID: "rate-limited", Check: checkRateLimited, Server: true},

	{ID: "http1-downgrade", Check: checkHTTP1, Server: true, Explains: []string{"no-reuse"}},
	{ID: "no-reuse", Check: checkNoReuse, Server: true},

	{ID: "rtt-jitter", Check: checkJitter, Server: true, Explains: []string{"latency-bound", "tls-slow", "syn-loss", "slow-server"}},
	{ID: "packet-loss", Check: checkPacketLoss, Server: true, Explains: []string{"rtt-jitter"}},
	{ID: "latency-bound", Check: checkLatency, Server: true},

	{ID: "storage-blocked", Check: checkStorage, Server: true, Explains: []string{
		"forbidden", "untrusted-ca", "connection-failed", "tls-timeout", "client-hello-dropped", "dns-failure", "stream-reset",
	}},
	{ID: "stream-reset", Check: checkStreamReset, Server: true},
	{ID: "stalled", Check: checkStalled, Server: true},
	{ID: "slow-server", Check: checkSlowServer, Server: true},
	{ID: "low-bandwidth", Check: checkBandwidth, Server: true},
	{ID: "huge-zip", Check: checkHugeZip},
}
