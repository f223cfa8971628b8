// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// TestAddressesAtOnce: replicas that start together index the addresses of an
// older release's people once.
func TestAddressesAtOnce(t *testing.T) {
	t.Parallel()
	inEmptyDatabases(t, func(t *testing.T, p place) {
		p.migrate(t, migrationFiles(t)) // the files alone
		exec := func(query string, args ...any) {
			t.Helper()
			if _, err := p.db.ExecContext(t.Context(), query, args...); err != nil {
				t.Fatal(err)
			}
		}
		exec("INSERT INTO portal_sources (id, kind, name, domains, owner, config) VALUES ('people', 'builtin', 'people', '[]', 'admin', 'null')")
		const people = 450
		for i := range people {
			id := fmt.Sprintf("p-%03d", i)
			exec(`INSERT INTO portal_people (id, source_id, subject, external_id, login, user_name, display_name, given_name, family_name, email,
				active, blocked, attributes, raw, owner, version, created, modified)
				VALUES ($1, 'people', $1, '', $1, $1, '', '', '', $2, TRUE, FALSE, '{}', $3, 'scim', 1, 0, 0)`, id, id+"@work.test",
				fmt.Sprintf(`{"user":{"emails":[{"value":"%[1]s@work.test","type":"work"},{"value":"%[1]s@home.test"}]}}`, id))
		}
		const replicas = 3
		errs := make(chan error)
		for range replicas {
			go func() {
				s, err := sqlstore.Open(context.Background(), p.config)
				if err == nil {
					err = s.Close()
				}
				errs <- err
			}()
		}
		for range replicas {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		var rows int
		if err := p.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM portal_emails").Scan(&rows); err != nil || rows != 2*people {
			t.Errorf("%d addresses of %d people, %v", rows, people, err)
		}
		eq := &filter.Compare{Path: filter.Path{Name: "emails", Sub: "value"}, Op: filter.Eq, Value: filter.TextValue("p-449@home.test")}
		if found, _, err := p.open(t).FindPeople(t.Context(), "people", scim.Query{Filter: eq, Start: 1, Count: 2}); err != nil || len(found) != 1 || found[0].ID != "p-449" {
			t.Errorf("found %v, %v", found, err)
		}
	})
}
