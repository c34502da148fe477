package diagnose

import (
	"time"

	"modtap/recorder"
)

func ms(n float64) recorder.Span { return recorder.Span(n * float64(time.Millisecond)) }

// The thresholds, each with its source. "study" is the study of slow Go downloads on
// Windows that modtap puts into one command; "go" is the source of the go command or of
// net/http, 1.26; "measured" was measured for modtap; "chosen" is our own judgement.
const (
	badCost   = recorder.Span(2 * time.Second)        // chosen: a user notices, and a command is worth typing
	badShare  = 0.2                                   // chosen: of the wall time
	warnCost  = recorder.Span(500 * time.Millisecond) // chosen
	warnShare = 0.05                                  // chosen

	tlsSlow    = recorder.Span(800 * time.Millisecond)  // study: a handshake is abnormal above 800 ms
	tlsTimeout = recorder.Span(10 * time.Second)        // go: net/http's TLSHandshakeTimeout
	rttJitter  = recorder.Span(200 * time.Millisecond)  // study: RTT variation is abnormal above 200 ms
	dnsSlow    = recorder.Span(200 * time.Millisecond)  // chosen
	dnsTimeout = recorder.Span(4900 * time.Millisecond) // go: net's resolver asks a server again after 5 s
	slow404    = recorder.Span(5 * time.Second)         // proxy.golang.org answers what it has not in under 1 s; golang/go#73403
	fetchLimit = recorder.Span(55 * time.Second)        // proxy.golang.org gives up a fetch after 60 s, golang/go#57185
	stalled    = recorder.Span(10 * time.Second)        // chosen: no byte for so long
	slowRate   = 100 << 10                              // chosen, bytes/s: a .zip below it is the bandwidth's matter
	churn      = 0.2                                    // measured: handshakes per request above it are churn
	sumdbShare = 0.4                                    // measured: share of requests
	serialInfo = 0.25                                   // measured: share of the wall time

	maxOverhead = 0.05 // DESIGN §3.2: above it modtap's own time is said first
)

// OverheadWorth is what modtap's own time must be to be told: in a run that is over in a
// moment its share says nothing. chosen
const OverheadWorth = recorder.Span(100 * time.Millisecond)

// Of the go command's own matters.
const (
	notFoundUsual = recorder.Span(300 * time.Millisecond)  // go-command.md §4: proxy.golang.org says 404 within 0.05 to 0.3 s
	waste         = recorder.Span(200 * time.Millisecond)  // chosen: less wall time than this is not worth a line
	farLatency    = recorder.Span(100 * time.Millisecond)  // chosen: a wait per request below it is that of a good line (the lab's healthy path has 80 ms)
	probeSpread   = recorder.Span(100 * time.Millisecond)  // chosen: go asks for all prefixes of a path at once
	maxProbes     = 64                                     // chosen: searches at a time that are told apart
	chainLength   = 5                                      // chosen: .info files one after another from which on it is a chain
	manySlots     = 16                                     // measured: GOMAXPROCS=16 took 38.4 s down to 18.3 s at 200 ms
	fewSlots      = 4                                      // chosen: a GOMAXPROCS up to it can be the bottleneck
	slotsBusy     = 0.5                                    // chosen: share of the time in which all slots are taken
	unusedMods    = 50                                     // chosen: .mod files of versions that no .zip or .info was asked of
	bigFetch      = 20 << 20                               // chosen, bytes: as a .zip counts as huge
	slowFetch     = recorder.Span(10 * time.Second)        // chosen: one git fetch
	slowSSH       = recorder.Span(5 * time.Second)         // chosen: git ls-remote over a sound ssh takes 1 to 2 s
	hungSSH       = recorder.Span(time.Second)             // chosen: ssh ended this close to the end of a failed command
	diskWait      = recorder.Span(time.Second)             // study: a gap of more than 1 s is a matter of CPU, disk or lock
	lockWait      = recorder.Span(time.Second)             // the same
	slowHelper    = recorder.Span(time.Second)             // chosen: a credential helper answers within it
	quietShare    = 0.2                                    // chosen: less CPU than this share of a gap is no work
	insecureWait  = recorder.Span(4900 * time.Millisecond) // go: GOINSECURE hosts are given 5 s by https, then http is tried
)
