// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package simplesaml_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
)

// SimpleSAMLphp is the external identity provider of a source beside the
// built-in directory: signed requests, signed answers, SP-initiated and
// IdP-initiated, and logout.
func TestSource(t *testing.T) {
	ctx := context.Background()
	src := &directory.Source{
		ID: "corp", Kind: directory.SAML, Name: "Corp", Domains: []string{"corp.test"}, Owner: directory.OwnerAdmin,
		SAML: &directory.SAMLSource{CreatePeople: true, DisplayName: "displayName", AllowIdPInitiated: true},
	}
	s := portaltest.NewServerWith(t, portaltest.Options{Config: func(c *portal.Config) {
		c.MFAPolicy = &mfa.PolicyConfig{Default: mfa.Rule{Mode: mfa.Always, NoFactor: mfa.NoFactor{Action: mfa.ActAllow}}}
	}})
	// Each side needs the other's metadata; the portal's stands once the source
	// is there, so it begins with that of a SimpleSAMLphp without peers.
	port := freePort(t)
	probe := start(t, port, "none")
	src.SAML.Metadata = string(probe.idpMetadata(t))
	if err := s.Store.PutSource(ctx, src); err != nil {
		t.Fatal(err)
	}
	probe.addPeer(t, fetch(t, s.URL+portal.PathSPMetadata+"corp"))

	b := newBrowser(t)
	b.get(s.URL+"/apps").submit("username", map[string]string{"username": "erika@corp.test"})
	b.submit("username", map[string]string{"username": "erika", "password": "secret"})
	b.submit("SAMLResponse", nil).expect("Erika Mustermann")
	if b.at.String() != s.URL+"/apps" {
		t.Errorf("the sign-in led to %s", b.at)
	}
	p, err := s.Store.PersonByLogin(ctx, "erika@corp.test")
	if err != nil || p.SourceID != "corp" {
		t.Fatalf("%+v, %v", p, err)
	}

	unsolicited := newBrowser(t)
	unsolicited.get(probe.url + "/saml2/idp/SSOService.php?" + url.Values{"spentityid": {s.URL + portal.PathSPMetadata + "corp"}, "RelayState": {"x"}}.Encode())
	unsolicited.submit("username", map[string]string{"username": "erika", "password": "secret"})
	unsolicited.submit("SAMLResponse", nil).expect("Continue").expect("Erika Mustermann")
	unsolicited.submit("flow", nil).expect("Erika Mustermann").expect("Accounts")

	// Logout at the identity provider ends the portal's session.
	b.get(probe.url + "/saml2/idp/SingleLogoutService.php?ReturnTo=" + url.QueryEscape(probe.url+"/"))
	b.get(s.URL + "/apps").expect("Sign in")
}

// SimpleSAMLphp is an application of the portal.
func TestApplication(t *testing.T) {
	ctx := context.Background()
	s := portaltest.NewServer(t)
	ssp := start(t, freePort(t), s.URL+portal.PathAppMetadata, fetch(t, s.URL+portal.PathAppMetadata))
	registered, err := s.Portal.Apps().Register(ctx, "", app.App{
		Name: "SimpleSAMLphp", Metadata: string(ssp.spMetadata(t)), IdPInitiated: true, Owner: directory.OwnerAdmin,
		Attributes: []app.Attribute{{Name: "mail", From: "email"}, {Name: "groups", From: "groups"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store.PutAppAssignment(ctx, app.Assignment{AppID: registered.ID, PrincipalID: s.Group.ID}); err != nil {
		t.Fatal(err)
	}
	alice := s.Enrol(t, "alice")
	code, err := alice.TOTP.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	b.get(ssp.url + "/module.php/core/authenticate.php?as=default-sp").expect("Sign in")
	b.submit("username", map[string]string{"username": "alice"})
	b.submit("password", map[string]string{"password": alice.Password})
	b.submit("code", map[string]string{"code": code})
	b.submit("SAMLResponse", nil).expect("alice@example.test").expect(portaltest.GroupName)

	// Logout at the application ends the portal's session too.
	b.get(ssp.url + "/module.php/core/authenticate.php?as=default-sp&logout")
	for range 3 {
		if b.status == 200 && !hasSAML(b.body) {
			break
		}
		b.submit(samlField(b.body), nil)
	}
	b.get(s.URL + "/").expect("Sign in")
}
