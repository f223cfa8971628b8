// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// MemoryStore is a [Store] in the memory of one process: for tests, examples
// and programs that may forget on restart. It holds up to a number of rows. When
// they are all taken it removes the challenges and tickets that have expired by
// the latest time it was told, and then refuses new rows with [ErrFull], rather
// than forget what has not.
//
// One transaction runs at a time. Inside of one only calls with its context
// proceed: a call with an outer context waits for its end, and so would wait
// for itself.
type MemoryStore struct {
	max int

	mu         sync.Mutex // held by a transaction, or by a call outside of any
	rows       int
	latest     time.Time            // that a call told
	restore    func()               // undoes what room removed in this statement
	records    map[Subject][]Record // oldest first
	keys       map[recordKey]recordRef
	ids        map[string]bool
	challenges map[[32]byte]ChallengeRow
	counters   map[Subject]map[string]Counter
	tickets    map[[32]byte]Ticket
	devices    map[Subject][]Device   // newest first
	sightings  map[Subject][]Sighting // newest first
}

type recordKey struct {
	kind Kind
	key  string
}

type recordRef struct {
	subject Subject
	id      string
}

// NewMemoryStore returns an empty store for up to max rows.
func NewMemoryStore(max int) *MemoryStore {
	return &MemoryStore{
		max: max, records: map[Subject][]Record{}, keys: map[recordKey]recordRef{}, ids: map[string]bool{},
		challenges: map[[32]byte]ChallengeRow{}, counters: map[Subject]map[string]Counter{},
		tickets: map[[32]byte]Ticket{}, devices: map[Subject][]Device{}, sightings: map[Subject][]Sighting{},
	}
}

type memoryKey struct{ m *MemoryStore }

// memoryTx keeps what undoes its statements.
type memoryTx struct {
	mu   sync.Mutex
	done bool
	undo []func()
}

var errMemoryDone = errors.New("mfa: the context's transaction has ended")

