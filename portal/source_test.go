// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// external is a portal with an external identity provider beside its own
// directory.
type external struct {
	s   *portaltest.Server
	idp *samltest.IdP
	c   *saml.Connection
}

func newExternal(t *testing.T, change func(src *directory.Source)) *external {
	t.Helper()
	x := &external{idp: samltest.NewIdP(t)}
	src := &directory.Source{
		ID: "corp", Kind: directory.SAML, Name: "Corp", Domains: []string{"corp.test"}, Owner: directory.OwnerAdmin,
		SAML: &directory.SAMLSource{Metadata: string(x.idp.Metadata()), CreatePeople: true, DisplayName: "displayName"},
	}
	if change != nil {
		change(src)
	}
	x.s = portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) {
		if err := c.Store.PutSource(context.Background(), src); err != nil {
			t.Fatal(err)
		}
		c.MFAPolicy = &mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Always, NoFactor: mfa.NoFactor{Action: mfa.ActAllow}}}
	}})
	x.c = &saml.Connection{ACS: x.s.URL + "/saml/sp/acs/corp", EntityID: x.s.URL + "/saml/sp/metadata/corp"}
	return x
}

// begin starts a sign-in by domain and returns the request that reaches the
// identity provider.
func (x *external) begin(t *testing.T, b *browser, path, login string) *saml.Outgoing {
	t.Helper()
	b.get(path)
	b.post("/sign-in", url.Values{"flow": {b.field("flow")}, "username": {login}}).expect(http.StatusOK, "Corp")
	_, target, _ := strings.Cut(b.header.Get("Refresh"), "url=")
	u, err := url.Parse(target)
	if err != nil || !strings.HasPrefix(target, x.idp.SSO) {
		t.Fatalf("sent to %q", target)
	}
	raw, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(strings.NewReader(string(raw))))
	if err != nil {
		t.Fatal(err)
	}
	var request struct {
		ID string `xml:"ID,attr"`
	}
	if err := xml.Unmarshal(text, &request); err != nil {
		t.Fatal(err)
	}
	if u.Query().Get("Signature") == "" {
		t.Error("the request is not signed")
	}
	return &saml.Outgoing{ID: request.ID, RelayState: u.Query().Get("RelayState")}
}

// answer posts a Response as the identity provider's page does: from another
// site, so without the Lax cookies.
func (x *external) answer(t *testing.T, b *browser, form url.Values) *browser {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, x.c.ACS, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Origin", "https://idp.test")
	cookieless := x.s.Client(t)
	resp, err := cookieless.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	b.status, b.url, b.header, b.body = resp.StatusCode, x.c.ACS, resp.Header, string(text)
	if resp.StatusCode != http.StatusSeeOther {
		return b
	}
	next, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return b.get(next.String())
}

func who(name string) samltest.Person {
	return samltest.Person{NameID: saml.NameID{Value: name, Format: saml.NameIDEmail}, Attributes: []saml.Attribute{{Name: "displayName", Values: []string{"Corp Person"}}}}
}

func TestExternalSource(t *testing.T) {
	x := newExternal(t, nil)
	b := newBrowser(t, x.s, nil)
	login := x.begin(t, b, "/apps", "erika@corp.test")
	x.answer(t, b, x.idp.Answer(x.c, login, who("erika@corp.test"))).expect(http.StatusOK, "Corp Person")
	if !strings.HasSuffix(b.url, "/apps") {
		t.Errorf("the sign-in led to %s", b.url)
	}
	p, err := x.s.Store.PersonByLogin(context.Background(), "erika@corp.test")
	if err != nil || p.SourceID != "corp" {
		t.Fatalf("%+v, %v", p, err)
	}
}

func TestExternalSourceRefuses(t *testing.T) {
	x := newExternal(t, nil)
	for _, broken := range samltest.Breaks() {
		t.Run(broken.String(), func(t *testing.T) {
			b := newBrowser(t, x.s, nil)
			login := x.begin(t, b, "/", "erika@corp.test")
			x.answer(t, b, x.idp.Answer(x.c, login, who("erika@corp.test"), broken))
			if b.status < 400 {
				t.Fatalf("accepted: %d %s", b.status, b.body)
			}
			b.get("/").expect(http.StatusOK, "Sign in")
		})
	}
	t.Run("replayed", func(t *testing.T) {
		b := newBrowser(t, x.s, nil)
		form := x.idp.Answer(x.c, x.begin(t, b, "/", "erika@corp.test"), who("erika@corp.test"))
		x.answer(t, b, form).expect(http.StatusOK, "Corp Person")
		other := newBrowser(t, x.s, nil)
		x.answer(t, other, form)
		if other.status < 400 {
			t.Errorf("accepted twice: %d", other.status)
		}
	})
	t.Run("another browser", func(t *testing.T) {
		mine, victim := newBrowser(t, x.s, nil), newBrowser(t, x.s, nil)
		form := x.idp.Answer(x.c, x.begin(t, mine, "/", "mallory@corp.test"), who("mallory@corp.test"))
		x.answer(t, victim, form)
		if victim.status < 400 {
			t.Errorf("the answer began a session in another browser: %d", victim.status)
		}
		victim.get("/").expect(http.StatusOK, "Sign in")
	})
}

