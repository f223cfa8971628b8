// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// BrokenStore is a store with one deliberate fault, to show that a suite finds
// it.
type BrokenStore struct {
	// Fault says what is broken.
	Fault string
	// Case is the name of the [StoreCase] that must fail.
	Case string
	// Wrap breaks a sound store.
	Wrap func(mfa.Store) mfa.Store
}

// BrokenStores returns stores that [StoreCases] must name.
func BrokenStores() []BrokenStore {
	return []BrokenStore{
		{"takes a challenge by reading and then writing", "challenge taken once", func(s mfa.Store) mfa.Store {
			return &nonAtomicTake{Store: s, taken: make(chan struct{}, parallel)}
		}},
		{"loses parallel charges", "parallel charges each count", func(s mfa.Store) mfa.Store {
			return &lostCounter{Store: s, read: make(chan struct{}, parallel)}
		}},
		{"joins no transaction", "transaction rolls back", func(s mfa.Store) mfa.Store { return joinsNone{s} }},
		{"lets statements pass after their transaction", "transaction ends", func(s mfa.Store) mfa.Store { return neverEnds{s} }},
		{"tells of no transaction", "transaction is told", func(s mfa.Store) mfa.Store { return tellsNone{s} }},
		{"updates whatever the version", "parallel updates of one version", func(s mfa.Store) mfa.Store { return blindUpdate{s} }},
		{"reads across tenants", "record of another person", func(s mfa.Store) mfa.Store { return crossTenant{s} }},
		{"keeps challenges alive after they were spent", "challenge spent once", func(s mfa.Store) mfa.Store { return unspent{s} }},
		{"spends anybody's ticket", "ticket spent once", func(s mfa.Store) mfa.Store { return anyTicket{s} }},
		{"ignores expiry", "challenge expiry and tries", func(s mfa.Store) mfa.Store { return immortal{s} }},
		{"forgets by what factor a browser is trusted", "device list and removal", func(s mfa.Store) mfa.Store { return kindless{s} }},
		{"keeps the contexts it was told to drop", "sightings newest kept", func(s mfa.Store) mfa.Store { return elephant{s} }},
		{"keeps no challenge when it drops", "challenge dropped by newer", func(s mfa.Store) mfa.Store { return keepsNone{s} }},
		{"unlocks while locked", "counter locks", func(s mfa.Store) mfa.Store { return unlocked{s} }},
		{"drops challenges across tenants", "challenge dropped by newer", func(s mfa.Store) mfa.Store { return dropsTwins{s} }},
		{"drops tickets across tenants", "ticket spent once", func(s mfa.Store) mfa.Store { return dropsTwins{s} }},
		{"drops devices across tenants", "device list and removal", func(s mfa.Store) mfa.Store { return dropsTwins{s} }},
		{"lists devices across tenants", "device list and removal", func(s mfa.Store) mfa.Store { return listsTwins{s} }},
		{"drops sightings of anybody but the newest", "sightings newest kept", func(s mfa.Store) mfa.Store { return &lastSeen{Store: s} }},
		{"clears everybody's counters", "counter of another person or kind", func(s mfa.Store) mfa.Store { return &clearsAll{Store: s} }},
		{"keeps expired devices", "expired rows deleted", func(s mfa.Store) mfa.Store { return &hoarder{Store: s} }},
	}
}

// nonAtomicTake lets every taker that read before the first write pass: it
// answers from the row as it was first read.
type nonAtomicTake struct {
	mfa.Store
	taken chan struct{}
}

func (b *nonAtomicTake) TakeChallenge(ctx context.Context, h [32]byte, now time.Time) (mfa.ChallengeRow, error) {
	c, err := b.Store.TakeChallenge(ctx, h, now)
	if errors.Is(err, mfa.ErrNotFound) && len(b.taken) > 0 {
		return mfa.ChallengeRow{Hash: h, ExpiresAt: now.Add(time.Minute)}, nil
	}
	b.taken <- struct{}{}
	return c, err
}

// lostCounter reports every second charge as passed without counting it.
type lostCounter struct {
	mfa.Store
	read chan struct{}
}

func (b *lostCounter) Charge(ctx context.Context, s mfa.Subject, name string, now time.Time, lock func(int) time.Duration) (mfa.Counter, bool, error) {
	select {
	case b.read <- struct{}{}:
		return b.Store.Charge(ctx, s, name, now, lock)
	default:
		<-b.read
		return mfa.Counter{Failures: 1}, true, nil
	}
}

// outside hides the transaction of a context, as a store does that runs its
// statements on the pool.
type outside struct{ context.Context }

func (o outside) Value(any) any { return nil }

type joinsNone struct{ mfa.Store }

func (b joinsNone) InTx(ctx context.Context, fn func(context.Context) error) error {
	return fn(outside{ctx})
}

type tellsNone struct{ mfa.Store }

func (tellsNone) Joins(context.Context) bool { return false }

type neverEnds struct{ mfa.Store }

func (b neverEnds) InTx(ctx context.Context, fn func(context.Context) error) error {
	if ctx.Value(neverKey{}) != nil {
		return fn(ctx)
	}
	return b.Store.InTx(ctx, func(inner context.Context) error {
		return fn(context.WithValue(inner, neverKey{}, ctx))
	})
}

func (b neverEnds) AddRecord(ctx context.Context, r mfa.Record) error {
	err := b.Store.AddRecord(ctx, r)
	if before, ok := ctx.Value(neverKey{}).(context.Context); ok && err != nil && !errors.Is(err, mfa.ErrExists) {
		return b.Store.AddRecord(before, r)
	}
	return err
}

type neverKey struct{}

type blindUpdate struct{ mfa.Store }

