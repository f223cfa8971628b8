// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

func challengeTakenOnce(ctx context.Context, s mfa.Store) error {
	c := challenge(person(), 1)
	if err := s.AddChallenge(ctx, c); err != nil {
		return err
	}
	if err := wantErr("add twice", s.AddChallenge(ctx, c), mfa.ErrExists); err != nil {
		return err
	}
	var mu sync.Mutex
	var got mfa.ChallengeRow
	n := race(parallel, func(int) error {
		return s.InTx(ctx, func(ctx context.Context) error {
			row, err := s.TakeChallenge(ctx, c.Hash, base)
			if err == nil {
				mu.Lock()
				got = row
				mu.Unlock()
			}
			return err
		})
	})
	if n != 1 {
		return fmt.Errorf("challenge with one try was taken %d times by parallel calls", n)
	}
	c.Tries = 0
	return want("taken challenge", utc(got), c)
}

func challengeExpiry(ctx context.Context, s mfa.Store) error {
	p := person()
	c := challenge(p, 2)
	take := func(at time.Time) error { _, err := s.TakeChallenge(ctx, c.Hash, at); return err }
	return beside(ctx, s, p,
		func() error { return s.AddChallenge(ctx, c) },
		func() error { return wantErr("at its expiry", take(c.ExpiresAt), mfa.ErrNotFound) },
		func() error { return take(c.ExpiresAt.Add(-time.Microsecond)) },
		func() error { return take(base) },
		func() error { return wantErr("without tries", take(base), mfa.ErrNotFound) },
		func() error { return s.SpendChallenge(ctx, c.Hash) },
		func() error {
			c.Hash = hash()
			return wantErr("unknown", take(base), mfa.ErrNotFound)
		},
	)
}

func challengeSpentOnce(ctx context.Context, s mfa.Store) error {
	c := challenge(person(), 5)
	if err := s.AddChallenge(ctx, c); err != nil {
		return err
	}
	n := race(parallel, func(int) error {
		return s.InTx(ctx, func(ctx context.Context) error { return s.SpendChallenge(ctx, c.Hash) })
	})
	if n != 1 {
		return fmt.Errorf("challenge was spent %d times by parallel calls", n)
	}
	_, err := s.TakeChallenge(ctx, c.Hash, base)
	return wantErr("take after spend", err, mfa.ErrNotFound)
}

func challengeDropped(ctx context.Context, s mfa.Store) error {
	p := person()
	old, newer, purpose, kind := challenge(p, 3), challenge(p, 3), challenge(p, 3), challenge(p, 3)
	purpose.Purpose, kind.Kind = mfa.StepUp, "another"
	old.CreatedAt, newer.CreatedAt = base.Add(-2*time.Second), base.Add(-time.Second) // those of others are newer still
	drop := func(keep int, gone, kept []mfa.ChallengeRow) func() error {
		return func() error {
			if err := s.DropChallenges(ctx, p, "test", mfa.Second, keep); err != nil {
				return err
			}
			for _, c := range gone {
				if err := wantErr("dropped", s.SpendChallenge(ctx, c.Hash), mfa.ErrNotFound); err != nil {
					return fmt.Errorf("keep %d: %w", keep, err)
				}
			}
			for _, c := range kept {
				if _, err := s.TakeChallenge(ctx, c.Hash, base); err != nil {
					return fmt.Errorf("keep %d: challenge of %s and %s from %v: %w", keep, c.Kind, c.Purpose, c.CreatedAt, err)
				}
			}
			return nil
		}
	}
	rows := []mfa.ChallengeRow{old, newer, purpose, kind}
	return beside(ctx, s, p,
		func() error {
			for _, c := range rows {
				if err := s.AddChallenge(ctx, c); err != nil {
					return err
				}
			}
			return nil
		},
		drop(2, nil, rows),
		drop(1, rows[:1], rows[1:]),
		drop(0, rows[:2], rows[2:]),
	)
}