// An external identity provider vouches for its own people only.
func TestExternalSourceCannotNameOthers(t *testing.T) {
	x := newExternal(t, nil)
	for _, name := range []string{"alice", "ALICE", "admin", "Admin"} {
		b := newBrowser(t, x.s, nil)
		login := x.begin(t, b, "/", "erika@corp.test")
		x.answer(t, b, x.idp.Answer(x.c, login, who(name))).expect(http.StatusForbidden, "no account here")
		b.get("/").expect(http.StatusOK, "Sign in")
	}
}

func TestExternalSourceWithoutCreation(t *testing.T) {
	x := newExternal(t, func(src *directory.Source) { src.SAML.CreatePeople = false })
	b := newBrowser(t, x.s, nil)
	login := x.begin(t, b, "/", "erika@corp.test")
	x.answer(t, b, x.idp.Answer(x.c, login, who("erika@corp.test"))).expect(http.StatusForbidden, "no account here")
	scim := newProvisioner(t, x.s, "corp")
	scim.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Erika@corp.test","displayName":"Erika"}`, 201)
	b = newBrowser(t, x.s, nil)
	login = x.begin(t, b, "/", "erika@corp.test")
	x.answer(t, b, x.idp.Answer(x.c, login, who("erika@corp.test"))).expect(http.StatusOK, "Erika")
}

// An unsolicited Response is refused unless it is allowed; then it asks first,
// carries no deep link, and replaces nobody's session by itself.
func TestUnsolicited(t *testing.T) {
	closed := newExternal(t, nil)
	b := newBrowser(t, closed.s, nil)
	closed.answer(t, b, closed.idp.Answer(closed.c, nil, who("erika@corp.test")))
	if b.status < 400 {
		t.Fatalf("accepted: %d", b.status)
	}
	open := newExternal(t, func(src *directory.Source) { src.SAML.AllowIdPInitiated = true })
	b = newBrowser(t, open.s, open.s.SignedIn(t, "alice"))
	form := open.idp.Answer(open.c, nil, who("erika@corp.test"))
	form.Set("RelayState", "/console?account_id="+portaltest.AccountDev)
	open.answer(t, b, form).expect(http.StatusOK, "Continue").expect(http.StatusOK, "Corp Person")
	flow := b.field("flow")
	b.get("/").expect(http.StatusOK, portaltest.AccountDev) // still alice
	b.post("/sign-in/continue", url.Values{"flow": {flow}}).expect(http.StatusOK, "Corp Person").lacks(portaltest.AccountDev)
	if b.url != open.s.URL+"/" {
		t.Errorf("led to %s", b.url)
	}
	b.post("/sign-in/continue", url.Values{"flow": {flow}}).expect(http.StatusForbidden, "expired")
}

// The portal's own factor is asked for unless the source is trusted for the
// context class.
func TestTrustedContext(t *testing.T) {
	x := newExternal(t, func(src *directory.Source) { src.SAML.TrustedContexts = []string{saml.ContextREFEDSMFA} })
	ctx := context.Background()
	p := &directory.Person{SourceID: "corp", UserName: "erika@corp.test", DisplayName: "Erika", Active: true}
	if err := x.s.Portal.Directory().CreatePerson(ctx, "", p); err != nil {
		t.Fatal(err)
	}
	x.s.People["erika"] = p
	ticket, err := x.s.Portal.MFA().IssueTicket(ctx, mfa.TicketInput{Subject: mfa.Subject{ID: p.ID}})
	if err != nil {
		t.Fatal(err)
	}
	enrolDirectly(t, x.s, p.ID, ticket)
	b := newBrowser(t, x.s, nil)
	login := x.begin(t, b, "/", "erika@corp.test")
	x.answer(t, b, x.idp.Answer(x.c, login, who("erika@corp.test"))).expect(http.StatusOK, "Confirm it is you")
	b = newBrowser(t, x.s, nil)
	login = x.begin(t, b, "/", "erika@corp.test")
	forge := x.idp.Forge(x.c, login, who("erika@corp.test"))
	forge.AuthnContext = saml.ContextREFEDSMFA
	form, err := forge.Form()
	if err != nil {
		t.Fatal(err)
	}
	x.answer(t, b, form).expect(http.StatusOK, "Erika").lacks("Confirm it is you")
}

