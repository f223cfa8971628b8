// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlpeers_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/internal/interop/samlpeers/useragent"
	"github.com/gatehouse-id/gatehouse/internal/interop/simplesaml/ssp"
	"github.com/gatehouse-id/gatehouse/saml"
)

// trusted starts examples/idp and SimpleSAMLphp as its service provider. The
// identity provider offers the binding alone.
func trusted(t *testing.T, binding string, role ssp.SP, args ...string) (program, *ssp.Server) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sp.xml") // there when it is first needed
	idp := start(t, "idp", append([]string{"--sp-metadata", file}, args...)...)
	role.IdP = idp.entity()
	role.POST = binding == saml.BindingPOST
	sp := ssp.Start(t, ssp.Options{SP: role, Peers: [][]byte{rewrite(t, ssp.Fetch(t, idp.entity()), func(e *saml.Entity) {
		e.IdP.SSO, e.IdP.SLO = only(e.IdP.SSO, binding), only(e.IdP.SLO, binding)
	})}})
	if err := os.WriteFile(file, sp.SPMetadata(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return idp, sp
}

// alice signs in at examples/idp, and its Response goes to the service
// provider.
func alice(b *useragent.Agent) *useragent.Agent {
	return b.Through().Submit("username", map[string]string{"username": "alice", "password": "alice-pw"}).Through()
}

// TestSimpleSAMLphpSP: people of examples/idp use SimpleSAMLphp.
func TestSimpleSAMLphpSP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		binding  string
		role     ssp.SP
		args     []string
		request  went
		response went
	}{
		{
			"redirect, signed, encrypted", saml.BindingRedirect,
			ssp.SP{RequireEncrypted: true},
			[]string{"--require-signed"},
			went{binding: "HTTP-Redirect", signed: true},
			went{binding: "HTTP-POST", signed: true, encrypted: true},
		},
		{
			"redirect, unsigned, in clear", saml.BindingRedirect,
			ssp.SP{UnsignedRequests: true},
			[]string{"--no-encrypt"},
			went{binding: "HTTP-Redirect"},
			went{binding: "HTTP-POST", signed: true},
		},
		{
			"post, signed, encrypted", saml.BindingPOST,
			ssp.SP{RequireEncrypted: true},
			[]string{"--require-signed"},
			went{binding: "HTTP-POST", signed: true},
			went{binding: "HTTP-POST", signed: true, encrypted: true},
		},
		{
			"post, unsigned, in clear", saml.BindingPOST,
			ssp.SP{UnsignedRequests: true},
			[]string{"--no-encrypt"},
			went{binding: "HTTP-POST"},
			went{binding: "HTTP-POST", signed: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			idp, sp := trusted(t, tt.binding, tt.role, tt.args...)
			b := useragent.New(t)
			login := func() {
				t.Helper()
				alice(b.Get(sp.Protected()))
				for _, want := range []string{"alice@example.test", "people", "example", "uid", saml.NameIDEmail} {
					b.Expect(want)
				}
			}
			b.Get(idp.URL + "/").Expect("no IdP session")
			login()
			tt.request.check(t, b, "AuthnRequest")
			tt.response.check(t, b, "Response")
			b.Get(idp.URL + "/").Expect("Signed in as alice")
			logout := went{binding: tt.request.binding, signed: true}

			// Logout from the service provider ends the session at both.
			b.Forget()
			if b.Get(sp.Logout()).Through(); b.At.String() != sp.LoggedOut() {
				t.Errorf("logout ends at %s", b.At)
			}
			logout.check(t, b, "LogoutRequest")
			if m := logout.check(t, b, "LogoutResponse"); !m.Has(saml.StatusSuccess) {
				t.Errorf("%s", m.XML)
			}
			b.Get(idp.URL + "/").Expect("no IdP session")
			login()

			// Logout from the identity provider too.
			b.Forget()
			b.Get(idp.URL+"/").Submit("", nil).Through().Expect("logout status=" + saml.StatusSuccess)
			logout.check(t, b, "LogoutRequest")
			logout.check(t, b, "LogoutResponse")
			b.Get(idp.URL + "/").Expect("no IdP session")
			b.Get(sp.Protected()).Through().Expect("Sign in for " + sp.SPEntity())
		})
	}
}

