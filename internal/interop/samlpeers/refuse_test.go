// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlpeers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/useragent"
	"github.com/gatehouse-id/gatehouse/internal/interop/simplesaml/ssp"
	"github.com/gatehouse-id/gatehouse/saml"
)

// TestStrangers: another SimpleSAMLphp knows the service provider, which does
// not know it.
func TestStrangers(t *testing.T) {
	t.Parallel()
	idp, sp := trusting(t, ssp.IdP{}, "--allow-idp-initiated")
	metadata := [][]byte{ssp.Fetch(t, sp.entity())}
	stranger := ssp.Start(t, ssp.Options{Name: "stranger", Peers: metadata})
	impostor := ssp.Start(t, ssp.Options{Name: "impostor", Peers: metadata, IdP: ssp.IdP{Entity: idp.IdPEntity()}})

	t.Run("unsolicited", func(t *testing.T) {
		b := useragent.New(t)
		erika(b.Get(stranger.Initiate(sp.entity(), "x"))).ExpectStatus(http.StatusForbidden, "(connection)")
		noSession(t, b, sp)
	})
	t.Run("under another's name", func(t *testing.T) {
		b := useragent.New(t)
		erika(b.Get(impostor.Initiate(sp.entity(), "x"))).ExpectStatus(http.StatusForbidden, "(signature)")
		noSession(t, b, sp)
	})
	// A person who is sent to one identity provider ends up at another.
	for name, other := range map[string]*ssp.Server{"answers another's request": stranger, "answers another's request under its name": impostor} {
		t.Run(name, func(t *testing.T) {
			b := useragent.New(t)
			b.Get(sp.URL + "/login?binding=redirect")
			sent := b.Last("AuthnRequest").URL.String()
			if !strings.HasPrefix(sent, idp.URL) {
				t.Fatalf("the request went to %s", sent)
			}
			erika(b.Get(strings.Replace(sent, idp.URL, other.URL, 1))).ExpectStatus(http.StatusForbidden, "(signature)")
			if m := b.Last("Response"); !m.Has("InResponseTo") {
				t.Errorf("no answer: %s", m.XML)
			}
			noSession(t, b, sp)
		})
	}
	t.Run("control", func(t *testing.T) {
		b := useragent.New(t)
		whoami(t, erika(b.Get(idp.Initiate(sp.entity(), "x"))), sp)
	})
}

// TestReplay: a Response is good once, also in another browser.
func TestReplay(t *testing.T) {
	t.Parallel()
	t.Run("at examples/sp", func(t *testing.T) {
		t.Parallel()
		_, sp := trusting(t, ssp.IdP{})
		b := useragent.New(t)
		whoami(t, erika(b.Get(sp.URL+"/login")), sp)
		taken := b.Last("Response")
		b.Replay(taken).ExpectStatus(http.StatusForbidden, "(request)")
		other := useragent.New(t)
		other.Replay(taken).ExpectStatus(http.StatusForbidden, "(request)")
		noSession(t, other, sp)
		whoami(t, b, sp)
	})
	t.Run("stolen on its way", func(t *testing.T) {
		t.Parallel()
		_, sp := trusting(t, ssp.IdP{})
		b := useragent.New(t)
		b.Get(sp.URL+"/login").Submit("username", map[string]string{"username": "erika", "password": "secret"})
		thief := useragent.New(t)
		thief.Status, thief.Body, thief.At, thief.Header = b.Status, b.Body, b.At, b.Header
		thief.Submit("SAMLResponse", nil).ExpectStatus(http.StatusForbidden, "(browser)")
		noSession(t, thief, sp)
	})
	t.Run("at SimpleSAMLphp", func(t *testing.T) {
		t.Parallel()
		_, sp := trusted(t, saml.BindingRedirect, ssp.SP{})
		b := useragent.New(t)
		alice(b.Get(sp.Protected())).Expect("alice@example.test")
		useragent.New(t).Replay(b.Last("Response")).ExpectText("Received duplicate assertion")
	})
}

// TestUnsignedLogout: nobody is signed out by who can be anybody.
func TestUnsignedLogout(t *testing.T) {
	t.Parallel()
	for _, post := range []bool{false, true} {
		binding, spBinding := "redirect", saml.BindingRedirect
		if post {
			binding, spBinding = "post", saml.BindingPOST
		}
		t.Run("at examples/sp by "+binding, func(t *testing.T) {
			t.Parallel()
			idp, sp := trusting(t, ssp.IdP{UnsignedLogout: true, POST: post})
			b := useragent.New(t)
			want := whoami(t, erika(b.Get(sp.URL+"/login?binding="+binding)), sp)
			b.Get(idp.IdPLogout()).Through().ExpectStatus(http.StatusForbidden, "(unsigned)")
			if got := whoami(t, b, sp); got.SessionIndex != want.SessionIndex {
				t.Errorf("%+v, want %+v", got, want)
			}
			// An answer that nobody signed tells nothing: the own session is over,
			// the other may not be.
			b.Get(sp.URL+"/logout").Through().ExpectStatus(http.StatusForbidden, "(unsigned)")
			noSession(t, b, sp)
		})
		t.Run("at examples/idp by "+binding, func(t *testing.T) {
			t.Parallel()
			idp, sp := trusted(t, spBinding, ssp.SP{UnsignedLogout: true})
			b := useragent.New(t)
			alice(b.Get(sp.Protected())).Expect("alice@example.test")
			b.Get(sp.Logout()).Through().ExpectStatus(http.StatusForbidden, "(unsigned)")
			b.Get(idp.URL + "/").Expect("Signed in as alice")
		})
	}
}
