// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
)

// TestPreparedStatements: what runs prepared is the same in and out of
// transactions, for more callers than there are connections, and knows of a
// column that came later.
func TestPreparedStatements(t *testing.T) {
	t.Parallel()
	s := ssoSQLite(t)
	undone := errors.New("undone")
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			e := audit.Event{ID: fmt.Sprintf("E%02d", i), Person: "p"}
			err := s.InTx(t.Context(), func(ctx context.Context) error {
				if err := s.AppendEvent(ctx, e); err != nil {
					return err
				}
				if _, err := s.Person(ctx, "nobody"); !errors.Is(err, directory.ErrNotFound) {
					return fmt.Errorf("in a transaction: %w", err)
				}
				if i%2 == 1 {
					return undone
				}
				return nil
			})
			if want := i%2 == 1; errors.Is(err, undone) != want || !want && err != nil {
				t.Error(i, err)
			}
			if _, err := s.Person(t.Context(), "nobody"); !errors.Is(err, directory.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	events, err := s.EventsOf(t.Context(), "p", "", "", 100)
	if err != nil || len(events) != 12 {
		t.Fatalf("%d events: %v", len(events), err)
	}
	if _, err := s.DB().ExecContext(t.Context(), "ALTER TABLE portal_events ADD COLUMN later TEXT NOT NULL DEFAULT 'x'"); err != nil {
		t.Fatal(err)
	}
	if err := s.InTx(t.Context(), func(ctx context.Context) error { return s.AppendEvent(ctx, audit.Event{ID: "E99", Person: "p"}) }); err != nil {
		t.Error(err)
	}
}
