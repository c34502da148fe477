package main

import "modtap/intercept/origintest"

// labNetFaults live in the network: they need netlab.
var labNetFaults = []scenario{
	{id: "syn-loss", net: "-rtt 40ms -drop-syn 2", netHealthy: "-rtt 40ms"},
	{id: "rtt-jitter", net: "-rtt 100ms -jitter 900ms -jitter-share 30", netHealthy: "-rtt 100ms"},
	// With this seed no SYN is lost, which would be syn-loss.
	{id: "packet-loss", net: "-rtt 60ms -loss 5 -seed 19", netHealthy: "-rtt 60ms", shape: origintest.Shape{Modules: 4, Depth: 1, Big: 4, BigSize: 400_000}},
}

// labHealthy are runs in which nothing is wrong, so that nothing may be said.
var labHealthy = []scenario{
	{name: "fast LAN", shape: manyModules, nosum: true},
	{name: "80 ms away", net: "-rtt 80ms", shape: origintest.Shape{Modules: 12, Depth: 3}},
	{name: "10 Mbit/s", net: "-rtt 20ms -down 10mbit -up 10mbit", shape: origintest.Shape{Modules: 12, Depth: 3, Big: 4, BigSize: 1_000_000}},
	{name: "complete go.sum", shape: manyModules, always: []string{"first-byte=15ms"}},
	{name: "warm cache", shape: manyModules, setup: func(r *labRun) { r.warm() }},
	{
		name: "private git that works", requires: []string{}, nosum: true, args: get("git.golang.test/mod@v1.0.0", "example.golang.test/m0@v1.0.0"),
		env: []string{"GOPRIVATE=git.golang.test", "GOPROXY=${P},direct"}, config: (*labRun).withGit, setup: (*labRun).behindTunnel,
	},
}
