// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/signin"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// A process that is well behind what another has seen is not ready, and
// deletes nothing.
func TestClockBehind(t *testing.T) {
	start := time.Now()
	var off atomic.Int64 // of the portal's clock
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) { c.Now = func() time.Time { return start.Add(time.Duration(off.Load())) } }})
	ctx := context.Background()
	if err := s.Portal.DeleteExpired(ctx); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s, nil)
	for _, c := range []struct {
		off    time.Duration
		status int
		text   string
	}{{0, http.StatusOK, "ready"}, {-time.Minute, http.StatusOK, "ready"}, {-time.Hour, http.StatusServiceUnavailable, "the clock is wrong"}} {
		off.Store(int64(c.off))
		b.get("/readyz").expect(c.status, c.text)
		if err := s.Portal.DeleteExpired(ctx); (err == nil) != (c.status == http.StatusOK) {
			t.Errorf("%v: %v", c.off, err)
		}
	}
	if b.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	// What is alive with the clock corrected is what was made in a new epoch.
	if _, err := s.Store.RaiseEpoch(ctx); err != nil {
		t.Fatal(err)
	}
	b.get("/readyz").expect(http.StatusOK, "ready")
}

// After a restore nothing of the copy that could have been spent is good.
func TestRestored(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	alice := s.Enrol(t, "alice")
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	b.get("/").expect(http.StatusOK, portaltest.AccountDev)
	ticket, err := s.Portal.SignIn().IssueTicket(ctx, "", s.People["bob"].ID, signin.TicketInvite)
	if err != nil {
		t.Fatal(err)
	}
	between := newBrowser(t, s, nil)
	between.password("/", "alice", alice.Password).expect(http.StatusOK, "Confirm it is you")
	flow := between.field("flow")

	if err := s.Portal.Restored(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	b.get("/").expect(http.StatusOK, "Sign in").lacks(portaltest.AccountDev)
	between.post("/sign-in/totp", url.Values{"flow": {flow}, "code": {"123456"}}).expect(http.StatusForbidden, "expired")
	const password = "tulip lantern orbit"
	b.post("/enrol/password", url.Values{"flow": {ticket}, "password": {password}, "password2": {password}}).expect(http.StatusForbidden, "used or has expired")
	b.password("/", "alice", alice.Password).expect(http.StatusOK, "Confirm it is you")
	b.totp(alice.TOTP).expect(http.StatusOK, portaltest.AccountDev)
}

// After a restore no message that was in flight is answered, and what was used
// stays used.
func TestRestoredEndsMessages(t *testing.T) {
	x := newExternal(t, func(src *directory.Source) { src.SAML.AllowIdPInitiated = true })
	ctx, b := context.Background(), newBrowser(t, x.s, nil)
	refused := func(what, check string) {
		t.Helper()
		events, err := x.s.Store.Events(ctx, "", 1)
		if err != nil || len(events) != 1 || events[0].Check != check || b.status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %+v, %v, want %s", what, b.status, events, err, check)
		}
	}
	sp := samltest.NewSP(t, fetchEntity(t, x.s.URL+"/saml/app/metadata"), nil)
	if _, err := x.s.Portal.Apps().RegisterEndpoint(ctx, "", app.App{Name: "Demo", EntityID: sp.Connection.EntityID}, sp.Connection.ACS); err != nil {
		t.Fatal(err)
	}
	resp, err := x.s.Client(t).Get(sp.Start(saml.LoginOptions{}).URL())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	parked := resp.Header.Get("Location")
	b.get(parked).expect(http.StatusOK, "Sign in")
	used := x.idp.Answer(x.c, nil, who("erika@corp.test"))
	x.answer(t, newBrowser(t, x.s, nil), used).expect(http.StatusOK, "Corp Person")
	inFlight := x.idp.Answer(x.c, x.begin(t, b, "/", "erika@corp.test"), who("erika@corp.test"))

	if err := x.s.Portal.Restored(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	x.answer(t, b, inFlight)
	refused("a request of ours", "saml-request")
	b.get(parked)
	refused("a parked request", "saml-request")
	x.answer(t, b, used)
	refused("an assertion that was used", "saml-replay")
	x.answer(t, b, x.idp.Answer(x.c, x.begin(t, b, "/", "erika@corp.test"), who("erika@corp.test"))).expect(http.StatusOK, "Corp Person")
}
