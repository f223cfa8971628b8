// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfasql

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

const challengeColumns = `hash, tenant, subject, kind, purpose, binding, tries, created_at, expires_at, sealed`

var errHash = errors.New("mfasql: a stored hash is not 32 bytes")

func scanChallenge(r row) (mfa.ChallengeRow, error) {
	var out mfa.ChallengeRow
	var hash, binding []byte
	var created, expires int64
	err := r.Scan(&hash, &out.Subject.Tenant, &out.Subject.ID, &out.Kind, &out.Purpose, &binding, &out.Tries,
		&created, &expires, &out.Sealed)
	if err != nil {
		return out, notFound(err)
	}
	if len(hash) != 32 || len(binding) != 32 {
		return out, errHash
	}
	out.Hash, out.Binding = [32]byte(hash), [32]byte(binding)
	out.CreatedAt, out.ExpiresAt = fromMicros(created), fromMicros(expires)
	return out, nil
}

// AddChallenge implements [mfa.ChallengeStore].
func (s *Store) AddChallenge(ctx context.Context, c mfa.ChallengeRow) error {
	return s.must(ctx, mfa.ErrExists, `INSERT INTO mfa_challenges (`+challengeColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		c.Hash[:], c.Subject.Tenant, c.Subject.ID, string(c.Kind), string(c.Purpose), c.Binding[:], c.Tries,
		micros(c.CreatedAt), micros(c.ExpiresAt), bytes(c.Sealed))
}

// TakeChallenge implements [mfa.ChallengeStore].
func (s *Store) TakeChallenge(ctx context.Context, hash [32]byte, now time.Time) (mfa.ChallengeRow, error) {
	return scanChallenge(s.q(ctx).QueryRowContext(ctx, `UPDATE mfa_challenges SET tries = tries - 1
		WHERE hash = $1 AND tries > 0 AND expires_at > $2 RETURNING `+challengeColumns, hash[:], micros(now)))
}

// SpendChallenge implements [mfa.ChallengeStore].
func (s *Store) SpendChallenge(ctx context.Context, hash [32]byte) error {
	return s.must(ctx, mfa.ErrNotFound, `DELETE FROM mfa_challenges WHERE hash = $1`, hash[:])
}

// DropChallenges implements [mfa.ChallengeStore].
func (s *Store) DropChallenges(ctx context.Context, p mfa.Subject, k mfa.Kind, purpose mfa.Purpose, keep int) error {
	_, err := s.exec(ctx, `DELETE FROM mfa_challenges
		WHERE tenant = $1 AND subject = $2 AND kind = $3 AND purpose = $4 AND hash NOT IN (
			SELECT hash FROM mfa_challenges WHERE tenant = $1 AND subject = $2 AND kind = $3 AND purpose = $4
			ORDER BY created_at DESC, hash LIMIT $5)`, p.Tenant, p.ID, string(k), string(purpose), keep)
	return err
}

// Charge implements [mfa.CounterStore].
func (s *Store) Charge(ctx context.Context, p mfa.Subject, name string, now time.Time, lock func(failures int) time.Duration) (c mfa.Counter, ok bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		c, ok = mfa.Counter{}, false
		err := s.q(ctx).QueryRowContext(ctx, `INSERT INTO mfa_counters (tenant, subject, name, failures, locked_until)
			VALUES ($1, $2, $3, 1, 0) ON CONFLICT (tenant, subject, name) DO UPDATE
			SET failures = mfa_counters.failures + 1, locked_until = 0
			WHERE mfa_counters.locked_until <= $4 RETURNING failures`, p.Tenant, p.ID, name, micros(now)).Scan(&c.Failures)
		if errors.Is(notFound(err), mfa.ErrNotFound) {
			c, err = s.counter(ctx, p, name)
			return err
		}
		if err != nil {
			return err
		}
		ok = true
		d := lock(c.Failures)
		if d <= 0 {
			return nil
		}
		c.LockedUntil = fromMicros(micros(now.Add(d)))
		_, err = s.exec(ctx, `UPDATE mfa_counters SET locked_until = $1
			WHERE tenant = $2 AND subject = $3 AND name = $4`, micros(c.LockedUntil), p.Tenant, p.ID, name)
		return err
	})
	return c, ok, err
}

func (s *Store) counter(ctx context.Context, p mfa.Subject, name string) (mfa.Counter, error) {
	var c mfa.Counter
	var until int64
	err := s.q(ctx).QueryRowContext(ctx, `SELECT failures, locked_until FROM mfa_counters
		WHERE tenant = $1 AND subject = $2 AND name = $3`, p.Tenant, p.ID, name).Scan(&c.Failures, &until)
	c.LockedUntil = fromMicros(until)
	return c, err
}

// ClearCounter implements [mfa.CounterStore].
func (s *Store) ClearCounter(ctx context.Context, p mfa.Subject, name string) error {
	_, err := s.exec(ctx, `DELETE FROM mfa_counters WHERE tenant = $1 AND subject = $2 AND name = $3`, p.Tenant, p.ID, name)
	return err
}

// Counters implements [mfa.CounterStore].
func (s *Store) Counters(ctx context.Context, p mfa.Subject) (map[string]mfa.Counter, error) {
	type named struct {
		name string
		mfa.Counter
	}
	all, err := list(ctx, s, func(r row) (n named, err error) {
		var until int64
		err = r.Scan(&n.name, &n.Failures, &until)
		n.LockedUntil = fromMicros(until)
		return n, err
	}, `SELECT name, failures, locked_until FROM mfa_counters WHERE tenant = $1 AND subject = $2`, p.Tenant, p.ID)
	if err != nil {
		return nil, err
	}
	out := make(map[string]mfa.Counter, len(all))
	for _, n := range all {
		out[n.name] = n.Counter
	}
	return out, nil
}