func TestApplications(t *testing.T) {
	s := portaltest.NewServer(t)
	ctx := context.Background()
	idp := fetchEntity(t, s.URL+"/saml/app/metadata")
	sp := samltest.NewSP(t, idp, nil)
	registered, err := s.Portal.Apps().RegisterEndpoint(ctx, "", app.App{
		Name: "Demo", EntityID: sp.Connection.EntityID, IdPInitiated: true, Owner: directory.OwnerAdmin,
		Attributes: []app.Attribute{{Name: "groups", From: "groups"}},
	}, sp.Connection.ACS)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store.PutAppAssignment(ctx, app.Assignment{AppID: registered.ID, PrincipalID: s.Group.ID}); err != nil {
		t.Fatal(err)
	}
	alice, bob := newBrowser(t, s, s.SignedIn(t, "alice")), newBrowser(t, s, s.SignedIn(t, "bob"))

	login := sp.Start(saml.LoginOptions{})
	alice.get(login.URL()).expect(http.StatusOK, "SAMLResponse")
	got, err := sp.Receive(url.Values{"SAMLResponse": {alice.field("SAMLResponse")}, "RelayState": {alice.field("RelayState")}}, login)
	if err != nil {
		t.Fatal(err)
	}
	if got.NameID.Value != "alice@example.test" || !got.Attributes.Has("groups", portaltest.GroupName) || got.Unsolicited {
		t.Errorf("%+v", got)
	}

	login = sp.Start(saml.LoginOptions{})
	bob.get(login.URL()).expect(http.StatusOK, "SAMLResponse")
	if _, err := sp.Receive(url.Values{"SAMLResponse": {bob.field("SAMLResponse")}, "RelayState": {bob.field("RelayState")}}, login); saml.CheckOf(err) != saml.CheckStatus {
		t.Errorf("not assigned: %v", err)
	}
	bob.post("/apps/"+registered.ID+"/launch", nil).expect(http.StatusForbidden, "not assigned")
	alice.get("/apps").expect(http.StatusOK, "Demo")
	bob.get("/apps").expect(http.StatusOK, "").lacks("Demo")

	// A stranger signs in first; a passive request is refused at once.
	login = sp.Start(saml.LoginOptions{IsPassive: true})
	newBrowser(t, s, nil).get(login.URL()).expect(http.StatusOK, "SAMLResponse")
	key := s.Enrol(t, "alice")
	login = sp.Start(saml.LoginOptions{})
	stranger := newBrowser(t, s, nil)
	stranger.password(login.URL(), "alice", key.Password)
	stranger.totp(key.TOTP).expect(http.StatusOK, "SAMLResponse")
	if got, err = sp.Receive(url.Values{"SAMLResponse": {stranger.field("SAMLResponse")}, "RelayState": {stranger.field("RelayState")}}, login); err != nil || got.NameID.Value != "alice@example.test" {
		t.Errorf("%+v, %v", got, err)
	}

	// An application's Response is nothing to AWS: another issuer, another key.
	alice.post("/apps/"+registered.ID+"/launch", nil).expect(http.StatusOK, "SAMLResponse")
	_, err = s.Portal.Exchange().AssumeRole(ctx, exchangeInput(portaltest.AccountDev, alice.field("SAMLResponse")))
	if err == nil {
		t.Error("STS took an application's Response")
	}
}

// Metadata that has expired is not taken, and what was taken does not lock
// people out when its validUntil passes.
func TestStoredMetadataStays(t *testing.T) {
	s := portaltest.NewServer(t)
	entity := &saml.Entity{
		EntityID: "https://app.example", ValidUntil: time.Now().Add(-time.Hour),
		SP: &saml.SPRole{ACS: []saml.Endpoint{{Binding: saml.BindingPOST, Location: "https://app.example/acs", Default: true}}},
	}
	expired, err := entity.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Portal.Apps().Register(context.Background(), "", app.App{Name: "x", Metadata: string(expired)}); saml.CheckOf(err) != saml.CheckExpired {
		t.Errorf("expired metadata: %v", err)
	}
	if err := s.Store.PutApp(context.Background(), &app.App{ID: "old", Name: "x", EntityID: entity.EntityID, Metadata: string(expired), IdPInitiated: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Portal.Apps().Peer(context.Background(), entity.EntityID); err != nil {
		t.Errorf("taken before it expired: %v", err)
	}
}
