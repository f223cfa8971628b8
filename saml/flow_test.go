// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

func newIdP(t testing.TB, change func(*saml.IdPConfig), peers ...*saml.Peer) *saml.IdentityProvider {
	t.Helper()
	st := saml.NewMemoryStore(1000)
	cfg := saml.IdPConfig{
		EntityID: "https://idp.test/metadata", SSO: "https://idp.test/sso", SLO: "https://idp.test/slo", SLOSOAP: "https://idp.test/slo-soap",
		Keys: []saml.KeyPair{samltest.Key()}, Peers: saml.PeerList(peers), Store: st, Participants: st,
	}
	if change != nil {
		change(&cfg)
	}
	p, err := saml.NewIdentityProvider(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func identity(req *saml.Request) saml.ResponseParams {
	return saml.ResponseParams{
		Request: req, NameID: samltest.Alice().NameID, Attributes: samltest.Alice().Attributes, AuthnInstant: time.Now(),
		AuthnContext: saml.ContextPasswordProtected, Session: "session-1",
	}
}

// TestLogin runs whole logins between both roles.
func TestLogin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		sp    func(*saml.SPConfig, *saml.Connection)
		idp   func(*saml.IdPConfig)
		peer  func(*saml.Peer)
		login saml.LoginOptions
	}{
		{name: "redirect"},
		{name: "post", login: saml.LoginOptions{Binding: saml.BindingPOST}},
		{name: "signed redirect", sp: func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.SignRequests = true }},
		{
			name: "signed post", sp: func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.SignRequests = true },
			login: saml.LoginOptions{Binding: saml.BindingPOST}, peer: func(p *saml.Peer) { p.RequireSignedRequests = true },
		},
		{name: "clear", peer: func(p *saml.Peer) { p.NoEncryption = true }},
		{name: "assertion signed", peer: func(p *saml.Peer) { p.Sign = saml.SignAssertion }},
		{name: "response signed", peer: func(p *saml.Peer) { p.Sign = saml.SignResponse }},
		{name: "response signed, clear", peer: func(p *saml.Peer) { p.Sign, p.NoEncryption = saml.SignResponse, true }},
		{name: "P-256", idp: func(c *saml.IdPConfig) { c.Keys = []saml.KeyPair{samltest.ECKey()} }},
		{name: "CBC", peer: func(p *saml.Peer) { p.EncryptionAlgorithm = "http://www.w3.org/2001/04/xmlenc#aes128-cbc" }},
		{name: "everything asked for", login: saml.LoginOptions{
			ForceAuthn: true, Context: &saml.RequestedContext{ClassRefs: []string{saml.ContextPasswordProtected}},
			NameIDPolicy: &saml.NameIDPolicy{Format: saml.NameIDEmail, AllowCreate: true}, Subject: &saml.NameID{Value: "alice@example.test"},
			ProviderName: "A & B <c>", Extensions: []byte(`<x:hint xmlns:x="urn:x">1</x:hint>`), Target: "/deep?a=b", Scoping: []string{"https://idp.test/metadata"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			peer := &saml.Peer{}
			idp := newIdP(t, tt.idp, peer)
			sp := samltest.NewSP(t, idp.Entity(), tt.sp)
			peer.Entity = sp.Entity()
			if tt.peer != nil {
				tt.peer(peer)
			}
			out := sp.Start(tt.login)
			req, err := idp.ParseRequest(samltest.Request(out))
			if err != nil {
				t.Fatal(err)
			}
			if req.Signed != sp.Connection.Policy.SignRequests || req.ForceAuthn != tt.login.ForceAuthn {
				t.Fatalf("request %+v", req)
			}
			handle, err := idp.Park(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if req, err = idp.Resume(t.Context(), handle); err != nil {
				t.Fatal(err)
			}
			form, err := idp.Respond(t.Context(), identity(req))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := idp.Respond(t.Context(), identity(req)); saml.CheckOf(err) != saml.CheckRequest {
				t.Errorf("a second answer: %v", err)
			}
			a, err := sp.Receive(samltest.Form(form), out)
			if err != nil {
				t.Fatal(err)
			}
			if a.NameID.Value != "alice@example.test" || a.Target != tt.login.Target || a.ID != form.AssertionID || a.Unsolicited ||
				!slices.Equal(a.Attributes.Values("groups"), []string{"staff", "admins"}) || a.SessionIndex != form.SessionIndex || a.RequestID != out.ID {
				t.Errorf("assertion %+v", a)
			}
			if a.Encrypted == peer.NoEncryption {
				t.Errorf("encrypted: %v", a.Encrypted)
			}
			if _, err := sp.Receive(samltest.Form(form), out); saml.CheckOf(err) != saml.CheckRequest {
				t.Errorf("the same form again: %v", err)
			}
		})
	}
}

func TestIdPInitiated(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), func(_ *saml.SPConfig, c *saml.Connection) { c.AllowIdPInitiated = true })
	peer.Entity = sp.Entity()
	rp := identity(nil)
	rp.SP, rp.RelayState = peer.Entity.EntityID, "/somewhere"
	form, err := idp.Respond(context.Background(), rp)
	if err != nil {
		t.Fatal(err)
	}
	a, err := sp.Receive(samltest.Form(form), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Unsolicited || a.RelayState != "/somewhere" || a.Target != "" {
		t.Errorf("assertion %+v", a)
	}
	if _, err := sp.Receive(samltest.Form(form), nil); saml.CheckOf(err) != saml.CheckReplay {
		t.Errorf("replayed: %v", err)
	}
}

// TestReadLogin: a login that is known by its address only is answered as any
// other.
func TestReadLogin(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	out := sp.Start(saml.LoginOptions{})
	c, login := idp.Login(out.URL())
	if c.ACS != sp.Connection.ACS || c.EntityID != sp.Connection.EntityID || login.ID != out.ID || login.RelayState != out.RelayState {
		t.Errorf("%+v %+v", c, login)
	}
	if _, err := sp.Receive(idp.Answer(c, login, samltest.Alice()), out); err != nil {
		t.Error(err)
	}
}

// TestBreaks breaks one thing at a time, beside the control that breaks
// nothing.
func TestBreaks(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	out := sp.Start(saml.LoginOptions{})
	if _, err := sp.Receive(idp.Answer(sp.Connection, out, samltest.Alice()), out); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for _, b := range samltest.Breaks() {
		t.Run(b.String(), func(t *testing.T) {
			out := sp.Start(saml.LoginOptions{})
			_, err := sp.Receive(idp.Answer(sp.Connection, out, samltest.Alice(), b), out)
			if saml.CheckOf(err) != b.Check() {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), b.Check(), err)
			}
		})
	}
}
