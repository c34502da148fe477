// Package child is about the command that modtap records: the environment that makes
// it use the proxy, finding its program, starting it, passing signals on, and what it
// used when it ended.
//
// What must never happen here: touching the child's stdio, changing anything of its
// environment that is not needed to see its requests, or changing modtap's own
// environment, by which the upstream leg reaches the network.
package child
