// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// TestClockAhead: a replica whose clock is ahead of the database's is not
// ready, and does not delete what is alive for the others.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	dsn, db := freshDatabase(t)
	var ahead atomic.Int64 // of the portal's clock
	s := portaltest.NewServerWith(t, portaltest.Options{Store: openPostgres(t, dsn), Config: func(c *portal.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}})
	p := &person{t: t, base: s.URL, client: s.SignedIn(t, "alice")}
	p.open("/readyz").expect(http.StatusOK, "ready")
	ahead.Store(int64(48 * time.Hour))
	p.open("/readyz").expect(http.StatusServiceUnavailable, "the clock is wrong")
	if err := s.Portal.DeleteExpired(t.Context()); err == nil || !strings.Contains(err.Error(), "off the database's") {
		t.Errorf("deleting: %v", err)
	}
	var sessions int
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM portal_sessions").Scan(&sessions); err != nil || sessions != 1 {
		t.Errorf("%d sessions are left (%v), want 1", sessions, err)
	}
	ahead.Store(0)
	p.open("/").expect(http.StatusOK, portaltest.AccountDev)
}

// TestRestoredCommand: an operator ends what a restored database holds.
func TestRestoredCommand(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	_, s := serve(t, data)
	admin := newPerson(t, s.URL)
	admin.signIn("/", s.Admin).expect(http.StatusOK, "Accounts")
	if out, err := command(t, "restored", "--data", data); err != nil || !strings.Contains(out, "People sign in again") {
		t.Fatalf("%v\n%s", err, out)
	}
	admin.open("/").expect(http.StatusOK, "Sign in")
}
