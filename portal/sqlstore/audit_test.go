// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

func appendEvent(t testing.TB, s *sqlstore.Store, id, person string) {
	t.Helper()
	if err := s.AppendEvent(t.Context(), audit.Event{ID: id, Type: audit.Federate, Outcome: audit.Success, Person: person, Count: 1}); err != nil {
		t.Fatal(err)
	}
}

// TestEventsOfOlderRelease: rows that were written before person_id was there
// are found too.
func TestEventsOfOlderRelease(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *sqlstore.Store{"SQLite": ssoSQLite, "PostgreSQL": ssoPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			for id, person := range map[string]string{"A1": "p-ann", "A2": "p-bob", "A3": "p-ann"} {
				appendEvent(t, s, id, person)
			}
			if _, err := s.DB().ExecContext(t.Context(), "UPDATE portal_events SET person_id = NULL WHERE id IN ('A1', 'A2')"); err != nil {
				t.Fatal(err)
			}
			events, err := s.EventsOf(t.Context(), "p-ann", "A", "", 10)
			if err != nil || len(events) != 2 || events[0].ID != "A3" || events[1].ID != "A1" {
				t.Errorf("%v, %v", events, err)
			}
			if events, err = s.EventsOf(t.Context(), "p-ann", "A", "A3", 10); err != nil || len(events) != 1 || events[0].ID != "A1" {
				t.Errorf("older than A3: %v, %v", events, err)
			}
		})
	}
}

// BenchmarkEventsOf reads ten events of one person among 50,000 of others.
func BenchmarkEventsOf(b *testing.B) {
	s := ssoSQLite(b)
	err := s.InTx(context.Background(), func(ctx context.Context) error {
		for i := range 50_000 {
			e := audit.Event{ID: fmt.Sprintf("A%09d", i), Type: audit.Federate, Outcome: audit.Success, Person: "p-other", Count: 1}
			if i%5000 == 0 {
				e.Person = "p-ann"
			}
			if err := s.AppendEvent(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if events, err := s.EventsOf(b.Context(), "p-ann", "A", "", 1000); err != nil || len(events) != 10 {
			b.Fatal(len(events), err)
		}
	}
}
