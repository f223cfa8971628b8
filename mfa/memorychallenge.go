// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"maps"
	"slices"
	"time"
)

// AddChallenge implements [Store].
func (m *MemoryStore) AddChallenge(ctx context.Context, c ChallengeRow) error {
	return m.do(ctx, func() (func(), error) {
		m.told(c.CreatedAt)
		c.Sealed = slices.Clone(c.Sealed)
		return add(m, m.challenges, c.Hash, c)
	})
}

// add inserts a row that is counted.
func add[V any](m *MemoryStore, rows map[[32]byte]V, hash [32]byte, v V) (func(), error) {
	if _, taken := rows[hash]; taken {
		return nil, ErrExists
	}
	if err := m.room(); err != nil {
		return nil, err
	}
	rows[hash] = v
	m.rows++
	return func() {
		delete(rows, hash)
		m.rows--
	}, nil
}

// remove deletes the rows that match and returns what restores them.
func remove[K comparable, V any](m *MemoryStore, rows map[K]V, match func(K, V) bool) (func(), int) {
	gone := map[K]V{}
	for k, v := range rows {
		if match(k, v) {
			gone[k] = v
		}
	}
	for k := range gone {
		delete(rows, k)
	}
	m.rows -= len(gone)
	return func() {
		maps.Copy(rows, gone)
		m.rows += len(gone)
	}, len(gone)
}

// removeOne deletes one row.
func removeOne[V any](m *MemoryStore, rows map[[32]byte]V, hash [32]byte) func() {
	v := rows[hash]
	delete(rows, hash)
	m.rows--
	return func() {
		rows[hash] = v
		m.rows++
	}
}

// TakeChallenge implements [Store].
func (m *MemoryStore) TakeChallenge(ctx context.Context, hash [32]byte, now time.Time) (out ChallengeRow, err error) {
	err = m.do(ctx, func() (func(), error) {
		c, ok := m.challenges[hash]
		if !ok || c.Tries <= 0 || !c.ExpiresAt.After(now) {
			return nil, ErrNotFound
		}
		old := c
		c.Tries--
		m.challenges[hash] = c
		out = c
		out.Sealed = slices.Clone(c.Sealed)
		return func() { m.challenges[hash] = old }, nil
	})
	return out, err
}

// SpendChallenge implements [Store].
func (m *MemoryStore) SpendChallenge(ctx context.Context, hash [32]byte) error {
	return m.do(ctx, func() (func(), error) {
		if _, ok := m.challenges[hash]; !ok {
			return nil, ErrNotFound
		}
		return removeOne(m, m.challenges, hash), nil
	})
}

// DropChallenges implements [Store].
func (m *MemoryStore) DropChallenges(ctx context.Context, s Subject, k Kind, p Purpose, keep int) error {
	return m.do(ctx, func() (func(), error) {
		var all []ChallengeRow // newest first
		for _, c := range m.challenges {
			if c.Subject == s && c.Kind == k && c.Purpose == p {
				all = append(all, c)
			}
		}
		slices.SortFunc(all, func(a, b ChallengeRow) int { return b.CreatedAt.Compare(a.CreatedAt) })
		gone := map[[32]byte]bool{}
		for _, c := range all[min(keep, len(all)):] {
			gone[c.Hash] = true
		}
		undo, _ := remove(m, m.challenges, func(hash [32]byte, _ ChallengeRow) bool { return gone[hash] })
		return undo, nil
	})
}

// Charge implements [Store].
func (m *MemoryStore) Charge(ctx context.Context, s Subject, name string, now time.Time, lock func(int) time.Duration) (out Counter, ok bool, err error) {
	err = m.do(ctx, func() (func(), error) {
		m.told(now)
		old, exists := m.counters[s][name]
		if out = old; old.LockedUntil.After(now) {
			return nil, nil
		}
		if !exists {
			if err := m.room(); err != nil {
				return nil, err
			}
		}
		ok = true
		out = Counter{Failures: old.Failures + 1}
		if d := lock(out.Failures); d > 0 {
			out.LockedUntil = now.Add(d)
		}
		m.setCounter(s, name, out, true)
		return func() { m.setCounter(s, name, old, exists) }, nil
	})
	return out, ok, err
}

func (m *MemoryStore) setCounter(s Subject, name string, c Counter, exists bool) {
	if _, was := m.counters[s][name]; was {
		m.rows--
	}
	if !exists {
		delete(m.counters[s], name)
		if len(m.counters[s]) == 0 {
			delete(m.counters, s)
		}
		return
	}
	if m.counters[s] == nil {
		m.counters[s] = map[string]Counter{}
	}
	m.counters[s][name] = c
	m.rows++
}

// ClearCounter implements [Store].
func (m *MemoryStore) ClearCounter(ctx context.Context, s Subject, name string) error {
	return m.do(ctx, func() (func(), error) {
		old, exists := m.counters[s][name]
		if !exists {
			return nil, nil
		}
		m.setCounter(s, name, Counter{}, false)
		return func() { m.setCounter(s, name, old, true) }, nil
	})
}

// Counters implements [Store].
func (m *MemoryStore) Counters(ctx context.Context, s Subject) (out map[string]Counter, err error) {
	err = m.do(ctx, func() (func(), error) {
		out = maps.Clone(m.counters[s])
		return nil, nil
	})
	return out, err
}

// AddTicket implements [Store].
func (m *MemoryStore) AddTicket(ctx context.Context, t Ticket) error {
	return m.do(ctx, func() (func(), error) { return add(m, m.tickets, t.Hash, t) })
}

// Ticket implements [Store].
func (m *MemoryStore) Ticket(ctx context.Context, hash [32]byte, now time.Time) (out Ticket, err error) {
	err = m.do(ctx, func() (func(), error) {
		t, ok := m.tickets[hash]
		if !ok || !t.ExpiresAt.After(now) {
			return nil, ErrNotFound
		}
		out = t
		return nil, nil
	})
	return out, err
}

// SpendTicket implements [Store].
func (m *MemoryStore) SpendTicket(ctx context.Context, s Subject, hash [32]byte, now time.Time) error {
	return m.do(ctx, func() (func(), error) {
		t, ok := m.tickets[hash]
		if !ok || t.Subject != s || !t.ExpiresAt.After(now) {
			return nil, ErrNotFound
		}
		return removeOne(m, m.tickets, hash), nil
	})
}

// DropTickets implements [Store].
func (m *MemoryStore) DropTickets(ctx context.Context, s Subject) error {
	return m.do(ctx, func() (func(), error) {
		undo, _ := remove(m, m.tickets, func(_ [32]byte, t Ticket) bool { return t.Subject == s })
		return undo, nil
	})
}
