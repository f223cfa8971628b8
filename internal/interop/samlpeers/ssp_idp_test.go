// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlpeers_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/useragent"
	"github.com/gatehouse-id/gatehouse/internal/interop/simplesaml/ssp"
	"github.com/gatehouse-id/gatehouse/saml"
)

const relay = "/reports?of=2026&sort=a b"

// trusting starts SimpleSAMLphp as an identity provider and examples/sp with
// each other's metadata.
func trusting(t *testing.T, role ssp.IdP, args ...string) (*ssp.Server, program) {
	t.Helper()
	idp := ssp.Start(t, ssp.Options{IdP: role})
	sp := start(t, "sp", append([]string{"--idp-metadata", idp.IdPMetadataURL()}, args...)...)
	idp.AddPeer(t, ssp.Fetch(t, sp.entity()))
	return idp, sp
}

// erika signs in at SimpleSAMLphp, and its Response goes to the service
// provider.
func erika(b *useragent.Agent) *useragent.Agent {
	return b.Through().Submit("username", map[string]string{"username": "erika", "password": "secret"}).Through()
}

// TestSimpleSAMLphpIdP: people of SimpleSAMLphp use examples/sp.
func TestSimpleSAMLphpIdP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		role     ssp.IdP
		args     []string
		binding  string
		request  went
		response went
	}{
		{
			"redirect",
			ssp.IdP{},
			nil, "redirect",
			went{binding: "HTTP-Redirect"},
			went{binding: "HTTP-POST", signed: true},
		},
		{
			"redirect, signed, encrypted",
			ssp.IdP{Encrypt: true},
			[]string{"--sign"},
			"redirect",
			went{binding: "HTTP-Redirect", signed: true},
			went{binding: "HTTP-POST", signed: true, encrypted: true},
		},
		{
			"redirect, signed since metadata asks for it, no encryption",
			ssp.IdP{RequireSigned: true},
			[]string{"--no-encryption"},
			"redirect",
			went{binding: "HTTP-Redirect", signed: true},
			went{binding: "HTTP-POST", signed: true},
		},
		{
			"post",
			ssp.IdP{POST: true},
			nil, "post",
			went{binding: "HTTP-POST"},
			went{binding: "HTTP-POST", signed: true},
		},
		{
			"post, signed, encrypted",
			ssp.IdP{POST: true, Encrypt: true},
			[]string{"--sign"},
			"post",
			went{binding: "HTTP-POST", signed: true},
			went{binding: "HTTP-POST", signed: true, encrypted: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			idp, sp := trusting(t, tt.role, tt.args...)
			b := useragent.New(t)
			noSession(t, b, sp)
			login := func() account {
				t.Helper()
				b.Get(sp.URL + "/login?" + url.Values{"binding": {tt.binding}, "relay": {relay}}.Encode())
				return whoami(t, erika(b), sp)
			}
			got := login()
			sent := tt.request.check(t, b, "AuthnRequest")
			if tt.response.check(t, b, "Response"); strings.Contains(sent.Form.Encode()+sent.URL.RawQuery, "reports") {
				t.Error("the place in the application went to the identity provider")
			}
			if got.NameID != "erika@corp.test" || got.Format != saml.NameIDEmail || got.RelayState != relay || got.SessionIndex == "" {
				t.Errorf("%+v", got)
			}
			if !tt.response.encrypted && !b.Last("Response").Has(`SessionIndex="`+got.SessionIndex+`"`) {
				t.Errorf("session index %q", got.SessionIndex)
			}
			for name, want := range map[string][]string{"uid": {"erika@corp.test"}, "displayName": {"Erika Mustermann"}, "groups": {"one", "two"}} {
				if !slices.Equal(got.Attributes[name], want) {
					t.Errorf("%s: %q, want %q", name, got.Attributes[name], want)
				}
			}
			logout := went{binding: "HTTP-Redirect", signed: true}
			if tt.role.POST {
				logout.binding = "HTTP-POST"
			}

			// Logout from the service provider ends the session at both.
			b.Forget()
			b.Get(sp.URL + "/logout").Through().Expect("logout status=" + saml.StatusSuccess)
			logout.check(t, b, "LogoutRequest")
			if b.Last("LogoutResponse").URL.Host != b.At.Host || !b.Last("LogoutResponse").Signed() {
				t.Error("no signed answer to the service provider")
			}
			noSession(t, b, sp)
			// A session at the identity provider would answer without the form.
			second := login()
			if second.SessionIndex == got.SessionIndex {
				t.Error("the session index of a session that has ended")
			}

			// Logout from the identity provider ends the one at the service provider.
			b.Forget()
			if b.Get(idp.IdPLogout()).Through(); b.At.String() != idp.LoggedOut() {
				t.Errorf("logout ends at %s", b.At)
			}
			if m := b.Last("LogoutRequest"); !m.Has(second.SessionIndex) || !m.Signed() {
				t.Errorf("asked to end %s", m.XML)
			}
			logout.check(t, b, "LogoutResponse")
			noSession(t, b, sp)
		})
	}
}

