// Package stream is the live view of a recording over HTTP: the websocket protocol
// modtap/1 with its server and its Go client, the page (given by the caller), and the API
// with what the stream does not hold.
//
// The protocol, which programs other than the browser page rely on:
//
//	GET /events[?since=SEQ][&brief=1][&recording=ID]   (websocket, text frames of JSON, no compression)
//	← {"protocol":"modtap/1","session":{…},"now":TIME}   once; session is null before it is known
//	← {"seq":N,"events":[…],"lost":n}             then any number of these
//	→ {"snapshot":true}                           at any time: send me a snapshot
//
// Each element of events has exactly one of the keys session, exchange, conn, tunnel,
// process, finding and end ([recorder.Event]), holding a whole snapshot: the last one
// with an id wins, so a client keeps a map by id and never merges. With brief=1 exchanges
// come without the lists of headers and trailers.
//
// A new client first gets a snapshot of the state in frames that carry "snapshot":true,
// then the live events. seq is what to give as since after a broken connection; it is 0
// while a snapshot is incomplete. lost > 0 says that events before this frame were
// dropped because the client fell behind: what it holds may be stale, so it asks for a
// snapshot. (When the session has ended, one comes unasked.) A frame has at most 256 events
// and is at most 100 ms late, or 200 ms on a machine that is busy; snapshots are given at
// most four times a second. The server closes with 1000 after the last event of an ended
// session, with 1001 when it stops before, and cuts off who has taken nothing of a frame for
// 5 s.
//
// The API, over plain HTTP; errors are {"error":TEXT} with a status:
//
//	/api/exchange/ID              all that is known of a request, from memory or the recording
//	/api/exchanges?from=ID&n=N    {"exchanges":[…],"next":ID}: the next N by id, brief; next is 0 at the end
//	/api/conns?from=ID&n=N        {"conns":[…],"next":ID}, likewise
//	/api/body/ID                  a kept body as text; ?of=request: the request's. Of one that was
//	                              compressed the first 8 MiB; X-Modtap-Cut then tells how many bytes
//	/api/body/ID?as=zip           {"files":[{"name","size","packed","modified"}],"of":N}: what is in a zip
//	/api/report                   modtap.report/1 of what there is; 204: none yet
//	/api/ticket                   {"ticket":TEXT}: /?ticket=TEXT opens the page, once, within two minutes
//	/api/presence                 a websocket of the page's, as long as it is open: nothing is said on it
//	/api/recording                {"har":NAME,"parts":N,"title":TEXT}
//	/api/recording.har[?part=N]   the HAR file as it is now
//	POST /api/recordings          the body is a HAR to look at, X-File-Name its name (percent-encoded): {"recording":ID}
//
// All of it needs the token, in the query, as a bearer, or in the cookie that the page is
// given; recording=ID names a recording that was posted. POST needs the page's Origin, too.
//
// One feed for each recording and flavour encodes every frame once, while there are
// clients; they take the frames from its ring, each at its own pace.
//
// What must never happen here: a slow client holding up the Log or another client, an
// answer to a page of another origin, a recorded byte that a browser would interpret as
// anything but text, and a file read because a recording names it.
package stream
