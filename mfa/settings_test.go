// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestSignalHour: who was seen within three hours of this time of day is known,
// over midnight too.
func TestSignalHour(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Contextual, Watch: []mfa.Signal{mfa.SignalHour}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		now, seen int // hours of the day
		known     bool
	}{
		{12, 12, true},
		{12, 9, true},
		{12, 15, true},
		{12, 8, false},
		{12, 16, false},
		{12, 0, false},
		{23, 2, true},
		{23, 3, false},
		{1, 22, true},
		{1, 21, false},
	} {
		day := noon.Truncate(24 * time.Hour)
		s := having(hasTOTP)
		s.Now = day.Add(time.Duration(24+c.now) * time.Hour)
		s.Sightings = []mfa.Sighting{{At: day.Add(time.Duration(c.seen) * time.Hour)}}
		d := p.Decide(proved(at(pwd, s.Now)), s)
		want, why := mfa.Ask, mfa.ReasonCode(mfa.SignalHour)
		if c.known {
			want, why = mfa.Allow, mfa.ReasonKnown
		}
		if d.Outcome != want || d.Reasons[0].Code != why {
			t.Errorf("at %d, seen at %d: %+v", c.now, c.seen, d)
		}
	}
}

// TestGraceFrom: grace runs from the later of the person's and the rule's
// beginning.
func TestGraceFrom(t *testing.T) {
	t.Parallel()
	const grace = 24 * time.Hour
	for _, c := range []struct{ since, from, until time.Duration }{
		{since: -48 * time.Hour, from: -time.Hour, until: grace - time.Hour},
		{since: -time.Hour, from: -48 * time.Hour, until: grace - time.Hour},
		{since: -48 * time.Hour, from: -24 * time.Hour}, // over
	} {
		p, err := mfa.NewPolicy(mfa.PolicyConfig{Default: mfa.Rule{
			NoFactor: mfa.NoFactor{Action: mfa.ActEnrol, Grace: grace, From: noon.Add(c.from)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		d := p.Decide(since(noon.Add(c.since), proved(pwd)), having())
		var until time.Time
		if c.until > 0 {
			until = noon.Add(c.until)
		}
		if d.Outcome != mfa.MustEnrol || d.Deferrable != (c.until > 0) || !d.Until.Equal(until) {
			t.Errorf("person since %v, rule from %v: %+v", c.since, c.from, d)
		}
	}
}

func TestFreshFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *mfa.Config) { c.Fresh = time.Minute })
	proof := r.fresh()
	for _, c := range []struct {
		wait time.Duration
		want bool
	}{{time.Minute, true}, {time.Microsecond, false}} {
		r.pass(c.wait)
		if got, err := r.flow.Fresh(t.Context(), alice, proof); got != c.want || err != nil {
			t.Errorf("after %v more: %v, %v", c.wait, got, err)
		}
	}
}

// TestPlaceOfClient: the caller knows better than addresses where a client is.
func TestPlaceOfClient(t *testing.T) {
	t.Parallel()
	p, err := mfa.NewPolicy(mfa.PolicyConfig{
		Zones:   []mfa.Zone{{Name: "home", Countries: []string{"CH"}}},
		Rules:   []mfa.Rule{{Name: "at home", Zones: []string{"home"}, Mode: mfa.Never}},
		Default: mfa.Rule{Mode: mfa.Deny},
	})
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.7")
	r := newRig(t, func(c *mfa.Config) { c.Policy, c.Geo = p, geo{addr.String(): sydney} })
	for _, c := range []struct {
		place mfa.Place
		want  mfa.Outcome
	}{{zurich, mfa.Allow}, {mfa.Place{}, mfa.Block}} {
		d, err := r.flow.Decide(t.Context(), mfa.Request{
			Subject: alice, Client: mfa.Client{Addr: addr, Place: c.place}, Authenticated: r.password(),
		})
		if err != nil || d.Outcome != c.want {
			t.Errorf("from %+v: %+v, %v", c.place, d, err)
		}
	}
}

func TestTicketTTL(t *testing.T) {
	t.Parallel()
	const longest = 30 * 24 * time.Hour
	r := newRig(t)
	for ttl, good := range map[time.Duration]bool{-1: false, longest: true, longest + 1: false} {
		if _, err := r.flow.IssueTicket(t.Context(), mfa.TicketInput{Subject: alice, TTL: ttl}); (err == nil) != good {
			t.Errorf("a ticket for %v: %v", ttl, err)
		}
	}
}
