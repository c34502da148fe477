// Package intercept is the proxy: it stands between the go command (and the git under
// it) and the network, lets everything through unchanged, and measures both legs.
//
// One CONNECT becomes a tunnel (tunnel.go): the server is dialled before the CONNECT is
// answered, its TLS handshake runs while the client waits for ours (handshake.go), and
// the client is shown what the server showed: its protocol, its failures, and where its
// certificate is bad a certificate that is bad in the same way. The decrypted connection
// goes to the server of its protocol (h1serve.go; inner.go for HTTP/2), whose handler
// re-enters goproxy (forward.go), where each request is sent by a [Tap] on the one upstream
// connection (h1conn.go; net/http's for HTTP/2) that mirrors the client's. What net/http
// would say in words of its own (the code of a RST_STREAM, a GOAWAY, the reason of a status)
// is the server's again on its way out (frames.go, h1writer.go). How a request ends for its client is decided in one place, settle.
//
// What answers tell of version control (repos.go, attribute.go) only names what later
// requests fetch; it changes none of them.
//
// In reverse mode (reverse.go) the go command is not a client of the proxy but has it as
// its GOPROXY, over plain HTTP/1.1. The same Tap sends what package reverse says a path
// stands for. With no connection of the client's to mirror, all clients share one leg: a
// server of HTTP/2 sees one connection, one of HTTP/1.1 as many as requests were in flight
// at once, where the go command keeps two idle ones and opens new ones all the time.
//
// What must never happen here: time of ours charged to the server, a request changed
// without its record saying so, a failure turned into another one, the data path waiting
// for a reader of the log, a connection opened that the client did not ask for (but to
// replace one that the server told to go away).
package intercept