// TestUnsignedRequestRefused: SimpleSAMLphp does check signatures of requests,
// or the ones above would say nothing.
func TestUnsignedRequestRefused(t *testing.T) {
	t.Parallel()
	idp := ssp.Start(t, ssp.Options{})
	sp := start(t, "sp", "--idp-metadata", keep(t, idp.IdPMetadata(t)))
	idp.AddPeer(t, rewrite(t, ssp.Fetch(t, sp.entity()), func(e *saml.Entity) { e.SP.AuthnRequestsSigned = true }))
	b := useragent.New(t)
	b.Get(sp.URL + "/login").ExpectText("no signature found on message")
	noSession(t, b, sp)
}

// TestSimpleSAMLphpInitiates: what answers no request is for those who want it.
func TestSimpleSAMLphpInitiates(t *testing.T) {
	t.Parallel()
	t.Run("allowed", func(t *testing.T) {
		t.Parallel()
		idp, sp := trusting(t, ssp.IdP{}, "--allow-idp-initiated")
		b := useragent.New(t)
		got := whoami(t, erika(b.Get(idp.Initiate(sp.entity(), "landing"))), sp)
		if got.NameID != "erika@corp.test" || got.RelayState != "landing" {
			t.Errorf("%+v", got)
		}
		if m := b.Last("Response"); m.Has("InResponseTo") {
			t.Errorf("an answer: %s", m.XML)
		}
		b.Replay(b.Last("Response")).ExpectStatus(http.StatusForbidden, "(replay)")
	})
	t.Run("not allowed", func(t *testing.T) {
		t.Parallel()
		idp, sp := trusting(t, ssp.IdP{})
		b := useragent.New(t)
		erika(b.Get(idp.Initiate(sp.entity(), "landing"))).ExpectStatus(http.StatusForbidden, "(unsolicited)")
		noSession(t, b, sp)
	})
}

// TestPassiveAndForced: what a request asks of SimpleSAMLphp, and its answer.
func TestPassiveAndForced(t *testing.T) {
	t.Parallel()
	_, sp := trusting(t, ssp.IdP{})
	b := useragent.New(t)
	b.Get(sp.URL+"/login?passive=1").Through().ExpectStatus(http.StatusForbidden, saml.StatusNoPassive)
	noSession(t, b, sp)
	first := whoami(t, erika(b.Get(sp.URL+"/login")), sp)
	b.Get(sp.URL + "/login?passive=1").Through()
	if got := whoami(t, b, sp); got.NameID != first.NameID {
		t.Errorf("%+v", got)
	}
	b.Get(sp.URL + "/login?force=1")
	erika(b) // there is a form although there is a session
	if m := b.Last("AuthnRequest"); !m.Has(`ForceAuthn="true"`) {
		t.Errorf("%s", m.XML)
	}
	whoami(t, b, sp)
}

// TestTwoIdentityProviders: each ends the sessions that it began, and no other
// of the same name.
func TestTwoIdentityProviders(t *testing.T) {
	t.Parallel()
	one, two := ssp.Start(t, ssp.Options{Name: "one"}), ssp.Start(t, ssp.Options{Name: "two"})
	sp := start(t, "sp", "--idp-metadata", one.IdPMetadataURL(), "--idp-metadata", two.IdPMetadataURL())
	browsers := map[*ssp.Server]*useragent.Agent{}
	for _, idp := range []*ssp.Server{one, two} {
		idp.AddPeer(t, ssp.Fetch(t, sp.entity()))
		b := useragent.New(t)
		got := whoami(t, erika(b.Get(sp.URL+"/login?idp="+url.QueryEscape(idp.IdPEntity()))), sp)
		if got.NameID != "erika@corp.test" || !b.Last("Response").Has(idp.IdPEntity()) {
			t.Errorf("%+v", got)
		}
		browsers[idp] = b
	}
	browsers[two].Get(two.IdPLogout()).Through()
	noSession(t, browsers[two], sp)
	whoami(t, browsers[one], sp)
	browsers[one].Get(one.IdPLogout()).Through()
	noSession(t, browsers[one], sp)
}

// TestUnsolicitedArtifact: an artifact that nobody asked for is not resolved.
func TestUnsolicitedArtifact(t *testing.T) {
	t.Parallel()
	idp, sp := trusting(t, ssp.IdP{Artifact: true}, "--allow-idp-initiated")
	b := useragent.New(t)
	erika(b.Get(idp.Initiate(sp.entity(), "x")+"&binding="+saml.BindingArtifact)).ExpectStatus(http.StatusForbidden, "(request)")
	if !strings.Contains(b.At.RawQuery, "SAMLart=") {
		t.Errorf("no artifact came to %s", b.At)
	}
	noSession(t, b, sp)
}
