// Package origintest is test support: the network that the go command talks to, on loopback.
//
// An [Origin] is a TLS server for every *.golang.test name. It serves a generated GOPROXY
// tree with correct zips and hashes, and a checksum database that the real go command
// verifies; with [Config.Git] also git repositories. [Knob] and [Handshake] make it slow,
// wrong or broken, per request, while it runs; it counts what it was asked, so a test can
// compare what modtap says with what happened. [DNS] resolves the names (modtap --resolver),
// [ConnectProxy] is a plain tunnel for runs without modtap, and [GoEnv] is an environment
// for the child in which nothing of the developer's machine is left.
//
// The names matter: Go never sends localhost or loopback addresses through a proxy, so an
// origin without a name would bypass modtap and every test would pass.
//
// A true connect delay (a slow or lost SYN) cannot be made by a listener: the kernel accepts
// before the program knows. Use cmd/netlab for that.
//
// Nothing here may be reached from the modtap program, and nothing here uses modtap's own
// classification or timing: ground truth must not come from the code under test.
package origintest
