// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package gosaml2_test has gosaml2 accept what our identity provider issues,
// and our identity provider what gosaml2 asks.
package gosaml2_test

import (
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	saml2 "github.com/russellhaering/gosaml2"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

type keyStore struct{ k saml.KeyPair }

func (s keyStore) GetKeyPair() (*rsa.PrivateKey, []byte, error) {
	return s.k.Signer.(*rsa.PrivateKey), s.k.Certificate.Raw, nil
}

func TestServiceProvider(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		peer func(*saml.Peer)
	}{
		{"both signed", func(p *saml.Peer) { p.NoEncryption = true }},
		{"assertion signed", func(p *saml.Peer) { p.NoEncryption, p.Sign = true, saml.SignAssertion }},
		{"response signed", func(p *saml.Peer) { p.NoEncryption, p.Sign = true, saml.SignResponse }},
		{"encrypted", func(*saml.Peer) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const entityID, acs = "https://gosaml2.test/metadata", "https://gosaml2.test/acs"
			cert := samltest.SPKey().Certificate
			peer := &saml.Peer{RequireSignedRequests: true, Entity: &saml.Entity{EntityID: entityID, SP: &saml.SPRole{
				ACS:  []saml.Endpoint{{Binding: saml.BindingPOST, Location: acs}},
				Keys: []saml.Key{{Certificate: cert, PublicKey: cert.PublicKey}},
			}}}
			tt.peer(peer)
			st := saml.NewMemoryStore(10)
			idp, err := saml.NewIdentityProvider(saml.IdPConfig{
				EntityID: "https://idp.test/metadata", SSO: "https://idp.test/sso", Keys: []saml.KeyPair{samltest.Key()}, Peers: saml.PeerList{peer}, Store: st,
			})
			if err != nil {
				t.Fatal(err)
			}
			sp := &saml2.SAMLServiceProvider{
				IdentityProviderSSOURL: "https://idp.test/sso", IdentityProviderIssuer: "https://idp.test/metadata", ServiceProviderIssuer: entityID,
				AssertionConsumerServiceURL: acs, AudienceURI: entityID, SignAuthnRequests: true,
				IDPCertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{samltest.Key().Certificate}},
				SPKeyStore:          keyStore{samltest.SPKey()},
			}
			doc, err := sp.BuildAuthRequestDocumentNoSig()
			if err != nil {
				t.Fatal(err)
			}
			u, err := sp.BuildAuthURLRedirect("state", doc)
			if err != nil {
				t.Fatal(err)
			}
			req, err := idp.ParseRequest(httptest.NewRequest(http.MethodGet, u, nil))
			if err != nil {
				t.Fatal(err)
			}
			if !req.Signed || req.RelayState != "state" {
				t.Errorf("request %+v", req)
			}
			out, err := idp.Respond(t.Context(), saml.ResponseParams{
				Request: req, NameID: samltest.Alice().NameID, Attributes: samltest.Alice().Attributes, AuthnInstant: time.Now(),
			})
			if err != nil {
				t.Fatal(err)
			}
			info, err := sp.RetrieveAssertionInfo(out.Value)
			if err != nil {
				t.Fatal(err)
			}
			if info.NameID != "alice@example.test" || info.Values.Get("mail") != "alice@example.test" || info.WarningInfo.InvalidTime || info.WarningInfo.NotInAudience {
				t.Errorf("%+v %+v", info, info.WarningInfo)
			}
		})
	}
}
