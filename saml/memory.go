// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

var errTxEnded = errors.New("saml: the context's transaction has ended")

// MemoryStore is a [Store] and [ParticipantStore] in memory.
type MemoryStore struct {
	max int

	mu      sync.Mutex
	records map[recordKey]Record
	parts   []Participant
	undo    []func() // of the running transaction, newest last
}

type recordKey struct {
	kind Kind
	key  string
}

// NewMemoryStore returns a store of one process that holds at most max rows.
// It loses everything at restart and must not be used by two replicas; full
// of unexpired rows it returns [ErrFull] and forgets nothing. A transaction
// holds the whole store, so calls inside of one must use its context.
func NewMemoryStore(max int) *MemoryStore {
	return &MemoryStore{max: max, records: map[recordKey]Record{}}
}

type memTxKey struct{ s *MemoryStore }

type memTx struct{ done bool } // guarded by MemoryStore.mu

// InTx runs fn alone and takes its effects back if it fails.
func (m *MemoryStore) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if tx, ok := ctx.Value(memTxKey{m}).(*memTx); ok {
		if tx.done {
			return errTxEnded
		}
		return fn(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memTx{}
	m.undo = nil
	committed := false
	defer func() {
		tx.done = true
		if !committed {
			for _, f := range slices.Backward(m.undo) {
				f()
			}
		}
		m.undo = nil
	}()
	if err := fn(context.WithValue(ctx, memTxKey{m}, tx)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	committed = true
	return nil
}

func (m *MemoryStore) do(ctx context.Context, fn func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.InTx(ctx, func(context.Context) error { return fn() })
}

func (m *MemoryStore) room(now time.Time) error {
	if len(m.records)+len(m.parts) < m.max {
		return nil
	}
	m.sweep(now, m.max)
	if len(m.records)+len(m.parts) < m.max {
		return nil
	}
	return ErrFull
}

func (m *MemoryStore) set(k recordKey, r Record) {
	old, had := m.records[k]
	m.undo = append(m.undo, func() {
		if had {
			m.records[k] = old
		} else {
			delete(m.records, k)
		}
	})
	m.records[k] = r
}

func (m *MemoryStore) unset(k recordKey) {
	old := m.records[k]
	m.undo = append(m.undo, func() { m.records[k] = old })
	delete(m.records, k)
}

func (m *MemoryStore) setParts(p []Participant) {
	old := m.parts
	m.undo = append(m.undo, func() { m.parts = old })
	m.parts = p
}

// Put inserts r.
func (m *MemoryStore) Put(ctx context.Context, r Record, now time.Time) error {
	return m.do(ctx, func() error {
		k := recordKey{r.Kind, r.Key}
		if old, ok := m.records[k]; ok {
			if now.Before(old.Expires) {
				return ErrExists
			}
		} else if err := m.room(now); err != nil {
			return err
		}
		r.Data = slices.Clone(r.Data)
		m.set(k, r)
		return nil
	})
}

// Get returns the record.
func (m *MemoryStore) Get(ctx context.Context, kind Kind, key string, now time.Time) (*Record, error) {
	return m.find(ctx, kind, key, now, false)
}

// Take removes the record and returns it.
func (m *MemoryStore) Take(ctx context.Context, kind Kind, key string, now time.Time) (*Record, error) {
	return m.find(ctx, kind, key, now, true)
}

func (m *MemoryStore) find(ctx context.Context, kind Kind, key string, now time.Time, take bool) (*Record, error) {
	var out *Record
	err := m.do(ctx, func() error {
		k := recordKey{kind, key}
		r, ok := m.records[k]
		if !ok || !now.Before(r.Expires) {
			return ErrNotFound
		}
		if take {
			m.unset(k)
		}
		r.Data = slices.Clone(r.Data)
		out = &r
		return nil
	})
	return out, err
}

// DeleteExpired removes expired rows.
func (m *MemoryStore) DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error) {
	n := 0
	err := m.do(ctx, func() error { n = m.sweep(now, limit); return nil })
	return n, err
}

func (m *MemoryStore) sweep(now time.Time, limit int) int {
	n := 0
	for k, r := range m.records {
		if n >= limit {
			return n
		}
		if !now.Before(r.Expires) {
			m.unset(k)
			n++
		}
	}
	kept := make([]Participant, 0, len(m.parts))
	for _, p := range m.parts {
		if n < limit && !now.Before(p.Expires) {
			n++
			continue
		}
		kept = append(kept, p)
	}
	m.setParts(kept)
	return n
}

// AddParticipant inserts p.
func (m *MemoryStore) AddParticipant(ctx context.Context, p Participant, now time.Time) error {
	return m.do(ctx, func() error {
		if i := m.part(p.SP, p.SessionIndex); i >= 0 {
			if now.Before(m.parts[i].Expires) {
				return ErrExists
			}
			m.setParts(slices.Concat(m.parts[:i], m.parts[i+1:]))
		}
		if err := m.room(now); err != nil {
			return err
		}
		m.setParts(append(slices.Clip(m.parts), p))
		return nil
	})
}

func (m *MemoryStore) part(sp, index string) int {
	return slices.IndexFunc(m.parts, func(p Participant) bool { return p.SP == sp && p.SessionIndex == index })
}

// Participants returns the participants of a session.
func (m *MemoryStore) Participants(ctx context.Context, session string, now time.Time) ([]Participant, error) {
	return m.filter(ctx, func(p Participant) bool { return p.Session == session && now.Before(p.Expires) })
}

// FindParticipants returns the participants of a service provider by NameID.
func (m *MemoryStore) FindParticipants(ctx context.Context, sp, nameKey string, now time.Time) ([]Participant, error) {
	return m.filter(ctx, func(p Participant) bool { return p.SP == sp && p.NameKey == nameKey && now.Before(p.Expires) })
}

func (m *MemoryStore) filter(ctx context.Context, keep func(Participant) bool) ([]Participant, error) {
	var out []Participant
	err := m.do(ctx, func() error {
		for _, p := range m.parts {
			if keep(p) {
				out = append(out, p)
			}
		}
		return nil
	})
	return out, err
}

// RemoveParticipant removes a participant.
func (m *MemoryStore) RemoveParticipant(ctx context.Context, sp, sessionIndex string) error {
	return m.do(ctx, func() error {
		i := m.part(sp, sessionIndex)
		if i < 0 {
			return ErrNotFound
		}
		m.setParts(slices.Concat(m.parts[:i], m.parts[i+1:]))
		return nil
	})
}
