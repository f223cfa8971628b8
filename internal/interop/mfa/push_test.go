// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestPushRelay: the first answer to a push stays, on every database.
func TestPushRelay(t *testing.T) {
	databases(t, func(t *testing.T, db *sql.DB) {
		ctx := t.Context()
		s := newStore(t, db)
		var passed atomic.Int64
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				err := s.Put(ctx, "id", []byte{0, byte(i)}, start, start.Add(time.Minute))
				if err == nil {
					passed.Add(1)
				} else if !errors.Is(err, mfa.ErrExists) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 1 {
			t.Errorf("%d first answers", passed.Load())
		}
		if b, err := s.Get(ctx, "id", start); err != nil || len(b) != 2 {
			t.Errorf("%x, %v", b, err)
		}
		if _, err := s.Get(ctx, "id", start.Add(time.Minute)); !errors.Is(err, mfa.ErrNotFound) {
			t.Errorf("expired: %v", err)
		}
		if err := s.Put(ctx, "id", []byte{1}, start.Add(time.Minute), start.Add(time.Hour)); err != nil {
			t.Errorf("in place of an expired one: %v", err)
		}
		if b, err := s.Get(ctx, "id", start.Add(time.Minute)); err != nil || len(b) != 1 {
			t.Errorf("%x, %v", b, err)
		}
		if n, err := s.DeleteExpired(ctx, start.Add(time.Hour), 10); n != 1 || err != nil {
			t.Errorf("deleted %d, %v", n, err)
		}
	})
}
