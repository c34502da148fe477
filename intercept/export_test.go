package intercept

import "time"

// Unhurried lets the first request of a client's connection come up to d after its handshake
// and still be charged with the opening: a busy machine may need longer than the 5 ms.
func (p *Proxy) Unhurried(d time.Duration) { p.claimWithin = d }
