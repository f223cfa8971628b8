// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"time"
)

// ClockStore keeps the latest time that any process has seen, so that what has
// expired for one is alive for none.
type ClockStore interface {
	// Clock returns the latest time that was given to AdvanceClock since the
	// epoch was raised, zero if none, and what the database's own clock says,
	// zero if that is the process's.
	Clock(ctx context.Context) (latest, database time.Time, err error)
	// AdvanceClock keeps now if it is later than what is kept, in one
	// statement.
	AdvanceClock(ctx context.Context, now time.Time) error
}
