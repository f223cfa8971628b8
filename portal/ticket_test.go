// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/signin"
)

// People of an external source have no password here: no ticket for one is
// issued, and one that exists (their source was another once) sets none.
func TestPasswordTicketOfAnExternalPerson(t *testing.T) {
	x := newExternal(t, nil)
	ctx := context.Background()
	p := &directory.Person{SourceID: "corp", UserName: "erika@corp.test", DisplayName: "Erika", Active: true, Owner: directory.OwnerAdmin}
	if err := x.s.Portal.Directory().CreatePerson(ctx, "", p); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{signin.TicketInvite, signin.TicketReset} {
		var refused *signin.Error
		if _, err := x.s.Portal.SignIn().IssueTicket(ctx, "", p.ID, kind); !errors.As(err, &refused) || refused.Check != signin.CheckSource {
			t.Errorf("%s: %v", kind, err)
		}
		admin := newBrowser(t, x.s, x.s.SignedIn(t, "admin"))
		admin.post("/admin/people/"+p.ID+"/ticket", url.Values{"kind": {kind}}).expect(http.StatusUnprocessableEntity, "People of Corp sign in there").lacks(kind + "-")

		ticket := kind + "-made-by-hand"
		if err := x.s.Store.CreateTicket(ctx, seal.Hash("portal-ticket", ticket), p.ID, kind, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		const password = "tulip lantern orbit"
		newBrowser(t, x.s, nil).post("/enrol/password", url.Values{"flow": {ticket}, "password": {password}, "password2": {password}}).
			expect(http.StatusForbidden, "People of Corp sign in there")
		if _, err := x.s.Store.PasswordHash(ctx, p.ID); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%s: the person has a password: %v", kind, err)
		}
	}
}

// hasty is a store where somebody else ends each session just before it is
// ended.
type hasty struct{ portal.Store }

func (h hasty) RevokeSession(ctx context.Context, personID, id string, now time.Time) error {
	if err := h.Store.RevokeSession(ctx, personID, id, now); err != nil {
		return err
	}
	return h.Store.RevokeSession(ctx, personID, id, now)
}

// To sign out of a session that was revoked a moment ago is to be signed out.
func TestSignOutOfARevokedSession(t *testing.T) {
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) { c.Store = hasty{c.Store} }})
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	b.get("/").expect(http.StatusOK, portaltest.AccountDev)
	b.post("/sign-out", nil).expect(http.StatusOK, "Signed out")
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(base) {
		if strings.Contains(c.Name, "-session") {
			t.Errorf("the cookie %s is left", c.Name)
		}
	}
}

// Somebody without scripts who chose a passkey first keeps the ticket.
func TestAnotherWayThanAPasskey(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	if err := s.Portal.Directory().SetPassword(ctx, "", s.People["bob"], "correct horse battery bob"); err != nil {
		t.Fatal(err)
	}
	ticket, err := s.Portal.MFA().IssueTicket(ctx, mfa.TicketInput{Subject: mfaSubject(s.People["bob"].ID)})
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s, nil)
	b.password("/", "bob", "correct horse battery bob").expect(http.StatusOK, "enrolment ticket")
	b.post("/enrol", url.Values{"flow": {b.field("flow")}}).expect(http.StatusForbidden, "expired") // no ticket, no way
	b.post("/enrol", url.Values{"ticket": {ticket}}).expect(http.StatusOK, "Add a passkey")
	b.post("/enrol/passkey", url.Values{"flow": {b.field("flow")}}).expect(http.StatusOK, "Choose another way")
	b.post("/enrol", url.Values{"flow": {b.field("flow")}}).expect(http.StatusOK, "Add an authenticator app")
	b.post("/enrol/totp", url.Values{"flow": {b.field("flow")}}).expect(http.StatusOK, "otpauth://totp/")
}
