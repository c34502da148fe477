package ca

import (
	"crypto/tls"
	"sync"
	"time"
)

const (
	// maxLeaves bounds the memory of a proxy that runs for months. A go command sees
	// tens of hosts; minting again after an eviction costs about 0.1 ms.
	maxLeaves = 1024

	// renewAfter replaces a leaf well before its end.
	renewAfter = leafLife / 2
)

// leafKey is what a leaf depends on: the same host with another verdict is another
// certificate.
type leafKey struct {
	target target
	flaw   flaw
}

// leafCache mints each leaf once and forgets the oldest when it is full.
type leafCache struct {
	mu      sync.Mutex
	entries map[leafKey]*leafEntry
	order   []leafKey // ring of the keys in the order they were added
	oldest  int
}

type leafEntry struct {
	get   func() (*tls.Certificate, error) // mints on the first call, the others wait for it
	renew time.Time
}

func newLeafCache(size int) *leafCache {
	return &leafCache{
		entries: make(map[leafKey]*leafEntry),
		order:   make([]leafKey, 0, size),
	}
}

// get returns the leaf for key and mints it if there is none. Callers that miss the
// same key at the same time share one minting; callers of other keys do not wait.
func (c *leafCache) get(key leafKey, now time.Time, mint func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	// The wall clock decides, as it does for the client: the monotonic one stands still
	// while a laptop sleeps.
	now = now.Round(0)
	c.mu.Lock()
	e := c.entries[key]
	if e == nil || now.After(e.renew) {
		if e == nil {
			c.makeRoom(key)
		}
		e = &leafEntry{get: sync.OnceValues(mint), renew: now.Add(renewAfter)}
		c.entries[key] = e
	}
	c.mu.Unlock()

	cert, err := e.get()
	if err != nil {
		c.forget(key, e)
	}
	return cert, err
}

// makeRoom notes that key is the newest and drops the oldest if the cache is full. The
// caller holds the lock.
func (c *leafCache) makeRoom(key leafKey) {
	if len(c.order) < cap(c.order) {
		c.order = append(c.order, key)
		return
	}
	delete(c.entries, c.order[c.oldest])
	c.order[c.oldest] = key
	c.oldest = (c.oldest + 1) % len(c.order)
}

// forget drops a leaf that could not be minted, so that the next caller tries again.
// Its key stays in the ring, where at worst it evicts its own successor early.
func (c *leafCache) forget(key leafKey, e *leafEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[key] == e {
		delete(c.entries, key)
	}
}
