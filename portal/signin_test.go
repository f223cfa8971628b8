// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/portal/signin"
)

// browser is a person with a browser: it follows redirects by hand and fills
// in forms.
type browser struct {
	t      *testing.T
	s      *portaltest.Server
	client *http.Client
	status int
	url    string
	header http.Header
	body   string
}

func newBrowser(t *testing.T, s *portaltest.Server, client *http.Client) *browser {
	t.Helper()
	if client == nil {
		client = s.Client(t)
	}
	return &browser{t: t, s: s, client: client}
}

func (b *browser) get(path string) *browser {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

func (b *browser) post(path string, form url.Values) *browser {
	b.t.Helper()
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) *browser {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.s.URL + path
	}
	for range 10 {
		req, err := http.NewRequest(method, path, strings.NewReader(form.Encode()))
		if err != nil {
			b.t.Fatal(err)
		}
		if method == http.MethodPost {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		resp, err := b.client.Do(req)
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			b.t.Fatal(err)
		}
		b.status, b.url, b.header, b.body = resp.StatusCode, path, resp.Header, string(text)
		if resp.StatusCode != http.StatusSeeOther {
			return b
		}
		next, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
		if err != nil {
			b.t.Fatal(err)
		}
		method, path, form = http.MethodGet, next.String(), nil
	}
	b.t.Fatal("too many redirects")
	return b
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// field is the value of a hidden field of the page.
func (b *browser) field(name string) string {
	for _, m := range hidden.FindAllStringSubmatch(b.body, -1) {
		if m[1] == name {
			return html.UnescapeString(m[2])
		}
	}
	return ""
}

func (b *browser) expect(status int, text string) *browser {
	b.t.Helper()
	if b.status != status || !strings.Contains(b.body, text) {
		b.t.Fatalf("%s: status %d, want %d with %q in:\n%s", b.url, b.status, status, text, b.body)
	}
	return b
}

func (b *browser) lacks(text string) *browser {
	b.t.Helper()
	if strings.Contains(b.body, text) {
		b.t.Fatalf("%s: %q is on the page", b.url, text)
	}
	return b
}

// password goes from any page through sign-in to after the password.
func (b *browser) password(path, user, password string) *browser {
	b.t.Helper()
	b.get(path).expect(http.StatusOK, "Sign in")
	b.post("/sign-in", url.Values{"flow": {b.field("flow")}, "username": {user}}).expect(http.StatusOK, "password")
	return b.post("/sign-in/password", url.Values{"flow": {b.field("flow")}, "password": {password}})
}

func (b *browser) totp(k totp.Key) *browser {
	b.t.Helper()
	code, err := k.Code(time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post("/sign-in/totp", url.Values{"flow": {b.field("flow")}, "code": {code}})
}

func TestSignInWithTOTP(t *testing.T) {
	s := portaltest.NewServer(t)
	alice := s.Enrol(t, "alice")
	b := newBrowser(t, s, nil)
	b.password("/apps", "Alice", alice.Password).expect(http.StatusOK, "Confirm it is you").lacks(portaltest.AccountDev)
	b.get("/").expect(http.StatusOK, "Sign in") // the password alone is no session
	b.password("/apps", "alice", alice.Password).expect(http.StatusOK, "Confirm it is you")
	b.totp(alice.TOTP).expect(http.StatusOK, "Applications")
	if !strings.HasSuffix(b.url, "/apps") {
		t.Errorf("the sign-in led to %s, not to where it began", b.url)
	}
	b.get("/").expect(http.StatusOK, portaltest.AccountDev).expect(http.StatusOK, portaltest.PermissionSet)
	b.post("/sign-out", nil).expect(http.StatusOK, "Signed out")
	b.get("/").expect(http.StatusOK, "Sign in")
}

func TestTOTPCodeIsUsedOnce(t *testing.T) {
	s := portaltest.NewServer(t)
	alice := s.Enrol(t, "alice")
	code, err := alice.TOTP.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	first, second := newBrowser(t, s, nil), newBrowser(t, s, nil)
	first.password("/", "alice", alice.Password)
	second.password("/", "alice", alice.Password)
	first.post("/sign-in/totp", url.Values{"flow": {first.field("flow")}, "code": {code}}).expect(http.StatusOK, portaltest.AccountDev)
	second.post("/sign-in/totp", url.Values{"flow": {second.field("flow")}, "code": {code}}).expect(http.StatusForbidden, "Confirm it is you")
}

// Unknown, disabled, passwordless and external names answer as a wrong
// password does, word for word.
func TestSignInTellsNobodyWhoExists(t *testing.T) {
	s := portaltest.NewServer(t)
	alice := s.Enrol(t, "alice")
	carl := s.Enrol(t, "bob")
	if err := s.Portal.Directory().Block(context.Background(), "", s.People["bob"].ID, true); err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`value="[^"]*"|Not you|alice|bob|nobody|admin`)
	var want string
	for _, c := range []struct{ name, user, password string }{
		{"wrong password", "alice", "wrong"},
		{"unknown", "nobody", alice.Password},
		{"no password set", "admin", "wrong"},
		{"blocked, right password", "bob", carl.Password},
		{"longer than any password", "alice", strings.Repeat("x", 4000)},
	} {
		b := newBrowser(t, s, nil).password("/", c.user, c.password)
		b.expect(http.StatusForbidden, "do not match")
		got := token.ReplaceAllString(b.body, "")
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s: the page differs:\n%s\n%s", c.name, got, want)
		}
	}
}