func (b blindUpdate) UpdateRecord(ctx context.Context, r mfa.Record) error {
	if rs, err := b.Records(ctx, r.Subject); err == nil {
		for _, now := range rs {
			if now.ID == r.ID {
				r.Version = now.Version
			}
		}
	}
	return b.Store.UpdateRecord(ctx, r)
}

type crossTenant struct{ mfa.Store }

func (b crossTenant) Records(ctx context.Context, s mfa.Subject) ([]mfa.Record, error) {
	rs, err := b.Store.Records(ctx, s)
	if err != nil || len(rs) > 0 {
		return rs, err
	}
	s.Tenant = "t"
	return b.Store.Records(ctx, s)
}

type unspent struct{ mfa.Store }

func (unspent) SpendChallenge(context.Context, [32]byte) error { return nil }

type anyTicket struct{ mfa.Store }

func (b anyTicket) SpendTicket(ctx context.Context, s mfa.Subject, h [32]byte, now time.Time) error {
	if t, err := b.Ticket(ctx, h, now); err == nil {
		s = t.Subject
	}
	return b.Store.SpendTicket(ctx, s, h, now)
}

type immortal struct{ mfa.Store }

func (b immortal) TakeChallenge(ctx context.Context, h [32]byte, _ time.Time) (mfa.ChallengeRow, error) {
	return b.Store.TakeChallenge(ctx, h, base)
}

type kindless struct{ mfa.Store }

func (b kindless) AddDevice(ctx context.Context, d mfa.Device) error {
	d.Kind = ""
	return b.Store.AddDevice(ctx, d)
}

type elephant struct{ mfa.Store }

func (elephant) DropSightings(context.Context, mfa.Subject) error { return nil }

type keepsNone struct{ mfa.Store }

func (b keepsNone) DropChallenges(ctx context.Context, s mfa.Subject, k mfa.Kind, p mfa.Purpose, _ int) error {
	return b.Store.DropChallenges(ctx, s, k, p, 0)
}

type unlocked struct{ mfa.Store }

func (b unlocked) Charge(ctx context.Context, s mfa.Subject, name string, now time.Time, lock func(int) time.Duration) (mfa.Counter, bool, error) {
	return b.Store.Charge(ctx, s, name, now, func(int) time.Duration { return 0 })
}

// twins are the same id in both tenants of the cases, as a statement sees them
// that forgets the tenant.
func twins(s mfa.Subject) []mfa.Subject {
	return []mfa.Subject{{Tenant: "t", ID: s.ID}, {Tenant: "another", ID: s.ID}}
}

type dropsTwins struct{ mfa.Store }

func (b dropsTwins) DropChallenges(ctx context.Context, s mfa.Subject, k mfa.Kind, p mfa.Purpose, keep int) (err error) {
	for _, s := range twins(s) {
		err = errors.Join(err, b.Store.DropChallenges(ctx, s, k, p, keep))
	}
	return err
}

func (b dropsTwins) DropTickets(ctx context.Context, s mfa.Subject) (err error) {
	for _, s := range twins(s) {
		err = errors.Join(err, b.Store.DropTickets(ctx, s))
	}
	return err
}

func (b dropsTwins) DropDevices(ctx context.Context, s mfa.Subject) (err error) {
	for _, s := range twins(s) {
		err = errors.Join(err, b.Store.DropDevices(ctx, s))
	}
	return err
}

type listsTwins struct{ mfa.Store }

func (b listsTwins) Devices(ctx context.Context, s mfa.Subject, now time.Time) (out []mfa.Device, err error) {
	for _, s := range twins(s) {
		ds, err := b.Store.Devices(ctx, s, now)
		if err != nil {
			return nil, err
		}
		out = append(out, ds...)
	}
	return out, nil
}

// lastSeen trims the sightings of whom it was last told when it is told of
// another.
type lastSeen struct {
	mfa.Store
	last mfa.Subject
}

func (b *lastSeen) AddSighting(ctx context.Context, s mfa.Sighting, keep int) error {
	if last := b.last; last != s.Subject {
		b.last = s.Subject
		if err := b.DropSightings(ctx, last); err != nil {
			return err
		}
	}
	return b.Store.AddSighting(ctx, s, keep)
}

type clearsAll struct {
	mfa.Store
	mu     sync.Mutex
	people []mfa.Subject
}

func (b *clearsAll) Charge(ctx context.Context, s mfa.Subject, name string, now time.Time, lock func(int) time.Duration) (mfa.Counter, bool, error) {
	b.mu.Lock()
	b.people = append(b.people, s)
	b.mu.Unlock()
	return b.Store.Charge(ctx, s, name, now, lock)
}

func (b *clearsAll) ClearCounter(ctx context.Context, _ mfa.Subject, name string) (err error) {
	for _, s := range b.people {
		err = errors.Join(err, b.Store.ClearCounter(ctx, s, name))
	}
	return err
}

// hoarder still lists the devices that were to be deleted.
type hoarder struct {
	mfa.Store
	added []mfa.Device
	swept bool
}

func (b *hoarder) AddDevice(ctx context.Context, d mfa.Device) error {
	b.added = append(b.added, d)
	return b.Store.AddDevice(ctx, d)
}

func (b *hoarder) DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error) {
	b.swept = true
	return b.Store.DeleteExpired(ctx, now, limit)
}

func (b *hoarder) Devices(ctx context.Context, s mfa.Subject, now time.Time) ([]mfa.Device, error) {
	ds, err := b.Store.Devices(ctx, s, now)
	if !b.swept || len(ds) > 0 {
		return ds, err
	}
	for _, d := range b.added {
		if d.Subject == s && d.ExpiresAt.After(now) {
			ds = append(ds, d)
		}
	}
	return ds, err
}