// InTx runs fn in a transaction.
func (m *MemoryStore) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if tx, ok := ctx.Value(memoryKey{m}).(*memoryTx); ok {
		tx.mu.Lock()
		done := tx.done
		tx.mu.Unlock()
		if done {
			return errMemoryDone
		}
		return fn(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{}
	committed := false
	defer func() { tx.end(committed) }()
	if err := fn(context.WithValue(ctx, memoryKey{m}, tx)); err != nil {
		return err
	}
	committed = true
	return nil
}

// Joins implements [Store].
func (m *MemoryStore) Joins(ctx context.Context) bool {
	tx, ok := ctx.Value(memoryKey{m}).(*memoryTx)
	if !ok {
		return false
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return !tx.done
}

func (tx *memoryTx) end(committed bool) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.done = true
	if committed {
		return
	}
	for _, u := range slices.Backward(tx.undo) {
		u()
	}
}

// do runs one statement, which returns what undoes it.
func (m *MemoryStore) do(ctx context.Context, stmt func() (undo func(), err error)) error {
	if tx, ok := ctx.Value(memoryKey{m}).(*memoryTx); ok {
		tx.mu.Lock()
		defer tx.mu.Unlock()
		if tx.done {
			return errMemoryDone
		}
		m.restore = nil
		undo, err := stmt()
		for _, u := range []func(){m.restore, undo} {
			if u != nil {
				tx.undo = append(tx.undo, u)
			}
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := stmt()
	return err
}

// told keeps the latest time, by which room knows what has expired.
func (m *MemoryStore) told(now time.Time) {
	if now.After(m.latest) {
		m.latest = now
	}
}

func (m *MemoryStore) room() error {
	if m.rows < m.max {
		return nil
	}
	challenges, _ := remove(m, m.challenges, func(_ [32]byte, c ChallengeRow) bool { return !c.ExpiresAt.After(m.latest) })
	tickets, _ := remove(m, m.tickets, func(_ [32]byte, t Ticket) bool { return !t.ExpiresAt.After(m.latest) })
	m.restore = func() {
		tickets()
		challenges()
	}
	if m.rows >= m.max {
		return ErrFull
	}
	return nil
}

// AddRecord implements [Store].
func (m *MemoryStore) AddRecord(ctx context.Context, r Record) error {
	return m.do(ctx, func() (func(), error) {
		k := recordKey{r.Kind, r.Key}
		if _, taken := m.keys[k]; m.ids[r.ID] || r.Key != "" && taken {
			return nil, ErrExists
		}
		if err := m.room(); err != nil {
			return nil, err
		}
		old := m.records[r.Subject]
		rs := append(slices.Clip(old), cloneRecord(r))
		slices.SortStableFunc(rs, func(a, b Record) int { return a.CreatedAt.Compare(b.CreatedAt) })
		m.setRecords(r.Subject, rs)
		m.index(r, true)
		return func() {
			m.setRecords(r.Subject, old)
			m.index(r, false)
		}, nil
	})
}

func (m *MemoryStore) index(r Record, add bool) {
	k := recordKey{r.Kind, r.Key}
	if add {
		m.rows++
		m.ids[r.ID] = true
		if r.Key != "" {
			m.keys[k] = recordRef{r.Subject, r.ID}
		}
		return
	}
	m.rows--
	delete(m.ids, r.ID)
	if r.Key != "" {
		delete(m.keys, k)
	}
}

func (m *MemoryStore) setRecords(s Subject, rs []Record) {
	if len(rs) == 0 {
		delete(m.records, s)
		return
	}
	m.records[s] = rs
}

func cloneRecord(r Record) Record {
	r.Public, r.Sealed = slices.Clone(r.Public), slices.Clone(r.Sealed)
	return r
}

// Records implements [Store].
func (m *MemoryStore) Records(ctx context.Context, s Subject) (out []Record, err error) {
	err = m.do(ctx, func() (func(), error) {
		for _, r := range m.records[s] {
			out = append(out, cloneRecord(r))
		}
		return nil, nil
	})
	return out, err
}

// RecordsAfter implements [Store].
func (m *MemoryStore) RecordsAfter(ctx context.Context, id string, limit int) (out []Record, err error) {
	err = m.do(ctx, func() (func(), error) {
		for _, rs := range m.records {
			for _, r := range rs {
				if r.ID > id {
					out = append(out, cloneRecord(r))
				}
			}
		}
		return nil, nil
	})
	slices.SortFunc(out, func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
	return out[:min(limit, len(out))], err
}

// RecordByKey implements [Store].
func (m *MemoryStore) RecordByKey(ctx context.Context, k Kind, key string) (out Record, err error) {
	err = m.do(ctx, func() (func(), error) {
		ref, ok := m.keys[recordKey{k, key}]
		if !ok || key == "" {
			return nil, ErrNotFound
		}
		i := m.find(ref.subject, ref.id)
		out = cloneRecord(m.records[ref.subject][i])
		return nil, nil
	})
	return out, err
}

func (m *MemoryStore) find(s Subject, id string) int {
	return slices.IndexFunc(m.records[s], func(r Record) bool { return r.ID == id })
}

// replace puts r in the place of the i-th record of its person; earlier
// slices, which an undo may restore, are not changed.
func (m *MemoryStore) replace(i int, r Record) func() {
	old := m.records[r.Subject]
	rs := slices.Clone(old)
	rs[i] = r
	m.records[r.Subject] = rs
	return func() { m.records[r.Subject] = old }
}

// UpdateRecord implements [Store].
func (m *MemoryStore) UpdateRecord(ctx context.Context, r Record) error {
	return m.do(ctx, func() (func(), error) {
		i := m.find(r.Subject, r.ID)
		if i < 0 || m.records[r.Subject][i].Version != r.Version {
			return nil, ErrConflict
		}
		n := m.records[r.Subject][i]
		r = cloneRecord(r)
		n.Name, n.Public, n.Strength, n.Sealed, n.UsedAt = r.Name, r.Public, r.Strength, r.Sealed, r.UsedAt
		n.Version++
		return m.replace(i, n), nil
	})
}

// TouchRecord implements [Store].
func (m *MemoryStore) TouchRecord(ctx context.Context, s Subject, id string, at time.Time) error {
	return m.do(ctx, func() (func(), error) {
		i := m.find(s, id)
		if i < 0 {
			return nil, ErrNotFound
		}
		r := m.records[s][i]
		if !at.After(r.UsedAt) {
			return nil, nil
		}
		r.UsedAt = at
		return m.replace(i, r), nil
	})
}

// DeleteRecord implements [Store].
func (m *MemoryStore) DeleteRecord(ctx context.Context, s Subject, id string) error {
	return m.do(ctx, func() (func(), error) {
		i := m.find(s, id)
		if i < 0 {
			return nil, ErrNotFound
		}
		old := m.records[s]
		r := old[i]
		m.setRecords(s, slices.Delete(slices.Clone(old), i, i+1))
		m.index(r, false)
		return func() {
			m.setRecords(s, old)
			m.index(r, true)
		}, nil
	})
}
