// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"net/netip"
	"time"
)

// match returns the first rule whose conditions hold.
func (p *Policy) match(r Request, s Standing) *Rule {
	q := matcher{
		numbers: p.numbers, zones: p.zones, known: make([]byte, len(p.zones)), groups: make([]uint64, (len(p.groups)+63)/64),
		resource: none, anyOfKind: none, addr: r.Client.Addr.Unmap().WithZone(""), country: s.Place.Country, now: s.Now,
	}
	for _, g := range r.Groups {
		if i, ok := p.groups[g]; ok {
			q.groups[i/64] |= 1 << (i % 64)
		}
	}
	if i, ok := p.resources[r.Resource]; ok {
		q.resource = uint32(i)
	}
	if i, ok := p.resources[Resource{Kind: r.Resource.Kind}]; ok {
		q.anyOfKind = uint32(i)
	}
	for i := range p.conditions {
		if q.holds(&p.conditions[i]) {
			return &p.rules[i]
		}
	}
	return &p.fallback
}

// matcher is a request in the numbers of a policy.
type matcher struct {
	numbers             []uint32
	groups              []uint64 // a bit for each
	resource, anyOfKind uint32
	zones               []Zone
	known               []byte // of each zone: 0 not looked at, 1 inside, 2 outside
	addr                netip.Addr
	country             string
	now                 time.Time
}

// none is no number of anything.
const none = 1<<32 - 1

func (q *matcher) holds(c *conditions) bool {
	return (c.groups.empty() || q.inGroup(c.groups)) &&
		(c.resources.empty() || q.wants(c.resources)) &&
		(c.zones.empty() || q.inZone(c.zones)) &&
		(c.outside.empty() || !q.inZone(c.outside)) &&
		(len(c.windows) == 0 || q.inTime(c.windows))
}

func (q *matcher) inGroup(s span) bool {
	for _, g := range q.numbers[s.at:s.end] {
		if q.groups[g/64]&(1<<(g%64)) != 0 {
			return true
		}
	}
	return false
}

func (q *matcher) wants(s span) bool {
	for _, r := range q.numbers[s.at:s.end] {
		if r == q.resource || r == q.anyOfKind {
			return true
		}
	}
	return false
}

func (q *matcher) inZone(s span) bool {
	for _, z := range q.numbers[s.at:s.end] {
		if q.known[z] == 0 {
			q.known[z] = 2
			if q.zones[z].contains(q.addr, q.country) {
				q.known[z] = 1
			}
		}
		if q.known[z] == 1 {
			return true
		}
	}
	return false
}

func (q *matcher) inTime(windows []window) bool {
	for i := range windows {
		if windows[i].contains(q.now) {
			return true
		}
	}
	return false
}
