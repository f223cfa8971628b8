// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/session"
)

// BrokenStore is a store with one deliberate fault, to show that the suite
// finds it.
type BrokenStore struct {
	Fault string // what is broken
	Case  string // the name of the [Case] that must fail
	Wrap  func(Store) Store
}

// BrokenStores returns stores that the suite must name.
func BrokenStores() []BrokenStore {
	return []BrokenStore{
		{"joins no transaction", "transaction rolls back", func(s Store) Store { return joinsNone{s} }},
		{"lets statements pass after their transaction", "transaction's context ends", func(s Store) Store { return neverEnds{s} }},
		{"takes a flow by reading and then deleting", "flow is taken once", func(s Store) Store { return &nonAtomicTake{Store: s, seen: map[string][]byte{}} }},
		{"loses an update", "parallel updates of one version", func(s Store) Store { return lostUpdate{s} }},
		{"reads across sources", "a person is found through its source", func(s Store) Store { return crossSource{s} }},
		{"adds members of another source", "members are of one source", func(s Store) Store { return anyMember{s} }},
		{"keeps sessions of disabled people", "session follows its person", func(s Store) Store { return &keepsSessions{Store: s, seen: map[string]session.Session{}} }},
		{"revokes anybody's session", "session of another person", func(s Store) Store { return anyRevoke{s} }},
		{"dismisses anybody's notice", "notices are a person's own", func(s Store) Store { return anyDismiss{s} }},
		{"keeps every notice", "notices are bounded", func(s Store) Store { return &everyNotice{Store: s} }},
		{"tells of what was rolled back", "notice commits with its cause", func(s Store) Store { return joinsNone{s} }},
		{"deletes newer events too", "old events are deleted", func(s Store) Store { return deletesAll{s} }},
		{"reads everybody's events", "events of a person", func(s Store) Store { return everybody{s} }},
		{"sets the clock back", "clock goes forward", func(s Store) Store { return clockGoesBack{s} }},
		{"ignores the limit", "limit admits a burst", func(s Store) Store { return noLimit{s} }},
		{"ignores expiry", "flow expires", func(s Store) Store { return immortal{s} }},
		{"grants to everybody", "grants by person and group", func(s Store) Store { return grantsAll{s} }},
	}
}

// plain hides the transaction of a context.
type plain struct{ context.Context }

// Value finds nothing.
func (plain) Value(any) any { return nil }

type joinsNone struct{ Store }

func (b joinsNone) PutSource(ctx context.Context, s *directory.Source) error {
	return b.Store.PutSource(plain{ctx}, s)
}

func (b joinsNone) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return fn(ctx)
}

type neverEnds struct{ Store }

func (b neverEnds) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return b.Store.InTx(ctx, func(context.Context) error { return fn(ctx) })
}

type nonAtomicTake struct {
	Store
	mu   sync.Mutex
	seen map[string][]byte
}

func (b *nonAtomicTake) TakeFlow(ctx context.Context, hash string, now time.Time) ([]byte, error) {
	state, err := b.Store.TakeFlow(ctx, hash, now)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.seen[hash] = state
	}
	if old, ok := b.seen[hash]; ok {
		return old, nil
	}
	return state, err
}

type lostUpdate struct{ Store }

func (b lostUpdate) UpdatePerson(ctx context.Context, p *directory.Person, folded string) error {
	err := b.Store.UpdatePerson(ctx, p, folded)
	if errors.Is(err, directory.ErrVersion) {
		return nil
	}
	return err
}

type crossSource struct{ Store }

func (b crossSource) PersonBySubject(ctx context.Context, sourceID, subject string) (*directory.Person, error) {
	p, err := b.Store.PersonBySubject(ctx, sourceID, subject)
	if err != nil {
		return b.Person(ctx, subject)
	}
	return p, nil
}

type anyMember struct{ Store }

func (b anyMember) AddMembers(ctx context.Context, groupID string, ids []string) error {
	if err := b.Store.AddMembers(ctx, groupID, ids); err != nil && !errors.Is(err, directory.ErrNotFound) {
		return err
	}
	return nil
}

type keepsSessions struct {
	Store
	mu   sync.Mutex
	seen map[string]session.Session
}

func (b *keepsSessions) LookupSession(ctx context.Context, hash string) (*session.Session, error) {
	s, err := b.Store.LookupSession(ctx, hash)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.seen[hash] = *s
	}
	if old, ok := b.seen[hash]; ok {
		return &old, nil
	}
	return s, err
}

type anyRevoke struct{ Store }

func (b anyRevoke) RevokeSession(ctx context.Context, _, id string, now time.Time) error {
	s, err := b.SessionByID(ctx, id)
	if err != nil {
		return err
	}
	return b.Store.RevokeSession(ctx, s.PersonID, id, now)
}

type deletesAll struct{ Store }

func (b deletesAll) DeleteEvents(ctx context.Context, _ string, limit int) (int, error) {
	return b.Store.DeleteEvents(ctx, "0E", limit)
}

type anyDismiss struct{ Store }

func (b anyDismiss) DismissNotice(ctx context.Context, personID, id string) error {
	err := b.Store.DismissNotice(ctx, personID, id)
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}

type everyNotice struct {
	Store
	kept []session.Notice // newest first
}

func (b *everyNotice) AddNotice(ctx context.Context, n session.Notice) error {
	b.kept = append([]session.Notice{n}, b.kept...)
	return b.Store.AddNotice(ctx, n)
}

func (b *everyNotice) NoticesOf(_ context.Context, personID string) ([]session.Notice, error) {
	var out []session.Notice
	for _, n := range b.kept {
		if n.PersonID == personID {
			out = append(out, n)
		}
	}
	return out, nil
}

type everybody struct{ Store }

func (b everybody) EventsOf(ctx context.Context, _, from, before string, limit int) ([]audit.Event, error) {
	events, err := b.Events(ctx, before, limit)
	return slices.DeleteFunc(events, func(e audit.Event) bool { return e.ID < from }), err
}

type noLimit struct{ Store }

func (noLimit) TakeLimit(context.Context, string, time.Time, time.Duration, int) (bool, time.Duration, error) {
	return true, 0, nil
}

type immortal struct{ Store }

func (b immortal) Flow(ctx context.Context, hash string, _ time.Time) ([]byte, error) {
	return b.Store.Flow(ctx, hash, time.Unix(0, 0))
}

type grantsAll struct{ Store }

func (b grantsAll) GrantsOf(ctx context.Context, personID, accountID string) ([]access.Grant, error) {
	all, err := b.Assignments(ctx)
	var out []access.Grant
	for _, a := range all {
		out = append(out, access.Grant{Assignment: a})
	}
	return out, err
}
