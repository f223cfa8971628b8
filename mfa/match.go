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
		zones: p.zones, known: make([]byte, len(p.zones)), groups: make([]uint64, (len(p.groups)+63)/64),
		resource: -1, anyOfKind: -1, addr: r.Client.Addr.Unmap().WithZone(""), country: s.Place.Country, now: s.Now,
	}
	for _, g := range r.Groups {
		if i, ok := p.groups[g]; ok {
			q.groups[i/64] |= 1 << (i % 64)
		}
	}
	if i, ok := p.resources[r.Resource]; ok {
		q.resource = i
	}
	if i, ok := p.resources[Resource{Kind: r.Resource.Kind}]; ok {
		q.anyOfKind = i
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
	groups              []uint64 // a bit for each
	resource, anyOfKind int
	zones               []Zone
	known               []byte // of each zone: 0 not looked at, 1 inside, 2 outside
	addr                netip.Addr
	country             string
	now                 time.Time
}

func (q *matcher) holds(c *conditions) bool {
	return (len(c.groups) == 0 || q.inGroup(c.groups)) &&
		(len(c.resources) == 0 || q.wants(c.resources)) &&
		(len(c.zones) == 0 || q.inZone(c.zones)) &&
		(len(c.outside) == 0 || !q.inZone(c.outside)) &&
		(len(c.windows) == 0 || q.inTime(c.windows))
}

func (q *matcher) inGroup(groups []int) bool {
	for _, g := range groups {
		if q.groups[g/64]&(1<<(g%64)) != 0 {
			return true
		}
	}
	return false
}

func (q *matcher) wants(resources []int) bool {
	for _, r := range resources {
		if r == q.resource || r == q.anyOfKind {
			return true
		}
	}
	return false
}

func (q *matcher) inZone(zones []int) bool {
	for _, z := range zones {
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
