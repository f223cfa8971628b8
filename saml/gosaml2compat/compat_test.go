// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package gosaml2compat_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"testing"
	"time"

	saml2 "github.com/russellhaering/gosaml2"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/gosaml2compat"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

var link = &saml.Connection{ID: "c", EntityID: "https://sp.test/metadata", ACS: "https://sp.test/acs", Finish: "https://sp.test/acs"}

type keyStore struct{ k saml.KeyPair }

func (s keyStore) GetKeyPair() (*rsa.PrivateKey, []byte, error) {
	return s.k.Signer.(*rsa.PrivateKey), s.k.Certificate.Raw, nil
}

// provider is what a program that uses gosaml2 holds.
func provider() *saml2.SAMLServiceProvider {
	return &saml2.SAMLServiceProvider{
		IdentityProviderSSOURL: "https://idp.test/sso", IdentityProviderIssuer: "https://idp.test/metadata",
		ServiceProviderIssuer: link.EntityID, AssertionConsumerServiceURL: link.ACS, AudienceURI: link.EntityID,
		IDPCertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{samltest.Key().Certificate}},
		SPKeyStore:          keyStore{samltest.SPKey()},
	}
}

func form(t *testing.T, f *samltest.Forge) string {
	t.Helper()
	v, err := f.Form()
	if err != nil {
		t.Fatal(err)
	}
	return v.Get("SAMLResponse")
}

func TestRetrieve(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *samltest.Forge){
		"both signed":      func(*samltest.Forge) {},
		"assertion signed": func(f *samltest.Forge) { f.SignResponse = false },
		"response signed":  func(f *samltest.Forge) { f.SignAssertion = false },
		"encrypted":        func(f *samltest.Forge) { f.EncryptTo = samltest.SPKey().Certificate },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := samltest.NewIdP(t).Forge(link, &saml.Outgoing{ID: "_request"}, samltest.Alice())
			f.SessionNotOnOrAfter = time.Now().Add(time.Hour)
			change(f)
			info, err := gosaml2compat.RetrieveAssertionInfo(provider(), form(t, f))
			if err != nil {
				t.Fatal(err)
			}
			if *info.WarningInfo != (saml2.WarningInfo{}) {
				t.Errorf("warnings %+v", info.WarningInfo)
			}
			if info.NameID != "alice@example.test" || info.NameIDFormat != saml.NameIDEmail || info.SessionIndex != f.SessionIndex || info.AuthnInstant == nil || info.SessionNotOnOrAfter == nil {
				t.Errorf("info %+v", info)
			}
			if got := info.Values.GetAll("groups"); !slices.Equal(got, []string{"staff", "admins"}) || info.Values.Get("mail") != "alice@example.test" {
				t.Errorf("values %+v", info.Values)
			}
			a := info.Assertions[0]
			if got := a.Subject.SubjectConfirmation.SubjectConfirmationData.InResponseTo; got != "_request" || !a.SignatureValidated || a.Subject.NameID.Value != info.NameID {
				t.Errorf("assertion %+v, answers %q", a, got)
			}
		})
	}
}

// TestSame has both engines read the same documents alike.
func TestSame(t *testing.T) {
	t.Parallel()
	encoded := form(t, samltest.NewIdP(t).Forge(link, nil, samltest.Alice()))
	theirs, err := provider().RetrieveAssertionInfo(encoded)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := gosaml2compat.RetrieveAssertionInfo(provider(), encoded)
	if err != nil {
		t.Fatal(err)
	}
	if ours.NameID != theirs.NameID || ours.NameIDFormat != theirs.NameIDFormat || ours.SessionIndex != theirs.SessionIndex || !ours.AuthnInstant.Equal(*theirs.AuthnInstant) {
		t.Errorf("ours %+v, theirs %+v", ours, theirs)
	}
	if len(ours.Values) != len(theirs.Values) {
		t.Errorf("ours %v, theirs %v", ours.Values, theirs.Values)
	}
	for name := range theirs.Values {
		if !slices.Equal(ours.Values.GetAll(name), theirs.Values.GetAll(name)) {
			t.Errorf("%s: ours %v, theirs %v", name, ours.Values.GetAll(name), theirs.Values.GetAll(name))
		}
	}
}

// TestAttacks is the table of package samltest. What the interface cannot
// tell, since it knows no requests, is accepted, and nothing else is.
func TestAttacks(t *testing.T) {
	t.Parallel()
	unknowable := []saml.Check{saml.CheckRequest, saml.CheckInResponseTo, saml.CheckUnsolicited, saml.CheckRelayState}
	idp := samltest.NewIdP(t)
	for _, b := range samltest.Breaks() {
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			want := b.Check()
			if slices.Contains(unknowable, want) {
				want = ""
			}
			encoded := idp.Answer(link, &saml.Outgoing{ID: "_request"}, samltest.Alice(), b).Get("SAMLResponse")
			info, err := gosaml2compat.RetrieveAssertionInfo(provider(), encoded)
			if saml.CheckOf(err) != want || (err == nil) != (want == "") || (info == nil) != (err != nil) {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), want, err)
			}
		})
	}
}

