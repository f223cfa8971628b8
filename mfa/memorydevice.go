// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"slices"
	"time"
)

// AddDevice implements [Store].
func (m *MemoryStore) AddDevice(ctx context.Context, d Device) error {
	return m.do(ctx, func() (func(), error) {
		for _, ds := range m.devices {
			if slices.ContainsFunc(ds, func(o Device) bool { return o.ID == d.ID || o.Hash == d.Hash }) {
				return nil, ErrExists
			}
		}
		if err := m.room(); err != nil {
			return nil, err
		}
		return setList(m, m.devices, d.Subject, append([]Device{d}, m.devices[d.Subject]...)), nil
	})
}

// setList replaces a person's list and returns what restores it.
func setList[V any](m *MemoryStore, lists map[Subject][]V, s Subject, list []V) func() {
	old := lists[s]
	set := func(l []V) {
		m.rows += len(l) - len(lists[s])
		if len(l) == 0 {
			delete(lists, s)
			return
		}
		lists[s] = l
	}
	set(list)
	return func() { set(old) }
}

// Devices implements [Store].
func (m *MemoryStore) Devices(ctx context.Context, s Subject, now time.Time) (out []Device, err error) {
	err = m.do(ctx, func() (func(), error) {
		for _, d := range m.devices[s] {
			if d.ExpiresAt.After(now) {
				out = append(out, d)
			}
		}
		return nil, nil
	})
	return out, err
}

// TouchDevice implements [Store].
func (m *MemoryStore) TouchDevice(ctx context.Context, s Subject, id string, at time.Time) error {
	return m.do(ctx, func() (func(), error) {
		ds := slices.Clone(m.devices[s])
		i := slices.IndexFunc(ds, func(d Device) bool { return d.ID == id })
		if i < 0 {
			return nil, ErrNotFound
		}
		if !at.After(ds[i].UsedAt) {
			return nil, nil
		}
		ds[i].UsedAt = at
		return setList(m, m.devices, s, ds), nil
	})
}

// DeleteDevice implements [Store].
func (m *MemoryStore) DeleteDevice(ctx context.Context, s Subject, id string) error {
	return m.do(ctx, func() (func(), error) {
		ds := slices.Clone(m.devices[s])
		i := slices.IndexFunc(ds, func(d Device) bool { return d.ID == id })
		if i < 0 {
			return nil, ErrNotFound
		}
		return setList(m, m.devices, s, slices.Delete(ds, i, i+1)), nil
	})
}

// DropDevices implements [Store].
func (m *MemoryStore) DropDevices(ctx context.Context, s Subject) error {
	return m.do(ctx, func() (func(), error) { return setList(m, m.devices, s, nil), nil })
}

// AddSighting implements [Store].
func (m *MemoryStore) AddSighting(ctx context.Context, s Sighting, keep int) error {
	return m.do(ctx, func() (func(), error) {
		old := m.sightings[s.Subject]
		if len(old) < keep {
			if err := m.room(); err != nil {
				return nil, err
			}
		}
		i := slices.IndexFunc(old, func(o Sighting) bool { return !o.At.After(s.At) })
		if i < 0 {
			i = len(old)
		}
		list := slices.Insert(slices.Clone(old), i, s)
		return setList(m, m.sightings, s.Subject, list[:min(keep, len(list))]), nil
	})
}

// Sightings implements [Store].
func (m *MemoryStore) Sightings(ctx context.Context, s Subject) (out []Sighting, err error) {
	err = m.do(ctx, func() (func(), error) {
		out = slices.Clone(m.sightings[s])
		return nil, nil
	})
	return out, err
}

// DropSightings implements [Store].
func (m *MemoryStore) DropSightings(ctx context.Context, s Subject) error {
	return m.do(ctx, func() (func(), error) { return setList(m, m.sightings, s, nil), nil })
}

// DeleteExpired implements [Store].
func (m *MemoryStore) DeleteExpired(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = m.do(ctx, func() (func(), error) {
		left := limit
		expired := func(at time.Time) bool {
			if left == 0 || at.After(now) {
				return false
			}
			left--
			return true
		}
		undoC, _ := remove(m, m.challenges, func(_ [32]byte, c ChallengeRow) bool { return expired(c.ExpiresAt) })
		undoT, _ := remove(m, m.tickets, func(_ [32]byte, t Ticket) bool { return expired(t.ExpiresAt) })
		undos := []func(){undoC, undoT}
		for s, ds := range m.devices {
			kept := slices.DeleteFunc(slices.Clone(ds), func(d Device) bool { return expired(d.ExpiresAt) })
			if len(kept) < len(ds) {
				undos = append(undos, setList(m, m.devices, s, kept))
			}
		}
		for s, rs := range m.records {
			for _, r := range rs {
				if r.live(now) || left == 0 {
					continue
				}
				left--
				old := m.records[s]
				m.setRecords(s, slices.DeleteFunc(slices.Clone(old), func(o Record) bool { return o.ID == r.ID }))
				m.index(r, false)
				undos = append(undos, func() {
					m.setRecords(s, old)
					m.index(r, true)
				})
			}
		}
		n = limit - left
		return func() {
			for _, u := range slices.Backward(undos) {
				u()
			}
		}, nil
	})
	return n, err
}
