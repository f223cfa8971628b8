// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// TestAddressesOfOlderRelease: people from before the index of addresses are
// found by all of theirs once the database is opened, which runs again after a
// kill and changes nobody who is right.
func TestAddressesOfOlderRelease(t *testing.T) {
	t.Parallel()
	const people = 450 // more than two batches
	c := sqlstore.Config{Path: filepath.Join(t.TempDir(), "portal.db")}
	reopened := func(s *sqlstore.Store) *sqlstore.Store {
		t.Helper()
		if s != nil {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		s, err := sqlstore.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := reopened(nil)
	defer func() { _ = s.Close() }()
	err := s.InTx(t.Context(), func(ctx context.Context) error {
		if err := s.PutSource(ctx, &directory.Source{ID: "people", Kind: directory.BuiltIn, Name: "people"}); err != nil {
			return err
		}
		for i := range people {
			id := fmt.Sprintf("p-%03d", i)
			p := &directory.Person{ID: id, SourceID: "people", Subject: id, UserName: id, Email: id + "@work.test", Active: true, Owner: directory.OwnerSCIM}
			switch i {
			case 0: // made in the portal, so without what a source wrote
			case 1:
				p.Raw = []byte("{")
			default:
				p.Raw = fmt.Appendf(nil, `{"user":{"emails":[{"value":"%[1]s@work.test","type":"work","primary":true},{"value":"%[1]s@Home.test","type":"home"}]}}`, id)
			}
			if err := s.CreatePerson(ctx, p, id); err != nil && i != 1 {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := func(address string) (n int) {
		t.Helper()
		eq := &filter.Compare{Path: filter.Path{Name: "emails", Sub: "value"}, Op: filter.Eq, Value: filter.TextValue(address)}
		_, n, err := s.FindPeople(t.Context(), "people", scim.Query{Filter: eq})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sql := func(query string) {
		t.Helper()
		if _, err := s.DB().ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	// As the migration of the table leaves them.
	sql("DELETE FROM portal_emails WHERE type <> 'work'")
	for _, again := range []string{"first", "after a kill"} {
		sql("DELETE FROM goose_db_version WHERE version_id = 20261128164000")
		s = reopened(s)
		for _, address := range []string{"p-000@work.test", "p-001@work.test", "p-002@work.test", "p-002@home.test", "p-201@home.test", "p-202@home.test", "p-449@home.test"} {
			if n := found(address); n != 1 {
				t.Errorf("%s: %d people have %s", again, n, address)
			}
		}
		var rows int
		if err := s.DB().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM portal_emails").Scan(&rows); err != nil || rows != 2*people-2 {
			t.Errorf("%s: %d addresses, %v", again, rows, err)
		}
	}
	// It is not run at every start.
	sql("DELETE FROM portal_emails WHERE type <> 'work'")
	if s = reopened(s); found("p-449@home.test") != 0 {
		t.Error("it ran once more")
	}
}