// TestWarnings: what gosaml2 reports beside its result is an error here.
func TestWarnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(f *samltest.Forge)
		warned func(w *saml2.WarningInfo) bool
		want   saml.Check
	}{
		{"InvalidTime", func(f *samltest.Forge) { f.NotOnOrAfter = time.Now().Add(-time.Hour) }, func(w *saml2.WarningInfo) bool { return w.InvalidTime }, saml.CheckTime},
		{"NotInAudience", func(f *samltest.Forge) { f.Audiences = [][]string{{"https://other.test"}} }, func(w *saml2.WarningInfo) bool { return w.NotInAudience }, saml.CheckAudience},
		{"OneTimeUse", func(f *samltest.Forge) { f.Conditions = "<saml:OneTimeUse/>" }, func(w *saml2.WarningInfo) bool { return w.OneTimeUse }, saml.CheckCondition},
		{"ProxyRestriction", func(f *samltest.Forge) { f.Conditions = `<saml:ProxyRestriction Count="1"/>` }, func(w *saml2.WarningInfo) bool { return w.ProxyRestriction != nil }, saml.CheckCondition},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := samltest.NewIdP(t).Forge(link, nil, samltest.Alice())
			tt.change(f)
			encoded := form(t, f)
			if info, err := provider().RetrieveAssertionInfo(encoded); err != nil || !tt.warned(info.WarningInfo) {
				t.Errorf("gosaml2 does not warn of it: %v", err)
			}
			if _, err := gosaml2compat.RetrieveAssertionInfo(provider(), encoded); saml.CheckOf(err) != tt.want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
			f.EncryptTo = samltest.SPKey().Certificate
			if _, err := gosaml2compat.RetrieveAssertionInfo(provider(), form(t, f)); saml.CheckOf(err) != tt.want {
				t.Errorf("encrypted: refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	encoded := form(t, samltest.NewIdP(t).Forge(link, nil, samltest.Alice()))
	for name, change := range map[string]func(sp *saml2.SAMLServiceProvider){
		"SkipSignatureValidation": func(sp *saml2.SAMLServiceProvider) { sp.SkipSignatureValidation = true },
		"no certificate store":    func(sp *saml2.SAMLServiceProvider) { sp.IDPCertificateStore = nil },
		"no certificates":         func(sp *saml2.SAMLServiceProvider) { sp.IDPCertificateStore = &dsig.MemoryX509CertificateStore{} },
		"nil certificate": func(sp *saml2.SAMLServiceProvider) {
			sp.IDPCertificateStore = &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{nil}}
		},
		"no issuer":   func(sp *saml2.SAMLServiceProvider) { sp.IdentityProviderIssuer = "" },
		"no audience": func(sp *saml2.SAMLServiceProvider) { sp.AudienceURI = "" },
		"no ACS":      func(sp *saml2.SAMLServiceProvider) { sp.AssertionConsumerServiceURL = "" },
		"ended encryption certificate": func(sp *saml2.SAMLServiceProvider) {
			sp.ValidateEncryptionCert, sp.Clock = true, dsig.NewFakeClockAt(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sp := provider()
			change(sp)
			if info, err := gosaml2compat.RetrieveAssertionInfo(sp, encoded); saml.CheckOf(err) != saml.CheckConfig || info != nil {
				t.Errorf("refused by %q: %v", saml.CheckOf(err), err)
			}
		})
	}
	if _, err := gosaml2compat.RetrieveAssertionInfo(nil, encoded); saml.CheckOf(err) != saml.CheckConfig {
		t.Errorf("no provider: %v", err)
	}
}

func TestMissingAttributes(t *testing.T) {
	t.Parallel()
	encoded := form(t, samltest.NewIdP(t).Forge(link, nil, samltest.Person{NameID: samltest.Alice().NameID}))
	sp := provider()
	var missing saml2.ErrMissingElement
	if _, err := gosaml2compat.RetrieveAssertionInfo(sp, encoded); !errors.As(err, &missing) || saml.CheckOf(err) != saml.CheckStructure {
		t.Errorf("%v", err)
	}
	sp.AllowMissingAttributes = true
	if info, err := gosaml2compat.RetrieveAssertionInfo(sp, encoded); err != nil || info.Values == nil {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestKeysBeside: a key that SetSPKeyStore took is passed along.
func TestKeysBeside(t *testing.T) {
	t.Parallel()
	f := samltest.NewIdP(t).Forge(link, nil, samltest.Alice())
	f.EncryptTo = samltest.SPKey().Certificate
	encoded := form(t, f)
	sp, k := provider(), samltest.SPKey()
	sp.SPKeyStore = nil
	if err := sp.SetSPKeyStore(&saml2.KeyStore{Signer: k.Signer, Cert: k.Certificate.Raw}); err != nil {
		t.Fatal(err)
	}
	if _, err := gosaml2compat.RetrieveAssertionInfo(sp, encoded); saml.CheckOf(err) != saml.CheckDecrypt {
		t.Errorf("without the key: %v", err)
	}
	key := saml.DecryptionKey{Decrypter: k.Signer.(*rsa.PrivateKey), Certificate: k.Certificate}
	if _, err := gosaml2compat.RetrieveAssertionInfo(sp, encoded, key); err != nil {
		t.Error(err)
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	encoded := form(t, samltest.NewIdP(t).Forge(link, nil, samltest.Alice()))
	store := saml.NewMemoryStore(10)
	for _, want := range []saml.Check{"", saml.CheckReplay} {
		if _, err := gosaml2compat.RetrieveOnce(context.Background(), provider(), store, encoded); saml.CheckOf(err) != want {
			t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), want, err)
		}
	}
	if _, err := gosaml2compat.RetrieveOnce(context.Background(), provider(), nil, encoded); saml.CheckOf(err) != saml.CheckConfig {
		t.Errorf("no store: %v", err)
	}
}
