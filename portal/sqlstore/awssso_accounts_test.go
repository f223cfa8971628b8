// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

// assigned gives ann accounts by herself and by a group, some by both, and bob
// one of his own.
func assigned(t testing.TB, s *sqlstore.Store, accounts int) (ann, bob string) {
	t.Helper()
	ctx := context.Background()
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.PutSource(ctx, &directory.Source{ID: "src", Kind: directory.BuiltIn, Name: "src", Owner: directory.OwnerAdmin}); err != nil {
			return err
		}
		for _, name := range []string{"ann", "bob"} {
			p := directory.Person{ID: "p-" + name, SourceID: "src", Subject: name, UserName: name, Active: true, Owner: directory.OwnerAdmin}
			if err := s.CreatePerson(ctx, &p, name); err != nil {
				return err
			}
		}
		if err := s.CreateGroup(ctx, &directory.Group{ID: "g", SourceID: "src", DisplayName: "g", Owner: directory.OwnerAdmin}); err != nil {
			return err
		}
		if err := s.AddMembers(ctx, "g", []string{"p-ann"}); err != nil {
			return err
		}
		for _, set := range []string{"one", "two"} {
			if err := s.PutPermissionSet(ctx, &access.PermissionSet{ID: set, Name: set, Owner: directory.OwnerAdmin}); err != nil {
				return err
			}
		}
		for i := range accounts {
			a := access.Account{ID: fmt.Sprintf("%012d", i), Name: fmt.Sprintf("%cccount %d", "aA"[i%2], i*7%accounts), Email: "a@example.test", Environment: "env-" + fmt.Sprint(i), Owner: directory.OwnerAdmin}
			if err := s.PutAccount(ctx, &a); err != nil {
				return err
			}
			assign := func(set string, kind access.PrincipalKind, id string) error {
				return s.PutAssignment(ctx, &access.Assignment{ID: a.ID + set + id, AccountID: a.ID, PermissionSetID: set, PrincipalKind: kind, PrincipalID: id, Owner: directory.OwnerAdmin})
			}
			var err error
			switch {
			case i == 1:
				err = assign("one", access.User, "p-bob")
			case i%3 == 0:
				err = assign("one", access.User, "p-ann")
				if err == nil {
					err = assign("two", access.Group, "g")
				}
			default:
				err = assign("one", access.Group, "g")
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return "p-ann", "p-bob"
}

// TestAccountsPageIsWhatGrantsOfTells walks the pages and compares them with
// what decides about access.
func TestAccountsPageIsWhatGrantsOfTells(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *sqlstore.Store{"SQLite": ssoSQLite, "PostgreSQL": ssoPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			ann, bob := assigned(t, s, 50)
			for person, want := range map[string]int{ann: 49, bob: 1, "nobody": 0} {
				grants, err := s.GrantsOf(t.Context(), person, "")
				if err != nil {
					t.Fatal(err)
				}
				granted := map[string]bool{}
				for _, g := range grants {
					granted[g.Account.ID] = true
				}
				seen := map[string]bool{}
				var last awssso.Account
				for {
					page, err := s.AccountsPage(t.Context(), person, last.Name, last.ID, 7)
					if err != nil {
						t.Fatal(err)
					}
					for _, a := range page {
						if seen[a.ID] || !granted[a.ID] {
							t.Errorf("%s: account %s twice or not granted", person, a.ID)
						}
						if n, err := strconv.Atoi(a.ID); err != nil || a.Environment != fmt.Sprintf("env-%d", n) || a.Email != "a@example.test" {
							t.Errorf("account %+v", a)
						}
						seen[a.ID], last = true, a
					}
					if len(page) < 7 {
						break
					}
				}
				if len(seen) != want || len(granted) != want {
					t.Errorf("%s: %d accounts in pages, %d granted, want %d", person, len(seen), len(granted), want)
				}
			}
		})
	}
}

// BenchmarkAccountsPage reads a page of 100 of 2,000 accounts, from the middle.
func BenchmarkAccountsPage(b *testing.B) {
	s := ssoSQLite(b)
	ann, _ := assigned(b, s, 2000)
	for b.Loop() {
		if page, err := s.AccountsPage(b.Context(), ann, "Account 5", "", 100); err != nil || len(page) != 100 {
			b.Fatal(len(page), err)
		}
	}
}
