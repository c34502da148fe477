package recorder

// TCP is what the kernel says of one connection of modtap to a server, or to the parent
// proxy on the way to it: then the Note says so. Counters count from its opening on a Conn,
// and during the exchange on an Exchange; requests that shared the connection meanwhile
// have their part in them. Negative is "this system does not say"; it is never to be shown
// as 0.
//
// What a downloader's kernel cannot tell is how much of the download was lost: Retrans
// counts what modtap sent again, and Reordered is a sign, not a rate
// (segments that arrived behind a hole: a loss, or packets that overtook others).
type TCP struct {
	Samples int `json:"samples"` // answers of the kernel that this was made of; 0: there are no numbers

	RTT    Span `json:"rtt_ms"`     // smoothed round-trip time at the last sample, the server's delay of its acknowledgements included
	RTTVar Span `json:"rttvar_ms"`  // its mean deviation (RFC 6298), which begins as half of the first RTT; not on Windows
	MinRTT Span `json:"min_rtt_ms"` // the least the kernel has seen, of an Exchange too since the opening; not on macOS
	MaxRTT Span `json:"max_rtt_ms"` // the largest RTT of our samples

	Retrans      int64 `json:"retrans"`       // segments that we sent again: Linux with the SYNs, macOS without, Windows does not count them
	RetransBytes int64 `json:"retrans_bytes"` // payload bytes that we sent again
	SynRetrans   int64 `json:"syn_retrans"`   // SYNs that we sent again; of an Exchange 0 if it did not open the connection; not on macOS
	SegsOut      int64 `json:"segs_out"`      // segments that we sent, SYN and acknowledgements included; not on Windows
	BytesOut     int64 `json:"bytes_out"`     // payload bytes that we sent; on Linux with those sent again
	Reordered    int64 `json:"reordered"`     // what arrived behind a hole: segments on Linux, bytes on macOS and Windows

	RwndLimit Span `json:"rwnd_limited_ms"`   // time our sending waited for the server's window; Linux, and Windows 10 since 1709
	SndLimit  Span `json:"sndbuf_limited_ms"` // time it waited for our own buffer; likewise

	Note string `json:"note,omitempty"` // why there are no numbers, or whose they are
}
