// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlpeers_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/mellon"
	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/useragent"
	"github.com/gatehouse-id/gatehouse/internal/interop/simplesaml/ssp"
	"github.com/gatehouse-id/gatehouse/saml"
)

// guarded starts examples/idp and mod_auth_mellon as its service provider. The
// identity provider offers single sign-on by the binding alone.
func guarded(t *testing.T, binding string, o mellon.Options, args ...string) (program, *mellon.Server) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sp.xml") // there when it is first needed
	idp := start(t, "idp", append([]string{"--sp-metadata", file}, args...)...)
	o.IdP = rewrite(t, ssp.Fetch(t, idp.entity()), func(e *saml.Entity) {
		e.IdP.SSO = only(e.IdP.SSO, binding)
		if o.UnsignedRequests { // it signs what metadata wants signed
			e.IdP.WantAuthnRequestsSigned = false
		}
	})
	sp := mellon.Start(t, o)
	if err := os.WriteFile(file, sp.Metadata, 0o600); err != nil {
		t.Fatal(err)
	}
	return idp, sp
}

// admitted: mod_auth_mellon shows its page, and tells the application of alice.
func admitted(t *testing.T, b *useragent.Agent, nameID string) {
	t.Helper()
	b.Expect("the secret page")
	for name, want := range map[string]string{"X-Uid": "alice", "X-Mail": "alice@example.test", "X-Groups": "people;example"} {
		if got := b.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	user := b.Header.Get("X-User")
	if mail := user == "alice@example.test"; mail != (nameID == saml.NameIDEmail) || user == "" {
		t.Errorf("NameID %q of format %q", user, nameID)
	}
}

// TestMellon: people of examples/idp use what mod_auth_mellon guards.
func TestMellon(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		binding  string
		options  mellon.Options
		args     []string
		request  went
		response went
	}{
		{
			"redirect, signed, encrypted", saml.BindingRedirect,
			mellon.Options{NameID: saml.NameIDEmail},
			[]string{"--require-signed"},
			went{binding: "HTTP-Redirect", signed: true},
			went{binding: "HTTP-POST", signed: true, encrypted: true},
		},
		{
			"redirect, unsigned, in clear", saml.BindingRedirect,
			mellon.Options{UnsignedRequests: true},
			[]string{"--no-encrypt"},
			went{binding: "HTTP-Redirect"},
			went{binding: "HTTP-POST", signed: true},
		},
		{
			"post, signed, encrypted", saml.BindingPOST,
			mellon.Options{NameID: saml.NameIDEmail},
			[]string{"--require-signed"},
			went{binding: "HTTP-POST", signed: true},
			went{binding: "HTTP-POST", signed: true, encrypted: true},
		},
		{
			"post, unsigned, no key to encrypt to", saml.BindingPOST,
			mellon.Options{UnsignedRequests: true, NoEncryption: true},
			nil,
			went{binding: "HTTP-POST"},
			went{binding: "HTTP-POST", signed: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			idp, sp := guarded(t, tt.binding, tt.options, tt.args...)
			b := useragent.New(t)
			b.Get(idp.URL + "/").Expect("no IdP session")
			admitted(t, alice(b.Get(sp.Protected())), tt.options.NameID)
			tt.request.check(t, b, "AuthnRequest")
			tt.response.check(t, b, "Response")
			b.Get(idp.URL + "/").Expect("Signed in as alice")
			logout := went{binding: "HTTP-Redirect", signed: true}

			// Logout from the service provider ends the session at both.
			b.Forget()
			b.Get(sp.Logout()).Through().Expect("anybody")
			logout.check(t, b, "LogoutRequest")
			if m := logout.check(t, b, "LogoutResponse"); !m.Has(saml.StatusSuccess) {
				t.Errorf("%s", m.XML)
			}
			b.Get(idp.URL + "/").Expect("no IdP session")
			admitted(t, alice(b.Get(sp.Protected())), tt.options.NameID)

			// Logout from the identity provider too.
			b.Forget()
			b.Get(idp.URL+"/").Submit("", nil).Through().Expect("logout status=" + saml.StatusSuccess)
			logout.check(t, b, "LogoutRequest")
			logout.check(t, b, "LogoutResponse")
			b.Get(idp.URL + "/").Expect("no IdP session")
			b.Get(sp.Protected()).Through().Expect("Sign in for " + sp.Entity())

			// It begins at the identity provider; the RelayState is where it ends.
			alice(b.Get(idp.URL + "/initiate?" + url.Values{"sp": {sp.Entity()}, "relay": {sp.Protected() + "?from=idp"}}.Encode()))
			admitted(t, b, saml.NameIDEmail)
			if b.At.String() != sp.Protected()+"?from=idp" {
				t.Errorf("the RelayState led to %s", b.At)
			}
		})
	}
}

// TestUnsignedRequestOfMellon: --require-signed refuses it.
func TestUnsignedRequestOfMellon(t *testing.T) {
	t.Parallel()
	for _, binding := range []string{saml.BindingRedirect, saml.BindingPOST} {
		_, sp := guarded(t, binding, mellon.Options{UnsignedRequests: true}, "--require-signed")
		useragent.New(t).Get(sp.Protected()).Through().ExpectStatus(http.StatusForbidden, "(unsigned)")
	}
}

// TestLogoutReachesAll: whoever ends the session, it ends at all who took part,
// and the others' sessions live on.
func TestLogoutReachesAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "ssp.xml"), filepath.Join(dir, "mellon.xml")}
	idp := start(t, "idp", "--sp-metadata", files[0], "--sp-metadata", files[1])
	metadata := ssp.Fetch(t, idp.entity())
	other := ssp.Start(t, ssp.Options{SP: ssp.SP{IdP: idp.entity()}, Peers: [][]byte{metadata}})
	guard := mellon.Start(t, mellon.Options{IdP: metadata})
	for i, text := range [][]byte{other.SPMetadata(t), guard.Metadata} {
		if err := os.WriteFile(files[i], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	both := func() *useragent.Agent {
		b := useragent.New(t)
		admitted(t, alice(b.Get(guard.Protected())), "")
		b.Get(other.Protected()).Through().Expect("alice@example.test") // without a second sign-in
		b.Forget()
		return b
	}
	bystander := both()
	for name, end := range map[string]func(b *useragent.Agent){
		"from SimpleSAMLphp":   func(b *useragent.Agent) { b.Get(other.Logout()).Through() },
		"from mod_auth_mellon": func(b *useragent.Agent) { b.Get(guard.Logout()).Through().Expect("anybody") },
		"from examples/idp": func(b *useragent.Agent) {
			b.Get(idp.URL+"/").Submit("", nil).Through().Expect("logout status=" + saml.StatusSuccess)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := both()
			end(b)
			b.Get(idp.URL + "/").Expect("no IdP session")
			b.Get(guard.Protected()).Through().Expect("Sign in for " + guard.Entity())
			b.Get(other.Protected()).Through().Expect("Sign in for " + other.SPEntity())
		})
	}
	admitted(t, bystander.Get(guard.Protected()), "")
	bystander.Get(other.Protected()).Expect("alice@example.test")
}
