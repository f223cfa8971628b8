// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

const (
	limitEvery = 50 * time.Millisecond // one request in the long run
	limitBurst = 200
	limitRows  = 1 << 16
)

// limiter lets each client send a burst and then one request every so often:
// it keeps for each the time at which all its requests would be paid for.
type limiter struct {
	now func() time.Time

	mu   sync.Mutex
	paid map[netip.Addr]time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, paid: map[netip.Addr]time.Time{}}
}

func (l *limiter) allow(client netip.Addr) bool {
	if client.Is6() { // one customer has a whole /64
		p, _ := client.Prefix(64)
		client = p.Addr()
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	paid := l.paid[client]
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(limitEvery)
	if paid.Sub(now) > limitBurst*limitEvery {
		return false
	}
	if _, known := l.paid[client]; !known && len(l.paid) >= limitRows {
		return false
	}
	l.paid[client] = paid
	return true
}

// run forgets clients that owe nothing until ctx ends.
func (l *limiter) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := l.now()
		l.mu.Lock()
		for k, paid := range l.paid {
			if paid.Before(now) {
				delete(l.paid, k)
			}
		}
		l.mu.Unlock()
	}
}
