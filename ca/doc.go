// Package ca is the certificate authority of modtap: the root that the child is told
// to trust, the leaves that stand in for the servers, and the bundle of everything
// the child must trust.
//
// A root is made once, either in memory for one run ([New]) or as a pair of files
// ([LoadOrCreate], [Load], [Rotate]). Leaves are minted from it on demand
// ([Authority.Leaf]); where the server's own certificate was bad, the leaf is bad in
// the same way, so that the client fails with the words it would have used itself.
//
// What must never happen here: a good leaf for a server whose certificate was
// rejected (a flaw that cannot be rebuilt becomes an unknown authority); a private key
// in anything that is printed, returned as PEM, or bundled; a key on disk that others
// can read; logging; touching a trust store (that is package ca/trust, and always the
// user's own command).
package ca
