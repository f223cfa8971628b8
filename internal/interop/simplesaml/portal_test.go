// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package simplesaml_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/useragent"
	"github.com/gatehouse-id/gatehouse/internal/interop/simplesaml/ssp"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/app"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml"
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
	idp := ssp.Start(t, ssp.Options{IdP: ssp.IdP{RequireSigned: true}})
	src.SAML.Metadata = string(idp.IdPMetadata(t))
	if err := s.Store.PutSource(ctx, src); err != nil {
		t.Fatal(err)
	}
	idp.AddPeer(t, ssp.Fetch(t, s.URL+portal.PathSPMetadata+"corp"))

	b := useragent.New(t)
	b.Get(s.URL+"/apps").Submit("username", map[string]string{"username": "erika@corp.test"})
	b.Submit("username", map[string]string{"username": "erika", "password": "secret"})
	b.Submit("SAMLResponse", nil).Expect("Erika Mustermann")
	if b.At.String() != s.URL+"/apps" {
		t.Errorf("the sign-in led to %s", b.At)
	}
	p, err := s.Store.PersonByLogin(ctx, "erika@corp.test")
	if err != nil || p.SourceID != "corp" {
		t.Fatalf("%+v, %v", p, err)
	}

	unsolicited := useragent.New(t)
	unsolicited.Get(idp.Initiate(s.URL+portal.PathSPMetadata+"corp", "x"))
	unsolicited.Submit("username", map[string]string{"username": "erika", "password": "secret"})
	unsolicited.Submit("SAMLResponse", nil).Expect("Continue").Expect("Erika Mustermann")
	unsolicited.Submit("flow", nil).Expect("Erika Mustermann").Expect("Accounts")

	// Logout at the identity provider ends the portal's session.
	b.Get(idp.IdPLogout()).Through()
	b.Get(s.URL + "/apps").Expect("Sign in")
}

// SimpleSAMLphp is an application of the portal.
func TestApplication(t *testing.T) {
	ctx := context.Background()
	s := portaltest.NewServer(t)
	sp := ssp.Start(t, ssp.Options{SP: ssp.SP{IdP: s.URL + portal.PathAppMetadata, NameID: saml.NameIDTransient}, Peers: [][]byte{ssp.Fetch(t, s.URL+portal.PathAppMetadata)}})
	registered, err := s.Portal.Apps().Register(ctx, "", app.App{
		Name: "SimpleSAMLphp", Metadata: string(sp.SPMetadata(t)), IdPInitiated: true, Owner: directory.OwnerAdmin,
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
	b := useragent.New(t)
	b.Get(sp.Protected()).Expect("Sign in")
	b.Submit("username", map[string]string{"username": "alice"})
	b.Submit("password", map[string]string{"password": alice.Password})
	b.Submit("code", map[string]string{"code": code})
	b.Submit("SAMLResponse", nil).Expect("alice@example.test").Expect(portaltest.GroupName)

	// Logout at the application ends the portal's session too.
	b.Get(sp.Logout()).Through()
	b.Get(s.URL + "/").Expect("Sign in")
}
