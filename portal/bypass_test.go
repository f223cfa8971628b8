// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/session"
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

// A session that somebody found open hands out no factor: not to its own
// administrator, and to others only after a fresh proof.
func TestFactorTicketsNeedAFreshProof(t *testing.T) {
	s := portaltest.NewServer(t)
	admin := newBrowser(t, s, s.SignedIn(t, "admin"))
	kind := url.Values{"kind": {"factor"}}
	admin.post("/admin/people/"+s.People["admin"].ID+"/ticket", kind).expect(http.StatusForbidden, "Security page")
	admin.post("/admin/people/"+s.People["bob"].ID+"/ticket", kind).expect(http.StatusOK, "a.")

	stale := newBrowser(t, s, s.SignedInAt(t, "admin", time.Now().Add(-time.Hour)))
	stale.get("/admin/people").expect(http.StatusOK, "People")
	stale.post("/admin/people/"+s.People["bob"].ID+"/ticket", kind).expect(http.StatusOK, "Confirm it is you")
}

// Somebody who is made an administrator with a session that proved a password
// alone is asked for a factor first.
func TestAdministrationNeedsAFactor(t *testing.T) {
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) {
		c.MFAPolicy = &mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Never}}
	}})
	alice := s.Enrol(t, "alice")
	b := newBrowser(t, s, nil)
	b.password("/", "alice", alice.Password).expect(http.StatusOK, portaltest.AccountDev)
	if err := s.Store.SetAdministrator(context.Background(), s.People["alice"].ID, true); err != nil {
		t.Fatal(err)
	}
	b.get("/admin/people").expect(http.StatusOK, "Confirm it is you")
	b.totp(alice.TOTP).expect(http.StatusOK, "People")
}

