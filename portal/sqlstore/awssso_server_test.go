// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/awsssotest"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

var ssoAccount = awssso.Account{ID: "111122223333", Name: "Production", Email: "aws@example.com"}

// ssoReplica is one more portal on the store, where ann is signed in.
func ssoReplica(t testing.TB, s *sqlstore.Store) (*awsssotest.Portal, *awsssotest.Browser) {
	p := awsssotest.New(t, awsssotest.Options{Store: s.SSO()})
	p.SetRoles("ann", ssoAccount, "Admin")
	return p, p.SignIn("ann")
}

// TestSSOReplicas signs in with two replicas serving alternately.
func TestSSOReplicas(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *sqlstore.Store{"SQLite": ssoSQLite, "PostgreSQL": ssoPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			one, _ := ssoReplica(t, store)
			two, browser := ssoReplica(t, store)
			a := one.Client().Register(t)
			b := two.Client()
			b.ID, b.Secret = a.ID, a.Secret

			start := b.Start(t)
			page := browser.Post(t, "/device", url.Values{"user_code": {start.Text("userCode")}})
			browser.Answer(t, awsssotest.As[awssso.ApprovalPage](t, page), true)
			token := a.Poll(t, start.Text("deviceCode"))
			if token.Status != http.StatusOK {
				t.Fatalf("token: %d %s", token.Status, token.Raw)
			}
			answers := make([]awsssotest.Answer, 10)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = []*awsssotest.Client{a, b}[i%2].Refresh(t, token.Text("refreshToken")) })
			}
			wg.Wait()
			for _, got := range answers {
				if got.Status != http.StatusOK || got.Text("accessToken") != answers[0].Text("accessToken") || got.Text("refreshToken") != answers[0].Text("refreshToken") {
					t.Fatalf("refresh: %d %s", got.Status, got.Raw)
				}
			}
			if got := b.Get(t, "/assignment/accounts", answers[0].Text("accessToken")); got.Status != http.StatusOK {
				t.Errorf("accounts: %d %s", got.Status, got.Raw)
			}
			if got := a.Logout(t, answers[0].Text("accessToken")); got.Status != http.StatusOK {
				t.Errorf("logout: %d %s", got.Status, got.Raw)
			}
			if got := b.Get(t, "/assignment/accounts", answers[0].Text("accessToken")); got.Status != http.StatusUnauthorized {
				t.Errorf("after logout on the other replica: %d", got.Status)
			}
		})
	}
}

// TestSSODeviceTakenAtOnce polls with ten processes on two replicas.
func TestSSODeviceTakenAtOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *sqlstore.Store{"SQLite": ssoSQLite, "PostgreSQL": ssoPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := open(t)
			one, browser := ssoReplica(t, store)
			two, _ := ssoReplica(t, store)
			a := one.Client().Register(t)
			b := two.Client()
			b.ID, b.Secret = a.ID, a.Secret
			start := a.Start(t)
			browser.ApproveDevice(t, start.Text("verificationUriComplete"), true)
			answers := make([]awsssotest.Answer, 10)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = []*awsssotest.Client{a, b}[i%2].Poll(t, start.Text("deviceCode")) })
			}
			wg.Wait()
			won := slices.DeleteFunc(answers, func(a awsssotest.Answer) bool { return a.Status != http.StatusOK })
			if len(won) != 1 {
				t.Errorf("%d of 10 got a token", len(won))
			}
		})
	}
}

// TestSSORestart closes the database in the middle of a sign-in.
func TestSSORestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	open := func() *sqlstore.Store {
		s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	first := open()
	p, b := ssoReplica(t, first)
	c := p.Client().Register(t)
	start := c.Start(t)
	restart := func(s *sqlstore.Store) *sqlstore.Store {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open()
		p.Restart(awsssotest.Options{Store: s.SSO()})
		return s
	}
	second := restart(first)
	b.ApproveDevice(t, start.Text("verificationUriComplete"), true)
	third := restart(second)
	token := c.Poll(t, start.Text("deviceCode"))
	restart(third)
	if got := c.Get(t, "/assignment/accounts", token.Text("accessToken")); got.Status != http.StatusOK {
		t.Errorf("access token: %d %s", got.Status, got.Raw)
	}
	if got := c.Refresh(t, token.Text("refreshToken")); got.Status != http.StatusOK {
		t.Errorf("refresh: %d %s", got.Status, got.Raw)
	}
}

// TestSSOReadsAreIndexed asks SQLite how it reads what every call reads.
func TestSSOReadsAreIndexed(t *testing.T) {
	t.Parallel()
	s := ssoSQLite(t)
	for _, query := range []string{
		"SELECT state FROM portal_sso_devices WHERE hash = 'x' AND epoch = (SELECT value FROM portal_sso_epochs WHERE kind = 'grants')",
		"SELECT state FROM portal_sso_devices WHERE user_hash = 'x' AND epoch = (SELECT value FROM portal_sso_epochs WHERE kind = 'grants')",
		"SELECT COUNT(*) FROM portal_sso_devices WHERE network = 'x' AND state = 'pending' AND expires > 1",
		"SELECT f.id FROM portal_sso_tokens t JOIN portal_sso_families f ON f.id = t.family_id WHERE t.hash = 'x' AND t.kind = 'access'",
		"SELECT id FROM portal_sso_families WHERE person_id = 'x' ORDER BY created DESC",
	} {
		rows, err := s.DB().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(detail, "SCAN portal") || strings.Contains(detail, "SCAN t") || strings.Contains(detail, "SCAN f") {
				t.Errorf("%s\n%s", query, detail)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkSSOPoll polls for a device code beside 10 and 10,000 others.
func BenchmarkSSOPoll(b *testing.B) {
	for _, others := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("beside-%d", others), func(b *testing.B) {
			s := ssoSQLite(b)
			store, now := s.SSO(), time.Now()
			p, _ := ssoReplica(b, s)
			code := p.Client().Register(b).Start(b).Text("deviceCode")
			ctx := b.Context()
			for i := range others {
				err := store.InsertDevice(ctx, awssso.DeviceCode{
					Hash: seal.Hash("x", fmt.Sprint(i)), UserHash: fmt.Sprint(i), Network: fmt.Sprint("n", i), Created: now, Expires: now.Add(time.Hour), State: awssso.DevicePending,
				}, 1)
				if err != nil {
					b.Fatal(err)
				}
			}
			hash := seal.Hash("awssso device code", code)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := store.Device(ctx, hash); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSSOCharge is one durable commit.
func BenchmarkSSOCharge(b *testing.B) {
	store := ssoSQLite(b).SSO()
	for b.Loop() {
		if err := store.Charge(b.Context(), "k", 1<<30, time.Hour, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
