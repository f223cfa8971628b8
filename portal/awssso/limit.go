// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// limiter is a rate limit (GCRA) over a fixed table, so that no caller can
// grow it. It is a soft bound of one replica: a key that collides with another
// starts anew. What has to hold exactly is counted in the store.
type limiter struct {
	every time.Duration
	burst time.Duration
	seed  maphash.Seed

	mu    sync.Mutex
	slots []slot
}

type slot struct {
	key uint64
	tat time.Time // theoretical arrival time
}

func newLimiter(size int, every time.Duration, burst int) *limiter {
	return &limiter{every: every, burst: every * time.Duration(burst), seed: maphash.MakeSeed(), slots: make([]slot, size)}
}

// allow counts one call of key at now.
func (l *limiter) allow(key string, now time.Time) bool {
	h := maphash.String(l.seed, key)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.slots[h%uint64(len(l.slots))]
	if s.key != h || s.tat.Before(now) {
		*s = slot{key: h, tat: now}
	}
	next := s.tat.Add(l.every)
	if next.Sub(now) > l.burst {
		return false
	}
	s.tat = next
	return true
}

// network is what counts as one network: an IPv4 address, an IPv6 /64, and all
// of loopback, where a browser may come by ::1 and a program by 127.0.0.1.
func network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	switch {
	case !addr.IsValid():
		return "unknown"
	case addr.IsLoopback():
		return "this computer"
	case addr.Is4():
		return addr.String()
	default:
		p, _ := addr.Prefix(64)
		return p.String()
	}
}
