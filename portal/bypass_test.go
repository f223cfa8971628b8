// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/signin"
)

// Somebody with an account of their own and another person's password begins
// to enrol as themselves and finishes in the other one's session, in one
// browser: the other session must not become a full one.
func TestEnrolmentOfAnotherPersonStrengthensNothing(t *testing.T) {
	s := portaltest.NewServer(t)
	if err := s.Portal.Directory().SetPassword(context.Background(), "", s.People["bob"], "correct horse battery bob"); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	b.get("/enrol").expect(http.StatusOK, "Add an authenticator app")
	b.post("/enrol/totp", url.Values{"flow": {b.field("flow")}}).expect(http.StatusOK, "otpauth://totp/")
	key, _, _, err := totp.ParseURI(html.UnescapeString(regexp.MustCompile(`otpauth://[^"]*`).FindString(b.body)))
	if err != nil {
		t.Fatal(err)
	}
	flow := b.field("flow")
	b.post("/sign-out", nil)
	b.password("/", "bob", "correct horse battery bob").expect(http.StatusOK, "enrolment ticket")
	code, err := key.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.post("/enrol/totp", url.Values{"flow": {flow}, "code": {code}}).expect(http.StatusForbidden, "expired")
	b.get("/security").expect(http.StatusOK, "enrolment ticket") // still for enrolment only
	records, err := s.Portal.MFA().Records(context.Background(), mfaSubject(s.People["alice"].ID))
	if err != nil || len(records) != 0 {
		t.Errorf("alice has %d factors (%v), want none", len(records), err)
	}
}

// Strangers who guess tickets lock out nobody who has one.
func TestTicketGuessesLockNobodyOut(t *testing.T) {
	s := portaltest.NewServer(t)
	ticket, err := s.Portal.SignIn().IssueTicket(context.Background(), "", s.People["bob"].ID, signin.TicketInvite)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s, nil)
	const password = "tulip lantern orbit"
	for i := range 12 {
		guess := signin.TicketInvite + "-" + string(rune('a'+i))
		b.post("/enrol/password", url.Values{"flow": {guess}, "password": {password}, "password2": {password}}).expect(http.StatusForbidden, "used or has expired")
	}
	b.post("/enrol/password", url.Values{"flow": {ticket}, "password": {password}, "password2": {password}}).expect(http.StatusOK, "Your password is set")
}
