// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// lockAtThree locks for an hour at every third failure.
func lockAtThree(n int) time.Duration {
	if n%3 == 0 {
		return time.Hour
	}
	return 0
}

func counterLocks(ctx context.Context, s mfa.Store) error {
	p := person()
	charge := func(at time.Time, failures int, until time.Time, ok bool) func() error {
		return func() error {
			c, got, err := s.Charge(ctx, p, "k", at, lockAtThree)
			return errors.Join(err, want("charge passes", got, ok), want("counter", utc(c), mfa.Counter{Failures: failures, LockedUntil: until}))
		}
	}
	none, until := time.Time{}, base.Add(time.Hour)
	return beside(ctx, s, p,
		charge(base, 1, none, true),
		charge(base, 2, none, true),
		charge(base, 3, until, true),
		charge(base, 3, until, false),
		charge(until.Add(-time.Microsecond), 3, until, false),
		func() error {
			cs, err := s.Counters(ctx, p)
			return errors.Join(err, want("locked until", cs["k"].LockedUntil.Equal(until), true), want("counters", len(cs), 1))
		},
		charge(until, 4, none, true),
		func() error { return s.ClearCounter(ctx, p, "k") },
		charge(until, 1, none, true),
		func() error { return s.ClearCounter(ctx, p, "none") },
		charge(base, 2, none, true),
		charge(base, 3, until, true),
		func() error { return s.ClearCounter(ctx, p, "k") }, // unlocks, too
		charge(base, 1, none, true),
	)
}

func parallelCharges(ctx context.Context, s mfa.Store) error {
	p := person()
	passed := race(parallel, func(int) error {
		_, ok, err := s.Charge(ctx, p, "k", base, func(int) time.Duration { return 0 })
		if err == nil && !ok {
			err = errors.New("locked")
		}
		return err
	})
	cs, err := s.Counters(ctx, p)
	if err := errors.Join(err, want("failures after parallel charges", cs["k"].Failures, passed)); err != nil {
		return err
	}
	if passed == 0 {
		return errors.New("no parallel charge passed")
	}
	q := person()
	through := race(parallel, func(int) error {
		_, ok, err := s.Charge(ctx, q, "k", base, lockAtThree)
		if err == nil && !ok {
			err = errors.New("locked")
		}
		return err
	})
	if through > 3 {
		return fmt.Errorf("%d parallel charges passed a lock at 3", through)
	}
	return nil
}

func counterOfAnother(ctx context.Context, s mfa.Store) error {
	p := person()
	other := func(what string, failures int) func() error {
		return func() error {
			c, _, err := s.Charge(ctx, p, "other", base, lockAtThree)
			return errors.Join(err, want("another kind's failures "+what, c.Failures, failures))
		}
	}
	charge := func() error { _, _, err := s.Charge(ctx, p, "k", base, lockAtThree); return err }
	return beside(ctx, s, p,
		charge,
		other("after a charge", 1),
		func() error { return s.ClearCounter(ctx, p, "k") },
		other("after a clear", 2),
		charge, charge, charge, // locks it
		func() error {
			cs, err := s.Counters(ctx, p)
			return errors.Join(err, want("another kind is locked", cs["other"].LockedUntil.IsZero(), true))
		},
	)
}
