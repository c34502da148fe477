// Package recorder holds what modtap knows about a session: the exchanges, the
// connections and tunnels under them, the session itself and what was found, and
// the [Log] through which all of it flows.
//
// The proxy appends snapshots to the Log; everything else (the HAR file, the event
// stream, the status line, the report) reads from it with a cursor of its own. A
// snapshot is whole and immutable: the last one with an id wins, so no reader has
// merge logic. A recording read from disk yields the same types as a live session.
//
// What must never happen here: waiting for a reader while a request is being
// relayed, logging, touching the network, or keeping a secret that redaction
// should have removed ([Redactor] runs before a snapshot is appended).
package recorder
