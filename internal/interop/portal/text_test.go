// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

// onBothDatabases runs a test on SQLite and on PostgreSQL.
func onBothDatabases(t *testing.T, test func(t *testing.T, store *sqlstore.Store)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "portal.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn, _ := freshDatabase(t)
		test(t, openPostgres(t, dsn))
	})
}

// TestTextThatIsNone: NUL and what is not UTF-8 are refused wherever a string
// comes in, alike on a database that keeps them and on one that does not.
func TestTextThatIsNone(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, store *sqlstore.Store) {
		s := portaltest.NewServerWith(t, portaltest.Options{Store: store})
		admin := &person{t: t, base: s.URL, client: s.SignedIn(t, "admin")}
		alice := &person{t: t, base: s.URL, client: s.SignedIn(t, "alice")}
		stranger := newPerson(t, s.URL)
		for _, bad := range []string{"a\x00", "a\xff", "\xed\xa0\x80"} {
			escaped := url.QueryEscape(bad)
			for _, path := range []string{
				"/admin/people/", "/admin/groups/", "/admin/accounts/", "/admin/applications/", "/admin/sources/", "/accounts/x/roles/",
				"/saml/sp/metadata/", "/static/",
			} {
				admin.open(path + escaped)
				if admin.status != http.StatusNotFound {
					t.Errorf("GET %s%s: %d, want 404", path, escaped, admin.status)
				}
			}
			for _, path := range []string{
				"/admin/people?q=", "/admin/groups?q=", "/admin/audit?q=", "/admin/audit?before=", "/admin/audit.jsonl?before=", "/?q=", "/apps?q=",
				"/console?account_id=", "/console?role_name=", "/console?x" + escaped + "=", "/enrol?ticket=", "/sign-in/mfa?flow=", "/sign-in/continue?flow=", "/saml/app/continue?request=", "/saml/app/sso?RelayState=",
			} {
				admin.open(path + escaped)
				if admin.status != http.StatusBadRequest {
					t.Errorf("GET %s%s: %d, want 400", path, escaped, admin.status)
				}
			}
			for _, c := range []struct {
				who   *person
				path  string
				field string
			}{
				{stranger, "/sign-in", "username"},
				{stranger, "/sign-in/password", "password"},
				{stranger, "/enrol", "ticket"},
				{stranger, "/enrol/password", "flow"},
				{stranger, "/saml/app/sso", "RelayState"},
				{stranger, "/saml/sp/acs/x", "SAMLResponse"},
				{alice, "/sign-in/totp", "code"},
				{alice, "/console/open", "account"},
				{alice, "/security/factors/x/rename", "name"},
				{admin, "/admin/people", "name"},
				{admin, "/admin/people", "source"},
				{admin, "/admin/groups", "name"},
				{admin, "/admin/groups/" + s.Group.ID + "/members", "person"},
				{admin, "/admin/assignments", "account"},
				{admin, "/admin/applications", "entity_id"},
				{admin, "/admin/tokens", "source"},
			} {
				c.who.post(c.path, url.Values{c.field: {bad}})
				if c.who.status != http.StatusBadRequest {
					t.Errorf("POST %s with %s=%q: %d, want 400: %s", c.path, c.field, bad, c.who.status, c.who.shown)
				}
			}
			scimText(t, s, bad)
		}
		// The longest search ends between characters.
		admin.open("/admin/people?q="+url.QueryEscape("a"+strings.Repeat("ë", 100))).expect(http.StatusOK, "People")
		scripts(t, s)
	})
}

// scimText sends what is no text to the provisioning endpoint.
func scimText(t *testing.T, s *portaltest.Server, bad string) {
	t.Helper()
	token, err := s.Portal.IssueSCIMToken(t.Context(), "", portaltest.SourcePeople, "test", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		all, err := s.Portal.SCIMTokens(t.Context(), portaltest.SourcePeople)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Portal.RevokeSCIMToken(t.Context(), "", portaltest.SourcePeople, all[0].ID); err != nil {
			t.Fatal(err)
		}
	}()
	c := &provisioner{t: t, base: s.URL + "/scim/v2", token: token}
	alice, group := s.People["alice"].ID, s.Group.ID
	escaped := url.QueryEscape(bad)
	c.do(http.StatusNotFound, "GET", "/Users/"+escaped, nil)
	c.do(http.StatusNotFound, "DELETE", "/Groups/"+escaped, nil)
	for _, resource := range []string{"Users", "Groups"} {
		for _, attribute := range []string{"id", "externalId", "displayName"} {
			c.do(http.StatusBadRequest, "GET", "/"+resource+"?filter="+url.QueryEscape(attribute+` eq "a\u0000"`), nil)
		}
	}
	if strings.Contains(bad, "\x00") { // JSON holds nothing but UTF-8; Go's encoder replaces the rest
		for _, field := range []string{"userName", "displayName", "externalId"} {
			u := newUser("someone")
			u[field] = bad
			c.do(http.StatusBadRequest, "POST", "/Users", u)
			c.do(http.StatusBadRequest, "PUT", "/Users/"+alice, u)
		}
		g := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": bad}
		c.do(http.StatusBadRequest, "POST", "/Groups", g)
		c.do(http.StatusBadRequest, "PUT", "/Groups/"+group, g)
		for _, op := range []map[string]any{
			{"op": "add", "path": "members", "value": []any{map[string]any{"value": bad}}},
			{"op": "replace", "path": "displayName", "value": bad},
			{"op": "remove", "path": `members[value eq "a\u0000"]`},
		} {
			patch := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []any{op}}
			c.do(http.StatusBadRequest, "PATCH", "/Groups/"+group, patch)
		}
	}
}

// scripts sends JSON of the portal's own scripts.
func scripts(t *testing.T, s *portaltest.Server) {
	t.Helper()
	client := s.SignedIn(t, "alice")
	for path, body := range map[string]string{
		"/sign-in/passkey/begin":  `{"flow":"a\u0000"}`,
		"/sign-in/passkey/finish": `{"flow":"x","id":"a\u0000","credential":{}}`,
		"/enrol/passkey/finish":   `{"flow":"x","id":"x","name":"` + "\xff" + `","credential":{}}`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("POST %s: %d, want 400", path, resp.StatusCode)
		}
	}
}
