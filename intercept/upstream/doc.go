// Package upstream dials servers for the proxy: DNS, addresses, the parent proxy that
// the original environment names. It records every step in a [Trace].
//
// What must never happen here: using the child's environment (it names modtap itself),
// dialling one of modtap's own ports, or re-trying what the client would not have re-tried.
package upstream
