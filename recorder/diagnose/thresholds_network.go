package diagnose

import (
	"time"

	"modtap/recorder"
)

// More thresholds, of the network findings; sources as in thresholds.go.
const (
	dnsSlowOnce  = recorder.Span(time.Second)            // chosen: one lookup alone is worth a word from here on
	dnsResend    = recorder.Span(5 * time.Second)        // go: net/dnsconfig_unix.go, the timeout of one query
	dnsResendTol = recorder.Span(600 * time.Millisecond) // measured: how much later than a multiple of dnsResend lookups ended
	dnsNormal    = recorder.Span(20 * time.Millisecond)  // chosen: a lookup, where none was healthy

	happyEyeballs = recorder.Span(250 * time.Millisecond) // go: net/dial.go starts IPv4 after 300 ms of IPv6
	ipv6Stall     = recorder.Span(5 * time.Second)        // chosen: of a handshake over IPv6; golang/go#76375 saw 14 s

	synTolerance = recorder.Span(60 * time.Millisecond) // measured on Linux 6.18
	synShare     = 0.06                                 // measured: of the step, on the way to later ones

	connectNormal = recorder.Span(50 * time.Millisecond)   // chosen: connecting, where it never went well
	tlsNormal     = recorder.Span(100 * time.Millisecond)  // chosen: a handshake, where it never went well
	tlsGivenUp    = recorder.Span(9500 * time.Millisecond) // go: tlsTimeout, less what the client spent before it
	helloBig      = 1000                                   // bytes: a ClientHello with ML-KEM has 1,400 to 1,800, one without 200 to 500

	resentShare = 0.03 // study: retransmissions of what we send are abnormal above 3 %
	resentMin   = 3    // chosen: below it the share means nothing

	// lossNear: nearer hosts are on this machine or beside it. A process that stalls there for
	// some ms makes the kernel send again what was not lost. measured
	lossNear = recorder.Span(2 * time.Millisecond)

	latencyHigh  = recorder.Span(150 * time.Millisecond) // chosen: between continents
	latencyInfo  = recorder.Span(60 * time.Millisecond)  // chosen: worth knowing, nothing to repair
	latencyNear  = recorder.Span(30 * time.Millisecond)  // chosen: what a mirror on the same continent takes
	latencyMin   = 20                                    // chosen: requests; fewer do not add up
	bandwidthUse = 0.1                                   // chosen: above it the line is the limit, not the latency
	smallAnswer  = 64 << 10                              // bytes: an answer that fits in the first two windows
	bulkAnswer   = 256 << 10                             // bytes: from here on the rate means something
	lineNormal   = 1250e3                                // bytes/s: 10 Mbit/s, an ordinary line
	lineSlow     = 500e3                                 // bytes/s, of all transfers together: above it the line is not slow
	hugeZip      = 20 << 20                              // bytes; go-command.md §4: zips of gin, cobra and viper are below 8 MB

	slowWait    = recorder.Span(time.Second)            // chosen: from request to first byte; proxy.golang.org takes 50 to 300 ms
	waitNormal  = recorder.Span(200 * time.Millisecond) // chosen: where no answer was quick
	waitInBulk  = recorder.Span(5 * time.Second)        // chosen: while the line is full, waits up to here may be the line's
	stallFactor = 3                                     // chosen: a transfer is no stall within so many times what its size takes
	stallRate   = 20e3                                  // bytes/s: as slow as a body may be, where no other tells
	paceMin     = 1 << 10                               // bytes: smaller bodies come with their headers
)

// The steps of a connect() whose SYNs were lost, that is after how long they were sent
// again: Linux since 6.5 and macOS (measured on 6.18; kernel commit ccce324d), Linux
// before, Windows.
var (
	synStepsNew     = []recorder.Span{ms(1030), ms(2050), ms(3070), ms(4100), ms(5120), ms(7140), ms(11290)}
	synStepsOld     = []recorder.Span{ms(1000), ms(3000), ms(7000), ms(15000)}
	synStepsWindows = []recorder.Span{ms(3000), ms(9000), ms(21000)}
)
