package intercept

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHistoryIsBounded(t *testing.T) {
	var h history
	for i := range 2 * historySize {
		h.add(fmt.Sprint("GET https://a.test/", i), lead{redirect: true})
		h.add(fmt.Sprint("GET https://a.test/", i, strings.Repeat("x", maxKey)), lead{redirect: true})
	}
	size := 0
	for key := range h.next {
		size += len(key)
	}
	if len(h.next) != historySize || len(h.keys) != historySize || size > historySize*maxKey/10 {
		t.Errorf("%d leads (%d keys) of %d bytes", len(h.next), len(h.keys), size)
	}
}

// In a serve that runs for weeks the same URL comes up again.
func TestLeadsGrowOld(t *testing.T) {
	var h history
	now := time.Now()
	h.add("GET https://a.test/", lead{id: 1, at: now, redirect: true})
	for after, want := range map[time.Duration]bool{time.Second: true, 30 * time.Second: true, time.Hour: false} {
		if _, ok := h.take(func() string { return "GET https://a.test/" }, now.Add(after)); ok != want {
			t.Errorf("a request %v after the redirect: %v, want %v", after, ok, want)
		}
	}
}
