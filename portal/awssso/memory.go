// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// MemoryStore is a [Store] in the memory of one process: for tests and for
// looking around. A restart signs everybody's command line out.
type MemoryStore struct {
	max int

	mu   sync.Mutex
	data memory
}

// memory holds values that are replaced and never changed in place, so that a
// roll-back only has to put the old ones back.
type memory struct {
	devices  map[string]memDevice
	users    map[string]string // user hash to hash
	codes    map[string]memCode
	families map[string]memFamily
	tokens   map[string]Token // kind|hash
	denied   map[string]time.Time
	attempts map[string]attempt
	epochs   map[EpochKind]int64
}

type memDevice struct {
	DeviceCode
	epoch int64
}

type memCode struct {
	AuthCode
	epoch         int64
	taken, reused bool
}

type memFamily struct {
	Family
	epoch int64
}

type attempt struct {
	count int
	until time.Time
}

// NewMemoryStore returns an empty store that holds at most max rows of each
// kind. When full it refuses new work and never forgets an unexpired row.
func NewMemoryStore(max int) *MemoryStore {
	return &MemoryStore{max: max, data: memory{
		devices: map[string]memDevice{}, users: map[string]string{}, codes: map[string]memCode{},
		families: map[string]memFamily{}, tokens: map[string]Token{}, denied: map[string]time.Time{},
		attempts: map[string]attempt{}, epochs: map[EpochKind]int64{EpochGrants: 1, EpochClients: 1},
	}}
}

func (d memory) clone() memory {
	return memory{
		maps.Clone(d.devices), maps.Clone(d.users), maps.Clone(d.codes), maps.Clone(d.families), maps.Clone(d.tokens),
		maps.Clone(d.denied), maps.Clone(d.attempts), maps.Clone(d.epochs),
	}
}

// errMemDone is what a context says that outlived its transaction.
var errMemDone = errors.New("awssso: the context's transaction has ended")

type memKey struct{ m *MemoryStore }

// memTx is the transaction in a context.
type memTx struct {
	mu   sync.Mutex
	done bool
}

// InTx implements [Store]. Transactions run one after the other.
func (m *MemoryStore) InTx(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	if tx, ok := ctx.Value(memKey{m}).(*memTx); ok {
		if tx.ended() {
			return errMemDone
		}
		return fn(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, before, committed := &memTx{}, m.data.clone(), false
	defer func() {
		tx.end()
		if !committed {
			m.data = before
		}
	}()
	err = fn(context.WithValue(ctx, memKey{m}, tx))
	committed = err == nil
	return err
}

func (t *memTx) ended() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done
}

func (t *memTx) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done = true
}

