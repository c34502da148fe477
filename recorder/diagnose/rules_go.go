package diagnose

// goRules are about what the go command asks for, how it is set, and what it works on.
// Where two have the same evidence, the one that says more explains the other.
var goRules = []Rule{
	{ID: "checksum-mismatch", Check: goRule(checksumMismatch)},
	{ID: "fallback-stopped", Check: goRule(fallbackStopped), Explains: []string{"server-error", "connection-failed"}},
	{ID: "insecure-flag", Check: goRule(insecureFlag), Explains: []string{"tls-timeout", "connection-failed", "stalled"}},
	{ID: "govcs", Check: goRule(govcsRefusal)},
	{ID: "sumdb-private", Check: goRule(sumdbPrivate), Explains: []string{"doubled-4xx", "unknown-version", "forbidden"}},
	{ID: "sumdb-unreachable", Check: goRule(sumdbUnreachable), Server: true,
		Explains: []string{"server-error", "connection-failed", "tls-timeout", "client-hello-dropped", "dns-failure", "stalled", "slow-server"}},
	{ID: "new-tag", Check: goRule(newTag), Explains: []string{"unknown-version", "direct-fallback", "doubled-4xx", "git-clone"}},
	{ID: "unknown-version", Check: goRule(unknownVersion), Explains: []string{"direct-fallback", "doubled-4xx", "path-probing"}},
	{ID: "server-error", Check: goRule(serverError), Server: true, Explains: []string{"slow-server"}},
	{ID: "slow-404", Check: goRule(slowNotFound), Server: true, Explains: []string{"doubled-4xx", "path-probing", "slow-server", "stalled"}},
	{ID: "private-module-leak", Check: goRule(privateLeak), Explains: []string{"doubled-4xx", "path-probing", "unknown-version"}},
	{ID: "direct-fallback", Check: goRule(directFallback), Explains: []string{"doubled-4xx"}},
	{ID: "git-clone", Check: goRule(gitClone), Explains: []string{"slow-server", "low-bandwidth"}},
	{ID: "ssh-remote", Check: goRule(sshRemote)},
	{ID: "path-probing", Check: goRule(pathProbing), Explains: []string{"doubled-4xx"}},
	{ID: "doubled-4xx", Check: goRule(doubled4xx)},
	{ID: "toolchain-download", Check: goRule(toolchainDownload), Explains: []string{"huge-zip", "low-bandwidth", "unknown-version", "direct-fallback"}},
	{ID: "sumdb-dominates", Check: goRule(sumdbDominates)},
	{ID: "serial-info", Check: goRule(serialInfos)},
	{ID: "low-parallelism", Check: goRule(lowParallelism)},
	{ID: "unpruned-graph", Check: goRule(unprunedGraph)},
	{ID: "slow-disk", Check: goRule(slowDisk)},
	{ID: "cache-lock", Check: goRule(cacheLock)},
	{ID: "slow-goauth", Check: goRule(slowGoAuth)},
}
