// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// postOf is the login's request by POST with its XML edited.
func postOf(t testing.TB, out *saml.Outgoing, edit func(x string) string) *http.Request {
	t.Helper()
	x, err := samltest.Decode(out.Value)
	if err != nil {
		t.Fatal(err)
	}
	return formRequest(url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(edit(x)))}, "RelayState": {out.RelayState}})
}

func replace(old, with string) func(string) string {
	return func(x string) string {
		if !strings.Contains(x, old) {
			panic("no " + old + " in " + x)
		}
		return strings.Replace(x, old, with, 1)
	}
}

// expiredSP is a certificate of the service provider that ended.
func expiredSP() *x509.Certificate {
	c := *samltest.SPKey().Certificate
	c.NotAfter = time.Unix(1, 0)
	return &c
}

func encode(x string) string { return base64.StdEncoding.EncodeToString([]byte(x)) }

func same(x string) string { return x }

// TestRequests is the attack table of AuthnRequests.
func TestRequests(t *testing.T) {
	t.Parallel()
	sign := func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.SignRequests = true }
	for _, tt := range []struct {
		name string
		sp   func(*saml.SPConfig, *saml.Connection)
		peer func(*saml.Peer)
		edit func(string) string
		want saml.Check
	}{
		{name: "control", edit: same},
		{name: "control: signed", sp: sign, edit: same},
		{name: "unsigned where signing is published", sp: sign, want: saml.CheckUnsigned, edit: func(x string) string { return sigRE.ReplaceAllString(x, "") }},
		{name: "unsigned where signing is required", peer: func(p *saml.Peer) { p.RequireSignedRequests = true }, edit: same, want: saml.CheckUnsigned},
		{name: "changed after signing", sp: sign, edit: replace("Version=", `ForceAuthn="true" Version=`), want: saml.CheckSignature},
		{name: "signed by a stranger", edit: same, want: saml.CheckSignature, sp: func(c *saml.SPConfig, cn *saml.Connection) {
			sign(c, cn)
			c.Keys = []saml.KeyPair{samltest.OtherKey()}
		}},
		{name: "control: an expired certificate", sp: sign, edit: same, peer: func(p *saml.Peer) { p.Entity.SP.Keys[0].Certificate = expiredSP() }},
		{name: "an expired certificate where they are refused", sp: sign, edit: same, want: saml.CheckSignature, peer: func(p *saml.Peer) {
			p.Entity.SP.Keys[0].Certificate, p.RefuseExpiredCertificates = expiredSP(), true
		}},
		{name: "unknown service provider", edit: replace("https://sp.test/metadata<", "https://evil.test/metadata<"), want: saml.CheckPeer},
		{name: "no issuer", edit: replace(`<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.test/metadata</saml:Issuer>`, ""), want: saml.CheckIssuer},
		{name: "consumer that is not in metadata", edit: replace("https://sp.test/acs", "https://evil.test/acs"), want: saml.CheckACS},
		{name: "consumer by prefix", edit: replace("https://sp.test/acs", "https://sp.test/acs/../evil"), want: saml.CheckACS},
		{name: "consumer by script", edit: replace("https://sp.test/acs", "javascript:alert(1)"), want: saml.CheckACS},
		{name: "index that is not in metadata", edit: func(x string) string {
			return strings.Replace(strings.Replace(x, `AssertionConsumerServiceURL="https://sp.test/acs"`, `AssertionConsumerServiceIndex="7"`, 1), ` ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"`, "", 1)
		}, want: saml.CheckACS},
		{name: "index and address", edit: replace("AssertionConsumerServiceURL", `AssertionConsumerServiceIndex="0" AssertionConsumerServiceURL`), want: saml.CheckACS},
		{name: "another binding", edit: replace("bindings:HTTP-POST", "bindings:PAOS"), want: saml.CheckBinding},
		{name: "another destination", edit: replace(`Destination="https://idp.test/sso"`, `Destination="https://other.test/sso"`), want: saml.CheckDestination},
		{name: "version", edit: replace(`Version="2.0"`, `Version="1.1"`), want: saml.CheckVersion},
		{name: "a Response", edit: func(string) string { return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>` }, want: saml.CheckStructure},
		{name: "document type", edit: func(x string) string { return "<!DOCTYPE x>" + x }, want: saml.CheckXML},
		{name: "ForceAuthn that is no boolean", edit: replace("Version=", `ForceAuthn="yes" Version=`), want: saml.CheckStructure},
		{name: "old", want: saml.CheckIssueInstant, edit: func(x string) string {
			i := strings.Index(x, `IssueInstant="`) + len(`IssueInstant="`)
			return x[:i] + "2020" + x[i+4:]
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			peer := &saml.Peer{}
			idp := newIdP(t, nil, peer)
			sp := samltest.NewSP(t, idp.Entity(), tt.sp)
			peer.Entity = sp.Entity()
			for i, k := range peer.Entity.SP.Keys {
				if k.Use == "signing" { // strangers do not sign for it
					peer.Entity.SP.Keys[i].Certificate, peer.Entity.SP.Keys[i].PublicKey = samltest.SPKey().Certificate, samltest.SPKey().Certificate.PublicKey
				}
			}
			if tt.peer != nil {
				tt.peer(peer)
			}
			out := sp.Start(saml.LoginOptions{Binding: saml.BindingPOST})
			_, err := idp.ParseRequest(postOf(t, out, tt.edit))
			if saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}

// TestRedirectOctets (duty 24): the signature is over the sender's own octets,
// however it escapes.
func TestRedirectOctets(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{RequireSignedRequests: true}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.SignRequests = true })
	peer.Entity = sp.Entity()
	parse := func(change func(q string) string) error {
		_, q, _ := strings.Cut(sp.Start(saml.LoginOptions{}).URL(), "?")
		_, err := idp.ParseRequest(httptest.NewRequest(http.MethodGet, "/sso?"+change(q), nil))
		return err
	}
	for _, tt := range []struct {
		name   string
		change func(q string) string
		want   saml.Check
	}{
		{"control", same, ""},
		{"control: another parameter", func(q string) string { return "x=1&" + q + "&y" }, ""},
		{"control: order", func(q string) string {
			parts := strings.Split(q, "&")
			return strings.Join([]string{parts[3], parts[1], parts[0], parts[2]}, "&")
		}, ""},
		{"no signature", func(q string) string { return q[:strings.Index(q, "&SigAlg")] }, saml.CheckUnsigned},
		{"no relay state", func(q string) string {
			i, j := strings.Index(q, "&RelayState"), strings.Index(q, "&SigAlg")
			return q[:i] + q[j:]
		}, saml.CheckSignature},
		{"twice", func(q string) string { return q + "&" + q }, saml.CheckInput},
		{"no message", func(string) string { return "RelayState=x" }, saml.CheckInput},
		{"not base64", func(string) string { return "SAMLRequest=%21" }, saml.CheckInput},
		{"not deflated", func(string) string { return "SAMLRequest=QUJD" }, saml.CheckDeflate},
		{"another encoding", func(q string) string { return q + "&SAMLEncoding=urn:x" }, saml.CheckInput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := parse(tt.change); saml.CheckOf(err) != tt.want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}

// TestDeflatedPost: some peers deflate what they post.
func TestDeflatedPost(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.SignRequests = true })
	peer.Entity = sp.Entity()
	req, err := idp.ParseRequest(postOf(t, sp.Start(saml.LoginOptions{Binding: saml.BindingPOST}), func(x string) string {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, 9)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(x)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}))
	if err != nil || !req.Signed {
		t.Errorf("%+v %v", req, err)
	}
}

// TestRespondRefusals: an answer that contradicts its request, or goes where
// metadata does not say, is not signed.
func TestRespondRefusals(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	for _, tt := range []struct {
		name   string
		login  saml.LoginOptions
		change func(rp *saml.ResponseParams)
		want   saml.Check
	}{
		{"control", saml.LoginOptions{}, func(*saml.ResponseParams) {}, ""},
		{"format", saml.LoginOptions{NameIDPolicy: &saml.NameIDPolicy{Format: saml.NameIDPersistent}}, func(*saml.ResponseParams) {}, saml.CheckNameIDPolicy},
		{"subject", saml.LoginOptions{Subject: &saml.NameID{Value: "bob@example.test"}}, func(*saml.ResponseParams) {}, saml.CheckSubject},
		{"forced", saml.LoginOptions{ForceAuthn: true}, func(rp *saml.ResponseParams) { rp.AuthnInstant = rp.AuthnInstant.Add(-time.Hour) }, saml.CheckForceAuthn},
		{"context", saml.LoginOptions{Context: &saml.RequestedContext{ClassRefs: []string{saml.ContextREFEDSMFA}}}, func(*saml.ResponseParams) {}, saml.CheckAuthnContext},
		{"consumer", saml.LoginOptions{}, func(rp *saml.ResponseParams) {
			rp.Request, rp.SP, rp.ACS = nil, peer.Entity.EntityID, "https://evil.test/acs"
		}, saml.CheckACS},
		{"unknown SP", saml.LoginOptions{}, func(rp *saml.ResponseParams) { rp.Request, rp.SP = nil, "https://evil.test" }, saml.CheckPeer},
		{"lifetime", saml.LoginOptions{}, func(rp *saml.ResponseParams) { rp.Lifetime = time.Hour }, saml.CheckConfig},
		{"no name", saml.LoginOptions{}, func(rp *saml.ResponseParams) { rp.NameID.Value = "" }, saml.CheckConfig},
		{"control character", saml.LoginOptions{}, func(rp *saml.ResponseParams) { rp.NameID.Value = "a\x00" }, saml.CheckConfig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := idp.ParseRequest(samltest.Request(sp.Start(tt.login)))
			if err != nil {
				t.Fatal(err)
			}
			rp := identity(req)
			tt.change(&rp)
			if _, err := idp.Respond(t.Context(), rp); saml.CheckOf(err) != tt.want {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
		})
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	out := sp.Start(saml.LoginOptions{IsPassive: true})
	req, err := idp.ParseRequest(samltest.Request(out))
	if err != nil || !req.IsPassive {
		t.Fatalf("%+v %v", req, err)
	}
	form, err := idp.Fail(t.Context(), req, saml.Status{SubCode: saml.StatusNoPassive})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := idp.Respond(t.Context(), identity(req)); saml.CheckOf(err) != saml.CheckReplay {
		t.Errorf("a second answer: %v", err)
	}
	_, err = sp.Receive(samltest.Form(form), out)
	e, ok := errors.AsType[*saml.Error](err)
	if !ok || e.Check != saml.CheckStatus || e.Status.SubCode != saml.StatusNoPassive || e.Status.Code != saml.StatusResponder {
		t.Errorf("%v", err)
	}
}

func TestPairwiseID(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	a := saml.PairwiseID(key, "idp", "sp1", "u1")
	if a != saml.PairwiseID(key, "idp", "sp1", "u1") || a == saml.PairwiseID(key, "idp", "sp2", "u1") ||
		a == saml.PairwiseID(key, "idp", "sp1", "u2") || a == saml.PairwiseID(key, "idps", "p1", "u1") || len(a) > 256 {
		t.Errorf("%q", a)
	}
}

// TestConfigFailsClosed (duty 12): without keys there is nothing to make.
func TestConfigFailsClosed(t *testing.T) {
	t.Parallel()
	st := saml.NewMemoryStore(10)
	if _, err := saml.NewServiceProvider(saml.SPConfig{}); saml.CheckOf(err) != saml.CheckConfig {
		t.Errorf("an empty SPConfig: %v", err)
	}
	if _, err := saml.NewIdentityProvider(saml.IdPConfig{EntityID: "x", SSO: "https://idp.test/sso", Peers: saml.PeerList{}, Store: st}); saml.CheckOf(err) != saml.CheckConfig {
		t.Errorf("no keys: %v", err)
	}
	mixed := samltest.Key()
	mixed.Certificate = samltest.OtherKey().Certificate
	for name, c := range map[string]saml.IdPConfig{
		"a certificate of another key": {Keys: []saml.KeyPair{mixed}},
		"an http address":              {Keys: []saml.KeyPair{samltest.Key()}, SSO: "http://idp.test/sso"},
		"much skew":                    {Keys: []saml.KeyPair{samltest.Key()}, Skew: time.Hour},
	} {
		c.EntityID, c.Peers, c.Store = "x", saml.PeerList{}, st
		if c.SSO == "" {
			c.SSO = "https://idp.test/sso"
		}
		if _, err := saml.NewIdentityProvider(c); saml.CheckOf(err) != saml.CheckConfig {
			t.Errorf("%s: %v", name, err)
		}
	}
	idp := samltest.NewIdP(t).Entity()
	idp.IdP.Keys[0].Use = "encryption"
	sp := samltest.NewSP(t, idp, nil)
	if _, err := sp.Login(t.Context(), "c1", saml.LoginOptions{}); saml.CheckOf(err) != saml.CheckConfig {
		t.Errorf("an IdP without signing key: %v", err)
	}
	if _, err := sp.Login(t.Context(), "c9", saml.LoginOptions{}); saml.CheckOf(err) != saml.CheckConnection {
		t.Errorf("an unknown connection: %v", err)
	}
}

// TestRequestBreaks breaks one thing at a time, beside the control.
func TestRequestBreaks(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{RequireSignedRequests: true}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	if req, err := idp.ParseRequest(sp.Request(saml.LoginOptions{})); err != nil || !req.Signed {
		t.Fatalf("the control: %v", err)
	}
	for _, b := range samltest.RequestBreaks() {
		t.Run(b.String(), func(t *testing.T) {
			if _, err := idp.ParseRequest(sp.Request(saml.LoginOptions{}, b)); saml.CheckOf(err) != b.Check() {
				t.Errorf("refused by %q, want %q: %v", saml.CheckOf(err), b.Check(), err)
			}
		})
	}
}

// TestEvents (duty 27): every signature leaves an event with the assertion's
// ID.
func TestEvents(t *testing.T) {
	t.Parallel()
	var issued, seen []saml.Event
	peer := &saml.Peer{}
	idp := newIdP(t, func(c *saml.IdPConfig) {
		c.OnEvent = func(_ context.Context, e saml.Event) { issued = append(issued, e) }
	}, peer)
	sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) {
		c.OnEvent = func(_ context.Context, e saml.Event) { seen = append(seen, e) }
	})
	peer.Entity = sp.Entity()
	out := sp.Start(saml.LoginOptions{})
	req, err := idp.ParseRequest(samltest.Request(out))
	if err != nil {
		t.Fatal(err)
	}
	form, err := idp.Respond(t.Context(), identity(req))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sp.Receive(samltest.Form(form), out); err != nil {
		t.Fatal(err)
	}
	_, _ = sp.Receive(samltest.Form(form), out) // refused
	if len(issued) != 1 || issued[0].Type != saml.EventIssued || issued[0].ID != form.AssertionID || issued[0].Peer != peer.Entity.EntityID {
		t.Errorf("issued %+v", issued)
	}
	if len(seen) != 2 || seen[0].Type != saml.EventAccepted || seen[0].ID != form.AssertionID || seen[1].Type != saml.EventRefused || seen[1].Check != saml.CheckRequest {
		t.Errorf("seen %+v", seen)
	}
}