// TestUnsignedRequestOfSimpleSAMLphp: --require-signed refuses it, and says so
// in metadata; and so does the word of the service provider's own metadata.
func TestUnsignedRequestOfSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	t.Run("the identity provider wants them signed", func(t *testing.T) {
		t.Parallel()
		idp, sp := trusted(t, saml.BindingRedirect, ssp.SP{UnsignedRequests: true}, "--require-signed")
		e, err := saml.ParseMetadata(ssp.Fetch(t, idp.entity()), saml.MetadataOptions{})
		if err != nil || !e.IdP.WantAuthnRequestsSigned {
			t.Errorf("metadata does not ask for signed requests: %v", err)
		}
		useragent.New(t).Get(sp.Protected()).ExpectStatus(http.StatusForbidden, "(unsigned)")
	})
	t.Run("the service provider said that they are", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "sp.xml")
		idp := start(t, "idp", "--sp-metadata", file)
		sp := ssp.Start(t, ssp.Options{SP: ssp.SP{IdP: idp.entity(), UnsignedRequests: true}, Peers: [][]byte{ssp.Fetch(t, idp.entity())}})
		for _, says := range []bool{false, true} {
			metadata := rewrite(t, sp.SPMetadata(t), func(e *saml.Entity) { e.SP.AuthnRequestsSigned = says })
			if err := os.WriteFile(file, metadata, 0o600); err != nil {
				t.Fatal(err)
			}
			b := useragent.New(t).Get(sp.Protected())
			if says {
				b.ExpectStatus(http.StatusForbidden, "(unsigned)")
			} else {
				b.Expect("Sign in for " + sp.SPEntity())
			}
		}
	})
}

// TestInitiateToSimpleSAMLphp: /initiate signs people in at SimpleSAMLphp.
func TestInitiateToSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	idp, sp := trusted(t, saml.BindingRedirect, ssp.SP{RequireEncrypted: true})
	b := useragent.New(t)
	alice(b.Get(idp.URL + "/initiate?" + url.Values{"sp": {sp.SPEntity()}, "relay": {sp.Protected()}}.Encode())).Expect("alice@example.test")
	if b.At.String() != sp.Protected() {
		t.Errorf("the RelayState led to %s", b.At)
	}
	b.Get(idp.URL+"/initiate?"+url.Values{"sp": {"https://stranger.test/sp"}}.Encode()).ExpectStatus(http.StatusForbidden, "(peer)")
}

// TestNameIDPolicyOfSimpleSAMLphp: a transient NameID is what it asks for by
// default; a format that examples/idp has not is told to the service provider,
// not to the person.
func TestNameIDPolicyOfSimpleSAMLphp(t *testing.T) {
	t.Parallel()
	t.Run("transient", func(t *testing.T) {
		t.Parallel()
		idp, sp := trusted(t, saml.BindingRedirect, ssp.SP{NameID: saml.NameIDTransient}, "--no-encrypt")
		b := useragent.New(t)
		var taken []string
		for range 2 {
			alice(b.Get(sp.Protected())).Expect(saml.NameIDTransient)
			_, name, _ := strings.Cut(b.Last("Response").XML, `Format="`+saml.NameIDTransient+`">`)
			name, _, _ = strings.Cut(name, "<")
			taken = append(taken, name)
			b.Expect(name)
			b.Get(sp.Logout()).Through()
			b.Get(idp.URL + "/").Expect("no IdP session")
		}
		if taken[0] == taken[1] || len(taken[0]) < 16 {
			t.Errorf("NameIDs %q", taken)
		}
	})
	t.Run("persistent", func(t *testing.T) {
		t.Parallel()
		_, sp := trusted(t, saml.BindingRedirect, ssp.SP{NameID: saml.NameIDPersistent})
		b := useragent.New(t)
		alice(b.Get(sp.Protected())).ExpectText("InvalidNameIDPolicy")
		if m := b.Last("Response"); !m.Signed() || !m.Has(saml.StatusInvalidNameID) {
			t.Errorf("%s", m.XML)
		}
	})
}
