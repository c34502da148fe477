// Package stream is the live view of a recording over HTTP: the websocket protocol
// modtap/1 with its server and its Go client, the page (given by the caller), the kept
// bodies and the HAR file.
//
// The protocol, which programs other than the browser page rely on:
//
//	GET /events[?since=SEQ]         (websocket, text frames of JSON, no compression)
//	← {"protocol":"modtap/1","session":{…},"now":TIME}   once; session is null before it is known
//	← {"seq":N,"events":[…],"lost":n}             then any number of these
//	→ {"snapshot":true}                           at any time: send me a snapshot
//
// Over plain HTTP: /api/body/ID is a kept body as text (?of=request: the request's),
// /api/recording.har the HAR file as it is now, /api/recording its name. All of it needs
// the token, in the query, as a bearer, or in the cookie that the page is given.
//
// Each element of events has exactly one of the keys session, exchange, conn, tunnel,
// process, finding and end ([recorder.Event]), holding a whole snapshot: the last one
// with an id wins, so a client keeps a map by id and never merges.
//
// A new client first gets a snapshot of the state in frames that carry "snapshot":true,
// then the live events. seq is what to give as since after a broken connection; it is 0
// while a snapshot is incomplete. lost > 0 says that events before this frame were
// dropped because the client fell behind: what it holds may be stale, so it asks for a
// snapshot. A frame has at most 256 events and is at most 100 ms late. The server closes
// with 1000 after the last event of an ended session, with 1001 when it stops before.
//
// What must never happen here: a slow client holding up the Log or another client, an
// answer to a page of another origin, and a recorded byte that a browser would
// interpret as anything but text.
package stream
