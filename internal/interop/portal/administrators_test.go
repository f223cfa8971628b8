// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

// TestLastAdministrator: two administrators who block each other at the same
// moment do not leave the portal to nobody.
func TestLastAdministrator(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, store *sqlstore.Store) {
		s := portaltest.NewServerWith(t, portaltest.Options{Store: store})
		ctx, dir := t.Context(), s.Portal.Directory()
		one, two := s.People["admin"].ID, s.People["bob"].ID
		if err := store.SetAdministrator(ctx, two, true); err != nil {
			t.Fatal(err)
		}
		for round := range 5 {
			var wg sync.WaitGroup
			errs := make([]error, 2)
			wg.Go(func() { errs[0] = dir.Block(ctx, one, two, true) })
			wg.Go(func() { errs[1] = dir.Block(ctx, two, one, true) })
			wg.Wait()
			kept := 0
			for i, err := range errs {
				switch {
				case err == nil:
				case errors.Is(err, directory.ErrLastAdministrator):
					kept++
				default:
					t.Fatalf("round %d: %d: %v", round, i, err)
				}
			}
			if kept != 1 {
				t.Fatalf("round %d: %d of two blocks were refused, want 1", round, kept)
			}
			for _, id := range []string{one, two} {
				if err := dir.Block(ctx, "", id, false); err != nil {
					t.Fatal(err)
				}
			}
		}

		// The last member of the group by which all administer stays in it.
		admin := signedIn(t, s, "admin")
		if err := errors.Join(store.SetAdministrator(ctx, two, false), store.SetAdministrator(ctx, s.Group.ID, true)); err != nil {
			t.Fatal(err)
		}
		members := "/admin/groups/" + s.Group.ID + "/members"
		admin.post(members, url.Values{"action": {"add"}, "person": {two}}).expect(http.StatusOK, "bob")
		bob := signedIn(t, s, "bob")
		if err := store.SetAdministrator(ctx, one, false); err != nil {
			t.Fatal(err)
		}
		bob.post(members, url.Values{"action": {"remove"}, "person": {s.People["alice"].ID}}).expect(http.StatusOK, "bob")
		bob.post(members, url.Values{"action": {"remove"}, "person": {two}}).expect(http.StatusConflict, "Nobody would be left")
		bob.open("/admin/people").expect(http.StatusOK, "People")
	})
}

// signedIn is a person with a session, who follows redirects.
func signedIn(t *testing.T, s *portaltest.Server, name string) *person {
	t.Helper()
	client := s.SignedIn(t, name)
	client.CheckRedirect = nil
	return &person{t: t, base: s.URL, client: client}
}
