// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound is returned by the [Store] for what does not exist, has expired
// or was taken.
var ErrNotFound = errors.New("signin: not found")

// Store keeps sign-ins between their first factor and their session, tickets,
// and the failure buckets. Its methods join the transaction in ctx.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	CreateFlow(ctx context.Context, hash string, state []byte, expires time.Time) error
	Flow(ctx context.Context, hash string, now time.Time) ([]byte, error)
	// TakeFlow deletes the flow and returns it; of two callers one gets it.
	TakeFlow(ctx context.Context, hash string, now time.Time) ([]byte, error)

	// TakeLimit admits one more event under key if fewer than burst are
	// counted, where one is forgotten every interval (GCRA on one row, one
	// conditional statement). Otherwise it says when to come back.
	TakeLimit(ctx context.Context, key string, now time.Time, interval time.Duration, burst int) (ok bool, retry time.Duration, err error)
	// RefundLimit forgets one event.
	RefundLimit(ctx context.Context, key string, interval time.Duration) error

	// CreateTicket stores a single-use ticket by its hash and ends the
	// person's other tickets of the purpose.
	CreateTicket(ctx context.Context, hash, personID, purpose string, expires time.Time) error
	// TakeTicket deletes the ticket and returns whose it is.
	TakeTicket(ctx context.Context, hash, purpose string, now time.Time) (personID string, err error)

	DeleteExpiredSignIns(ctx context.Context, now time.Time, limit int) (int, error)
}