// with runs fn on the data, within the context's transaction or alone.
func (m *MemoryStore) with(ctx context.Context, fn func(d *memory) error) error {
	if tx, ok := ctx.Value(memKey{m}).(*memTx); ok {
		if tx.ended() {
			return errMemDone
		}
		return fn(&m.data)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return fn(&m.data)
}

// InsertDevice implements [Store].
func (m *MemoryStore) InsertDevice(ctx context.Context, c DeviceCode, perNetwork int) error {
	return m.with(ctx, func(d *memory) error {
		pending := 0
		for _, other := range d.devices {
			if other.Network == c.Network && other.State == DevicePending && other.Expires.After(c.Created) {
				pending++
			}
		}
		_, hash := d.devices[c.Hash]
		_, user := d.users[c.UserHash]
		switch {
		case hash || user:
			return ErrTaken
		case pending >= perNetwork || len(d.devices) >= m.max:
			return ErrTooMany
		}
		d.devices[c.Hash] = memDevice{c, d.epochs[EpochGrants]}
		d.users[c.UserHash] = c.Hash
		return nil
	})
}

// Device implements [Store].
func (m *MemoryStore) Device(ctx context.Context, hash string) (found DeviceCode, err error) {
	err = m.with(ctx, func(d *memory) error {
		row, ok := d.devices[hash]
		if !ok || row.epoch != d.epochs[EpochGrants] {
			return ErrNotFound
		}
		found = row.DeviceCode
		return nil
	})
	return found, err
}

// DeviceByUserCode implements [Store].
func (m *MemoryStore) DeviceByUserCode(ctx context.Context, userHash string) (found DeviceCode, err error) {
	err = m.with(ctx, func(d *memory) error {
		row, ok := d.devices[d.users[userHash]]
		if !ok || row.epoch != d.epochs[EpochGrants] {
			return ErrNotFound
		}
		found = row.DeviceCode
		return nil
	})
	return found, err
}

// ShowDevice implements [Store].
func (m *MemoryStore) ShowDevice(ctx context.Context, hash, sessionID string, typed bool, now time.Time) error {
	return m.with(ctx, func(d *memory) error {
		row, ok := d.devices[hash]
		if !ok || row.epoch != d.epochs[EpochGrants] || row.State != DevicePending || !now.Before(row.Expires) {
			return ErrTaken
		}
		row.ShownTo, row.Typed = sessionID, typed
		d.devices[hash] = row
		return nil
	})
}

// AnswerDevice implements [Store].
func (m *MemoryStore) AnswerDevice(ctx context.Context, hash string, to DeviceState, a Approval, now time.Time) error {
	return m.with(ctx, func(d *memory) error {
		row, ok := d.devices[hash]
		if !ok || row.epoch != d.epochs[EpochGrants] || row.State != DevicePending || !now.Before(row.Expires) {
			return ErrTaken
		}
		row.State, row.Approval = to, a
		d.devices[hash] = row
		return nil
	})
}

// TakeDevice implements [Store].
func (m *MemoryStore) TakeDevice(ctx context.Context, hash, familyID string) error {
	return m.with(ctx, func(d *memory) error {
		row, ok := d.devices[hash]
		if !ok || row.epoch != d.epochs[EpochGrants] || row.State != DeviceApproved {
			return ErrTaken
		}
		row.State, row.FamilyID = DeviceTaken, familyID
		d.devices[hash] = row
		return nil
	})
}

// InsertCode implements [Store].
func (m *MemoryStore) InsertCode(ctx context.Context, c AuthCode) error {
	return m.with(ctx, func(d *memory) error {
		if _, ok := d.codes[c.Hash]; ok {
			return ErrTaken
		}
		if len(d.codes) >= m.max {
			return ErrTooMany
		}
		d.codes[c.Hash] = memCode{AuthCode: c, epoch: d.epochs[EpochGrants]}
		return nil
	})
}

// TakeCode implements [Store].
func (m *MemoryStore) TakeCode(ctx context.Context, hash string) (found AuthCode, err error) {
	err = m.with(ctx, func(d *memory) error {
		row, ok := d.codes[hash]
		if !ok || row.epoch != d.epochs[EpochGrants] {
			return ErrNotFound
		}
		found = row.AuthCode
		again := row.taken
		row.taken, row.reused = true, again
		d.codes[hash] = row
		if again {
			return ErrTaken
		}
		return nil
	})
	return found, err
}

// BindCode implements [Store].
func (m *MemoryStore) BindCode(ctx context.Context, hash, familyID string) error {
	return m.with(ctx, func(d *memory) error {
		row, ok := d.codes[hash]
		if !ok || !row.taken || row.reused || row.FamilyID != "" {
			return ErrTaken
		}
		row.FamilyID = familyID
		d.codes[hash] = row
		return nil
	})
}

// InsertFamily implements [Store].
func (m *MemoryStore) InsertFamily(ctx context.Context, f Family, tokens ...Token) error {
	return m.with(ctx, func(d *memory) error {
		if _, ok := d.families[f.ID]; ok {
			return ErrTaken
		}
		if len(d.families) >= m.max {
			return ErrTooMany
		}
		d.families[f.ID] = memFamily{f, d.epochs[EpochGrants]}
		return d.add(tokens)
	})
}

func (d *memory) add(tokens []Token) error {
	for _, t := range tokens {
		key := string(t.Kind) + "|" + t.Hash
		if _, ok := d.tokens[key]; ok {
			return ErrTaken
		}
		d.tokens[key] = t
	}
	return nil
}

// Token implements [Store].
func (m *MemoryStore) Token(ctx context.Context, kind TokenKind, hash string) (t Token, f Family, err error) {
	err = m.with(ctx, func(d *memory) error {
		found, ok := d.tokens[string(kind)+"|"+hash]
		row, alive := d.families[found.FamilyID]
		if !ok || !alive || row.epoch != d.epochs[EpochGrants] {
			return ErrNotFound
		}
		t, f = found, row.Family
		return nil
	})
	return t, f, err
}

// Rotate implements [Store].
func (m *MemoryStore) Rotate(ctx context.Context, familyID string, from int64, keyID string, now time.Time, tokens ...Token) error {
	return m.with(ctx, func(d *memory) error {
		row, ok := d.families[familyID]
		if !ok || row.Generation != from || !row.Revoked.IsZero() {
			return ErrTaken
		}
		row.Generation, row.KeyID, row.Rotated = from+1, keyID, now
		d.families[familyID] = row
		return d.add(tokens)
	})
}

// RevokeFamily implements [Store].
func (m *MemoryStore) RevokeFamily(ctx context.Context, id string, now time.Time) (int, error) {
	return m.revoke(ctx, now, func(f Family) bool { return f.ID == id })
}

// RevokeSession implements [Store].
func (m *MemoryStore) RevokeSession(ctx context.Context, sessionID string, now time.Time) (int, error) {
	return m.revoke(ctx, now, func(f Family) bool { return f.Approval.SessionID == sessionID })
}

// RevokePerson implements [Store].
func (m *MemoryStore) RevokePerson(ctx context.Context, personID string, now time.Time) (int, error) {
	return m.revoke(ctx, now, func(f Family) bool { return f.Approval.PersonID == personID })
}

func (m *MemoryStore) revoke(ctx context.Context, now time.Time, which func(Family) bool) (n int, err error) {
	err = m.with(ctx, func(d *memory) error {
		for id, row := range d.families {
			if row.Revoked.IsZero() && which(row.Family) {
				row.Revoked = now
				d.families[id] = row
				n++
			}
		}
		return nil
	})
	return n, err
}

// Families implements [Store].
func (m *MemoryStore) Families(ctx context.Context, personID string, now time.Time, limit int) (out []Family, err error) {
	err = m.with(ctx, func(d *memory) error {
		for _, row := range d.families {
			if row.Approval.PersonID == personID && row.Revoked.IsZero() && now.Before(row.Expires) && row.epoch == d.epochs[EpochGrants] {
				out = append(out, row.Family)
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Family) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	return out[:min(limit, len(out))], err
}

// Client implements [Store].
func (m *MemoryStore) Client(ctx context.Context, client string) (c ClientState, err error) {
	err = m.with(ctx, func(d *memory) error {
		c.Epoch = d.epochs[EpochClients]
		_, c.Denied = d.denied[client]
		return nil
	})
	return c, err
}

// DenyClient implements [Store].
func (m *MemoryStore) DenyClient(ctx context.Context, client string, until time.Time) error {
	return m.with(ctx, func(d *memory) error {
		if len(d.denied) >= m.max {
			return ErrTooMany
		}
		d.denied[client] = until
		return nil
	})
}

// RaiseEpoch implements [Store].
func (m *MemoryStore) RaiseEpoch(ctx context.Context, kind EpochKind) error {
	return m.with(ctx, func(d *memory) error {
		d.epochs[kind]++
		return nil
	})
}

// Charge implements [Store].
func (m *MemoryStore) Charge(ctx context.Context, key string, limit int, window time.Duration, now time.Time) error {
	return m.with(ctx, func(d *memory) error {
		a, ok := d.attempts[key]
		if !ok && len(d.attempts) >= m.max {
			return ErrTooMany
		}
		if !now.Before(a.until) {
			a = attempt{until: now.Add(window)}
		}
		if a.count >= limit {
			return ErrTooMany
		}
		a.count++
		d.attempts[key] = a
		return nil
	})
}

// Refund implements [Store].
func (m *MemoryStore) Refund(ctx context.Context, key string) error {
	return m.with(ctx, func(d *memory) error {
		if a, ok := d.attempts[key]; ok && a.count > 0 {
			a.count--
			d.attempts[key] = a
		}
		return nil
	})
}

// DeleteExpired implements [Store].
func (m *MemoryStore) DeleteExpired(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = m.with(ctx, func(d *memory) error {
		stale := now.Add(-Grace)
		n += drop(d.devices, limit, func(_ string, r memDevice) bool { return !r.Expires.After(stale) })
		maps.DeleteFunc(d.users, func(_, hash string) bool { _, ok := d.devices[hash]; return !ok })
		n += drop(d.codes, limit, func(_ string, r memCode) bool { return !r.Expires.After(stale) })
		n += drop(d.families, limit, func(_ string, r memFamily) bool { return !r.Expires.After(now) })
		maps.DeleteFunc(d.tokens, func(_ string, t Token) bool { _, ok := d.families[t.FamilyID]; return !ok })
		n += drop(d.denied, limit, func(_ string, until time.Time) bool { return !until.After(now) })
		n += drop(d.attempts, limit, func(_ string, a attempt) bool { return !a.until.After(now) })
		return nil
	})
	return n, err
}

// drop removes at most limit entries.
func drop[V any](m map[string]V, limit int, stale func(string, V) bool) (n int) {
	maps.DeleteFunc(m, func(k string, v V) bool {
		if n >= limit || !stale(k, v) {
			return false
		}
		n++
		return true
	})
	return n
}