// Strangers who fail often lock a name on browsers that it has not signed in
// from, and not on the one that it has.
func TestFailuresLockStrangersOnly(t *testing.T) {
	s := portaltest.NewServer(t)
	alice := s.Enrol(t, "alice")
	own := newBrowser(t, s, nil)
	own.password("/", "alice", alice.Password)
	own.totp(alice.TOTP).expect(http.StatusOK, portaltest.AccountDev)
	own.post("/sign-out", nil)
	for range 10 {
		newBrowser(t, s, nil).password("/", "alice", "wrong").expect(http.StatusForbidden, "do not match")
	}
	locked := newBrowser(t, s, nil).password("/", "alice", alice.Password).expect(http.StatusTooManyRequests, "Too many tries")
	if locked.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	own.password("/", "alice", alice.Password).expect(http.StatusOK, "Confirm it is you")
}

func TestFirstEnrolmentNeedsATicket(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	if err := s.Portal.Directory().SetPassword(ctx, "", s.People["bob"], "correct horse battery bob"); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s, nil)
	b.password("/", "bob", "correct horse battery bob").expect(http.StatusOK, "enrolment ticket")
	b.get("/").expect(http.StatusOK, "enrolment ticket") // the session reaches enrolment only
	b.get("/security").expect(http.StatusOK, "enrolment ticket")
	b.post("/enrol", url.Values{"ticket": {"f.nonsense"}}).expect(http.StatusForbidden, "expired")
	b.post("/enrol/totp", url.Values{}).expect(http.StatusForbidden, "")
	ticket, err := s.Portal.MFA().IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: s.People["bob"].ID}})
	if err != nil {
		t.Fatal(err)
	}
	b.post("/enrol", url.Values{"ticket": {ticket}}).expect(http.StatusOK, "Add an authenticator app")
	b.post("/enrol/totp", url.Values{"flow": {b.field("flow")}}).expect(http.StatusOK, "otpauth://totp/")
	uri := html.UnescapeString(regexp.MustCompile(`otpauth://[^"]*`).FindString(b.body))
	key, _, _, err := totp.ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	flow := b.field("flow")
	b.post("/enrol/totp", url.Values{"flow": {flow}, "code": {"000000"}}).expect(http.StatusForbidden, "otpauth://totp/")
	code, err := key.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.post("/enrol/totp", url.Values{"flow": {b.field("flow")}, "code": {code}}).expect(http.StatusOK, "Accounts")
	b.get("/security").expect(http.StatusOK, "Authenticator app")
	// The ticket is spent.
	other := newBrowser(t, s, nil)
	other.password("/", "bob", "correct horse battery bob").expect(http.StatusOK, "Confirm it is you")
}

func TestAdministratorWithoutFactorIsBlocked(t *testing.T) {
	s := portaltest.NewServer(t)
	if err := s.Portal.Directory().SetPassword(context.Background(), "", s.People["admin"], "correct horse battery admin"); err != nil {
		t.Fatal(err)
	}
	newBrowser(t, s, nil).password("/", "admin", "correct horse battery admin").expect(http.StatusForbidden, "needs a second factor")
}

func TestInvitation(t *testing.T) {
	s := portaltest.NewServer(t)
	admin := newBrowser(t, s, s.SignedIn(t, "admin"))
	admin.post("/admin/people", url.Values{"source": {portaltest.SourcePeople}, "username": {"dora"}, "name": {"Dora"}, "email": {"dora@example.test"}}).expect(http.StatusOK, "dora")
	id := admin.url[strings.LastIndexByte(admin.url, '/')+1:]
	admin.post("/admin/people/"+id+"/ticket", url.Values{"kind": {signin.TicketInvite}}).expect(http.StatusOK, "invite-")
	ticket := regexp.MustCompile(`invite-[A-Za-z0-9_-]{43}`).FindString(admin.body)
	b := newBrowser(t, s, nil)
	b.post("/enrol", url.Values{"ticket": {ticket}}).expect(http.StatusOK, "Set your password")
	b.post("/enrol/password", url.Values{"flow": {b.field("flow")}, "password": {"short"}, "password2": {"short"}}).expect(http.StatusUnprocessableEntity, "at least 10 characters")
	b.post("/enrol/password", url.Values{"flow": {b.field("flow")}, "password": {"tulip lantern orbit"}, "password2": {"tulip lantern orbit"}}).expect(http.StatusOK, "Your password is set")
	factor := regexp.MustCompile(`f\.[A-Za-z0-9_-]+`).FindString(b.body)
	if factor == "" {
		t.Fatal("no ticket for the factor")
	}
	b.post("/enrol/password", url.Values{"flow": {ticket}, "password": {"tulip lantern orbit"}, "password2": {"tulip lantern orbit"}}).expect(http.StatusForbidden, "used or has expired")
	b.password("/", "dora", "tulip lantern orbit").expect(http.StatusOK, "enrolment ticket")
	b.post("/enrol", url.Values{"ticket": {factor}}).expect(http.StatusOK, "Add an authenticator app")
}
