// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// TestEndpoints (duties 19, 21): two customers of one service provider trust
// the same issuer at addresses of their own. A message that is right in every
// part is refused at the other's address.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	entity := idp.Entity()
	entity.IdP.Artifact = []saml.Endpoint{{Binding: saml.BindingSOAP, Location: "https://idp.test/artifact", Index: 1}}
	var a, b *saml.Connection
	var refused error
	sp := samltest.NewSP(t, entity, func(cfg *saml.SPConfig, c *saml.Connection) {
		two := *c
		a, b = c, &two
		a.AllowIdPInitiated, b.AllowIdPInitiated = true, true
		b.ID, b.EntityID, b.ACS, b.SLO, b.SLOSOAP = "c2", "https://sp.test/b/metadata", "https://sp.test/b/acs", "https://sp.test/b/slo", "https://sp.test/b/slo-soap"
		cfg.Connections = saml.ConnectionList{a, b}
		cfg.OnError = func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err }
		cfg.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			t.Error("the identity provider was asked")
			return nil, http.ErrAbortHandler
		})}
	})
	post := func(at string, form url.Values) error {
		refused = nil
		sp.ACS(at).ServeHTTP(httptest.NewRecorder(), formRequest(form))
		return refused
	}
	login := func(o saml.LoginOptions) *saml.Outgoing {
		out, err := sp.Login(t.Context(), b.ID, o)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	logout := func(at string, out *saml.Outgoing) error {
		_, err := sp.ServiceProvider.HandleLogout(samltest.Request(out), at, noSessions)
		return err
	}
	peers := saml.PeerList{{Entity: sp.ServiceProvider.Entity(a)}, {Entity: sp.ServiceProvider.Entity(b)}}
	provider := newIdP(t, nil, peers...)
	byIdP := func() *saml.Outgoing {
		rp := identity(nil)
		rp.SP, rp.SessionIndex = b.EntityID, "i"
		if _, err := provider.Respond(t.Context(), rp); err != nil {
			t.Fatal(err)
		}
		res, err := provider.Logout(t.Context(), rp.Session, "")
		if err != nil || res.Reply == nil {
			t.Fatalf("%+v %v", res, err)
		}
		return res.Reply
	}
	answer := func() *saml.Outgoing {
		out, err := sp.Logout(t.Context(), saml.LogoutStart{Connection: b.ID, Issuer: idp.EntityID, NameID: samltest.Alice().NameID})
		if err != nil {
			t.Fatal(err)
		}
		res, err := provider.HandleLogout(samltest.Request(out), func(context.Context, []string) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return res.Reply
	}
	for _, tt := range []struct {
		name string
		send func() error
		want saml.Check
	}{
		{"control: a Response", func() error { return post(b.ACS, idp.Answer(b, login(saml.LoginOptions{}), samltest.Alice())) }, ""},
		{"a Response", func() error { return post(a.ACS, idp.Answer(b, login(saml.LoginOptions{}), samltest.Alice())) }, saml.CheckDestination},
		{"a Response at no address", func() error { return post("", idp.Answer(b, login(saml.LoginOptions{}), samltest.Alice())) }, saml.CheckDestination},
		{"control: unsolicited", func() error { return post(b.ACS, idp.Answer(b, nil, samltest.Alice())) }, ""},
		{"unsolicited", func() error { return post(a.ACS, idp.Answer(b, nil, samltest.Alice())) }, saml.CheckDestination},
		{"an artifact", func() error {
			out := login(saml.LoginOptions{ByArtifact: true})
			return post(a.ACS, url.Values{"SAMLart": {artifact(idp.EntityID, 1)}, "RelayState": {out.RelayState}})
		}, saml.CheckDestination},
		{"control: a LogoutRequest", func() error { return logout(b.SLO, byIdP()) }, ""},
		{"a LogoutRequest", func() error { return logout(a.SLO, byIdP()) }, saml.CheckDestination},
		{"a LogoutRequest at the back channel's address", func() error { return logout(b.SLOSOAP, byIdP()) }, saml.CheckDestination},
		{"control: a LogoutResponse", func() error { return logout(b.SLO, answer()) }, ""},
		{"a LogoutResponse", func() error { return logout(a.SLO, answer()) }, saml.CheckDestination},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.send(); saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}
