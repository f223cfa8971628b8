// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"time"
)

// clockGoesForward: of all processes' times the latest stays, and is forgotten
// with everything that could have expired by it.
func clockGoesForward(ctx context.Context, s Store) error {
	latest := func(what string, expected time.Time) error {
		got, _, err := s.Clock(ctx)
		return first(err, want(what, got, expected))
	}
	if _, err := s.RaiseEpoch(ctx); err != nil {
		return err
	}
	if err := first(latest("at first", time.Time{}), s.AdvanceClock(ctx, base), latest("once told", base)); err != nil {
		return err
	}
	later := base.Add(time.Hour)
	err := first(
		s.AdvanceClock(ctx, later), s.AdvanceClock(ctx, base), s.AdvanceClock(ctx, base.Add(-1000*time.Hour)), latest("after earlier times", later),
	)
	if err != nil {
		return err
	}
	if _, err := s.RaiseEpoch(ctx); err != nil {
		return err
	}
	return latest("in a new epoch", time.Time{})
}

type clockGoesBack struct{ Store }

func (b clockGoesBack) AdvanceClock(ctx context.Context, now time.Time) error {
	if _, err := b.RaiseEpoch(ctx); err != nil {
		return err
	}
	return b.Store.AdvanceClock(ctx, now)
}