// One source does not name another's people to applications by e-mail.
func TestEmailOfAnotherSource(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	a, err := s.Portal.Apps().RegisterEndpoint(ctx, "", app.App{Name: "Demo", EntityID: "https://app.example", IdPInitiated: true}, "https://app.example/acs")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store.PutAppAssignment(ctx, app.Assignment{AppID: a.ID, PrincipalID: s.Group.ID}); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s, s.SignedIn(t, "alice"))
	b.post("/apps/"+a.ID+"/launch", nil).expect(http.StatusOK, "SAMLResponse")
	scim := newProvisioner(t, s, portaltest.SourcePeople)
	scim.do("PATCH", "/Users/"+s.People["alice"].ID, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"emails","value":[{"value":"Admin@example.test","primary":true}]}]}`, 200)
	b.post("/apps/"+a.ID+"/launch", nil).expect(http.StatusForbidden, "another source").lacks("SAMLResponse")
}

// A session that reaches enrolment only does not become a full one by a
// step-up.
func TestEnrolmentIsNotSteppedUp(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	alice := s.Enrol(t, "alice")
	evidence, err := json.Marshal([]mfa.Evidence{{Kind: mfa.KindPassword, At: time.Now(), AMR: []string{"pwd"}}})
	if err != nil {
		t.Fatal(err)
	}
	x := &session.Session{PersonID: s.People["alice"].ID, SourceID: portaltest.SourcePeople, Level: session.Enrolment, AMR: []string{"pwd"}, Evidence: evidence}
	_, cookie, err := s.Portal.BeginSession(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	c := signin.Client{Browser: "browser", Addr: netip.MustParseAddr("127.0.0.1")}
	flow, err := s.Portal.SignIn().StepUp(ctx, c, x, "")
	if err != nil {
		t.Fatal(err)
	}
	code, err := alice.TOTP.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var refused *signin.Error
	if p, err := s.Portal.SignIn().Answer(ctx, c, flow, mfa.KindTOTP, []byte(code), cookie); !errors.As(err, &refused) || refused.Check != signin.CheckFlow {
		t.Errorf("%+v, %v", p, err)
	}
}

// Somebody who signs in with the password alone, while the owner has no factor,
// makes no context known, and is asked for it as soon as there is one.
func TestPasswordAloneIsNoContext(t *testing.T) {
	var store mfa.Store
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) {
		store = c.MFA
		c.MFAPolicy = &mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Contextual, NoFactor: mfa.NoFactor{Action: mfa.ActEnrol, Grace: 24 * time.Hour}}}
	}})
	const password = "correct horse battery alice"
	if err := s.Portal.Directory().SetPassword(t.Context(), "", s.People["alice"], password); err != nil {
		t.Fatal(err)
	}
	known := func(want int) {
		t.Helper()
		if seen, err := store.Sightings(t.Context(), mfaSubject(s.People["alice"].ID)); err != nil || len(seen) != want {
			t.Errorf("%d contexts are known (%v), want %d", len(seen), err, want)
		}
	}
	thief := newBrowser(t, s, nil)
	for range 2 {
		thief.password("/", "alice", password).expect(http.StatusOK, portaltest.AccountDev)
		thief.post("/sign-out", nil)
	}
	known(0)
	alice := s.Enrol(t, "alice")
	thief.password("/", "alice", alice.Password).expect(http.StatusOK, "Confirm it is you")
	owner := newBrowser(t, s, nil)
	owner.password("/", "alice", alice.Password).totp(alice.TOTP).expect(http.StatusOK, portaltest.AccountDev)
	known(1)
}

// A sign-in that began with the old password does not end in a session after
// the password was reset.
func TestResetEndsPendingSignIns(t *testing.T) {
	s := portaltest.NewServer(t)
	alice := s.Enrol(t, "alice")
	c := signin.Client{Browser: "browser", Addr: netip.MustParseAddr("127.0.0.1")}
	begin := func(password string) *signin.Progress {
		t.Helper()
		p, err := s.Portal.SignIn().Password(t.Context(), c, signin.Entry{Login: "alice"}, password)
		if err != nil || p.Step != signin.StepFactor {
			t.Fatalf("%+v, %v", p, err)
		}
		return p
	}
	answer := func(p *signin.Progress) error {
		t.Helper()
		code, err := alice.TOTP.Code(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Portal.SignIn().Answer(t.Context(), c, p.Flow, mfa.KindTOTP, []byte(code), "")
		return err
	}
	old := begin(alice.Password)
	challenge, err := s.Portal.SignIn().BeginFactor(t.Context(), c, old.Flow, mfa.KindTOTP)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := s.Portal.SignIn().IssueTicket(t.Context(), "", s.People["alice"].ID, signin.TicketReset)
	if err != nil {
		t.Fatal(err)
	}
	const password = "tulip lantern orbit"
	if _, _, err := s.Portal.SignIn().SpendTicket(t.Context(), c, ticket, password); err != nil {
		t.Fatal(err)
	}
	code, err := alice.TOTP.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, begun := s.Portal.SignIn().Factor(t.Context(), c, old.Flow, challenge.ID, []byte(code), "")
	for what, err := range map[string]error{"begun before the reset": begun, "begun after it": answer(old)} {
		var refused *signin.Error
		if !errors.As(err, &refused) || refused.Check != signin.CheckFlow {
			t.Errorf("a challenge %s: %v, want check %q", what, err, signin.CheckFlow)
		}
	}
	pending := begin(password)
	person, err := s.Portal.Directory().Store().Person(t.Context(), s.People["alice"].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Portal.Directory().SetPassword(t.Context(), "cli:recover", person, alice.Password); err != nil {
		t.Fatal(err)
	}
	var refused *signin.Error
	if err := answer(pending); !errors.As(err, &refused) || refused.Check != signin.CheckFlow {
		t.Errorf("a sign-in from before a recovery: %v, want check %q", err, signin.CheckFlow)
	}
	if err := answer(begin(alice.Password)); err != nil {
		t.Errorf("a sign-in with the new password: %v", err)
	}
}

// An administrator who removes a factor, and a person who does, end the
// sessions that it has proved; the person goes on with the one they are in.
func TestRemovedFactorEndsItsSessions(t *testing.T) {
	s := portaltest.NewServer(t)
	alice, id := s.Enrol(t, "alice"), s.People["alice"].ID
	in := func() *browser {
		t.Helper()
		return newBrowser(t, s, nil).password("/", "alice", alice.Password).totp(alice.TOTP).expect(http.StatusOK, portaltest.AccountDev)
	}
	record := func() string {
		t.Helper()
		records, err := s.Portal.MFA().Records(t.Context(), mfaSubject(id))
		if err != nil || len(records) != 1 {
			t.Fatalf("%+v, %v", records, err)
		}
		return records[0].ID
	}
	thief, owner, other := in(), newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "alice"))
	owner.post("/security/factors/"+record()+"/remove", nil).expect(http.StatusOK, "The factor was removed")
	thief.get("/security").expect(http.StatusOK, "User name or e-mail")
	other.get("/security").expect(http.StatusOK, "Sign out")

	alice = s.Enrol(t, "alice")
	thief = in()
	admin := newBrowser(t, s, s.SignedIn(t, "admin"))
	admin.post("/admin/people/"+id+"/factors/"+record()+"/remove", nil).expect(http.StatusOK, "The factor was removed")
	thief.get("/security").expect(http.StatusOK, "User name or e-mail")
	other.get("/security").expect(http.StatusOK, "User name or e-mail")
}
