// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// received signs what edit makes of the assertion and has it verified.
func received(t *testing.T, sp func(*saml.SPConfig, *saml.Connection), edit func(x string) string) (*saml.Assertion, error) {
	t.Helper()
	idp := samltest.NewIdP(t)
	s := samltest.NewSP(t, idp.Entity(), sp)
	out := s.Start(saml.LoginOptions{})
	f := idp.Forge(s.Connection, out, samltest.Alice())
	f.BeforeSigning = edit
	form, err := f.Form()
	if err != nil {
		t.Fatal(err)
	}
	return s.Receive(form, out)
}

func encryptElement(t *testing.T, wrapper, element string) string {
	t.Helper()
	data, err := xmlenc.Encrypt([]byte(element), xmlenc.EncryptOptions{Certificate: samltest.SPKey().Certificate})
	if err != nil {
		t.Fatal(err)
	}
	return "<saml:" + wrapper + ">" + string(data) + "</saml:" + wrapper + ">"
}

func TestEncryptedID(t *testing.T) {
	t.Parallel()
	const old = `<saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">alice@example.test</saml:NameID>`
	a, err := received(t, nil, replace(old, encryptElement(t, "EncryptedID", `<saml:NameID `+assertNS+` Format="f">carol</saml:NameID>`)))
	if err != nil {
		t.Fatal(err)
	}
	if a.NameID.Value != "carol" || a.NameID.Format != "f" {
		t.Errorf("%+v", a.NameID)
	}
	_, err = received(t, nil, replace(old, encryptElement(t, "EncryptedID", `<saml:Attribute `+assertNS+` Name="x"/>`)))
	if saml.CheckOf(err) != saml.CheckStructure {
		t.Errorf("an encrypted Attribute as a name: %v", err)
	}
}

// TestValues reads what identity providers put into attributes.
func TestValues(t *testing.T) {
	t.Parallel()
	a, err := received(t, nil, replace("</saml:AttributeStatement>", `
		<saml:Attribute Name="groups" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue>third</saml:AttributeValue></saml:Attribute>
		<saml:Attribute Name="plain"><saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string"><![CDATA[a < b]]></saml:AttributeValue></saml:Attribute>
		<saml:Attribute Name="plain" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"><saml:AttributeValue/></saml:Attribute>
		<saml:Attribute Name="targeted"><saml:AttributeValue><saml:NameID NameQualifier="q">opaque</saml:NameID></saml:AttributeValue></saml:Attribute>
		<saml:Attribute Name="xml"><saml:AttributeValue x=">" xmlns:e="urn:e"><e:a>1</e:a>t<e:b/></saml:AttributeValue></saml:Attribute>
		<saml:Attribute Name="none"/>`+
		encryptElement(t, "EncryptedAttribute", `<saml:Attribute `+assertNS+` Name="secret"><saml:AttributeValue>s</saml:AttributeValue></saml:Attribute>`)+
		`</saml:AttributeStatement><saml:AttributeStatement><saml:Attribute Name="late"><saml:AttributeValue>l</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"groups": {"staff", "admins", "third"}, "plain": {"a < b", ""}, "targeted": {"opaque"}, "secret": {"s"}, "late": {"l"}, "none": nil, "unknown": nil,
		"xml": {`<e:a xmlns:e="urn:e">1</e:a>t<e:b xmlns:e="urn:e"></e:b>`},
	} {
		if got := a.Attributes.Values(name); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !a.Attributes.Has("groups", "third") || a.Attributes.Has("groups", "x") || a.Attributes.Get("mail") != "alice@example.test" || a.Attributes.Get("none") != "" {
		t.Error("Has or Get")
	}
	if a.Attributes[0].Name != "mail" || a.Attributes[1].Name != "groups" {
		t.Errorf("order %+v", a.Attributes)
	}
}

// TestStatements: further confirmations may fail beside one that holds, and
// further statements only shorten the session.
func TestStatements(t *testing.T) {
	t.Parallel()
	soon := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	a, err := received(t, nil, func(x string) string {
		x = replace("</saml:NameID>", `</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="https://other.test/"/></saml:SubjectConfirmation>`)(x)
		return replace("</saml:AuthnStatement>", `</saml:AuthnStatement><saml:AuthnStatement AuthnInstant="2020-01-01T00:00:00Z" SessionNotOnOrAfter="`+soon.Format(time.RFC3339Nano)+`"><saml:AuthnContext/></saml:AuthnStatement>`)(x)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !a.SessionNotOnOrAfter.Equal(soon) || a.AuthnInstant.Year() == 2020 || a.AuthnContext != saml.ContextPasswordProtected {
		t.Errorf("%+v", a)
	}
	_, err = received(t, nil, replace("</saml:AuthnContextClassRef>", "</saml:AuthnContextClassRef><saml:AuthenticatingAuthority>https://up.test</saml:AuthenticatingAuthority>"))
	if err != nil {
		t.Error(err)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	expired := func(_ *saml.SPConfig, c *saml.Connection) {
		c.IdP.IdP.Keys[0].Certificate = oldCertificate(t)
	}
	if _, err := received(t, expired, nil); err != nil {
		t.Errorf("an expired certificate in metadata: %v", err)
	}
	_, err := received(t, func(cfg *saml.SPConfig, c *saml.Connection) {
		expired(cfg, c)
		c.Policy.RefuseExpiredCertificates = true
	}, nil)
	if saml.CheckOf(err) != saml.CheckSignature {
		t.Errorf("an expired certificate where they are refused: %v", err)
	}
	_, err = received(t, func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.MaxAuthnAge = time.Nanosecond }, nil)
	if err != nil {
		t.Errorf("within the skew: %v", err)
	}
	_, err = received(t, func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.ExtraAudiences = []string{"urn:x"} }, replace("https://sp.test/metadata</saml:Audience>", "urn:x</saml:Audience>"))
	if err != nil {
		t.Errorf("an extra audience: %v", err)
	}
}

// oldCertificate is of the identity provider's key, and expired.
func oldCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "old"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, samltest.Key().Signer.Public(), samltest.Key().Signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestBareKeys: metadata may hold key values, and keys that are no use.
func TestBareKeys(t *testing.T) {
	t.Parallel()
	e := samltest.NewIdP(t).Entity()
	e.IdP.Keys = []saml.Key{
		{Use: "signing", PublicKey: samltest.Key().Certificate.PublicKey},
		{PublicKey: samltest.ECKey().Certificate.PublicKey},
		{Use: "signing", PublicKey: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}},
	}
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	junk := `<md:KeyDescriptor use="odd"/><md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>k</ds:KeyName><ds:X509Data><ds:X509Certificate>` +
		base64.StdEncoding.EncodeToString([]byte("junk")) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	got, err := saml.ParseMetadata([]byte(strings.Replace(string(raw), "<md:KeyDescriptor", junk+"<md:KeyDescriptor", 1)), saml.MetadataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.IdP.Keys) != 2 || got.IdP.Keys[1].Use != "" {
		t.Fatalf("keys %+v", got.IdP.Keys)
	}
	d := got.Describe(time.Now())
	if len(d.Warnings) < 3 || d.Keys[0].SHA256 == "" {
		t.Errorf("%+v", d)
	}
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, got, nil)
	out := sp.Start(saml.LoginOptions{})
	if _, err := sp.Receive(idp.Answer(sp.Connection, out, samltest.Alice()), out); err != nil {
		t.Error(err)
	}
}

func TestNameIDFormat(t *testing.T) {
	t.Parallel()
	sp := &saml.Entity{SP: &saml.SPRole{NameIDFormats: []string{saml.NameIDTransient, saml.NameIDEmail}}}
	offered := []string{saml.NameIDPersistent, saml.NameIDEmail}
	for _, tt := range []struct {
		policy *saml.NameIDPolicy
		want   string
		ok     bool
	}{
		{nil, saml.NameIDEmail, true},
		{&saml.NameIDPolicy{Format: saml.NameIDUnspecified}, saml.NameIDEmail, true},
		{&saml.NameIDPolicy{Format: saml.NameIDPersistent}, saml.NameIDPersistent, true},
		{&saml.NameIDPolicy{Format: saml.NameIDTransient}, saml.NameIDTransient, false},
	} {
		got, ok := (&saml.Request{NameIDPolicy: tt.policy}).NameIDFormat(sp, offered...)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%+v: %q %v", tt.policy, got, ok)
		}
	}
	if got, ok := saml.PreferredNameID(&saml.Entity{}, offered...); got != saml.NameIDPersistent || !ok {
		t.Errorf("%q %v", got, ok)
	}
}

// TestSessionIndexAgain: one session signs in twice at one service provider
// under one index; another session may not use it.
func TestSessionIndexAgain(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	peer.Entity = samltest.NewSP(t, idp.Entity(), nil).Entity()
	rp := identity(nil)
	rp.SP, rp.SessionIndex = peer.Entity.EntityID, "index"
	for range 2 {
		if _, err := idp.Respond(t.Context(), rp); err != nil {
			t.Fatal(err)
		}
	}
	rp.Session = "session-2"
	if _, err := idp.Respond(t.Context(), rp); saml.CheckOf(err) != saml.CheckConfig {
		t.Errorf("another session's index: %v", err)
	}
}

func TestLoginByIndex(t *testing.T) {
	t.Parallel()
	peer := &saml.Peer{}
	idp := newIdP(t, nil, peer)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	req, err := idp.ParseRequest(samltest.Request(sp.Start(saml.LoginOptions{ACSIndex: 1, AttributeService: 3})))
	if err != nil || req.ACS.Location != sp.Connection.ACS || req.AttributeService != 2 {
		t.Errorf("%+v %v", req, err)
	}
	for _, o := range []saml.LoginOptions{
		{Binding: saml.BindingSOAP},
		{Context: &saml.RequestedContext{}},
		{Context: &saml.RequestedContext{ClassRefs: []string{"x"}, Comparison: "odd"}},
		{ForceAuthn: true, IsPassive: true},
		{Extensions: []byte("<saml:x/>")},
		{Extensions: []byte("text")},
		{Target: strings.Repeat("x", 5000)},
		{ByArtifact: true},
		{ProviderName: "\x00"},
	} {
		if _, err := sp.Login(t.Context(), "c1", o); saml.CheckOf(err) != saml.CheckConfig && saml.CheckOf(err) != saml.CheckBinding {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestDefaultErrorPage tells the person nothing about signatures.
func TestDefaultErrorPage(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) { c.OnError = nil })
	out := sp.Start(saml.LoginOptions{})
	r := formRequest(idp.Answer(sp.Connection, out, samltest.Alice(), samltest.Named("signed with another key")))
	w := httptest.NewRecorder()
	sp.ACS(sp.Connection.ACS).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "signature") || w.Body.Len() == 0 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// TestCommitRefuses: a failing commit uses the ticket up.
func TestCommitRefuses(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	out := sp.Start(saml.LoginOptions{})
	location, err := sp.Post(idp.Answer(sp.Connection, out, samltest.Alice()))
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("down")
	for _, want := range []saml.Check{saml.CheckCommit, saml.CheckTicket} {
		r := httptest.NewRequest(http.MethodGet, location, nil)
		r.AddCookie(out.Cookie)
		err := sp.Finish(t.Context(), r, func(context.Context, *saml.Assertion) error { return down })
		if saml.CheckOf(err) != want || errors.Is(err, down) != (want == saml.CheckCommit) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTicketEnds after its 60 seconds.
func TestTicketEnds(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	now := time.Now()
	idp.Now = func() time.Time { return now }
	sp := samltest.NewSP(t, idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) { c.Now = idp.Now })
	out := sp.Start(saml.LoginOptions{})
	location, err := sp.Post(idp.Answer(sp.Connection, out, samltest.Alice()))
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	r := httptest.NewRequest(http.MethodGet, location, nil)
	r.AddCookie(out.Cookie)
	err = sp.Finish(t.Context(), r, func(context.Context, *saml.Assertion) error { return nil })
	if saml.CheckOf(err) != saml.CheckTicket {
		t.Errorf("%v", err)
	}
}

// TestSourceRun refreshes as cacheDuration says, and ends with its context.
func TestSourceRun(t *testing.T) {
	idp := samltest.NewIdP(t)
	e := idp.Entity()
	e.CacheDuration = time.Hour
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		src, err := saml.NewSource(saml.SourceConfig{
			URL: "https://idp.test/metadata", Entity: e,
			Client: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				fetched++
				w := httptest.NewRecorder()
				_, _ = w.Write(raw)
				return w.Result(), nil
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Minute)
		defer cancel()
		if err := src.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run returned %v", err)
		}
		if fetched != 3 {
			t.Errorf("fetched %d times in 150 minutes", fetched)
		}
	})
}

// TestUnbound: only what ties a Response to a request goes unchecked.
func TestUnbound(t *testing.T) {
	t.Parallel()
	idp := samltest.NewIdP(t)
	sp := samltest.NewSP(t, idp.Entity(), nil)
	out := sp.Start(saml.LoginOptions{})
	verify := func(breaks ...samltest.Break) error {
		_, err := sp.InsecureVerifyUnbound(t.Context(), "c1", idp.Answer(sp.Connection, out, samltest.Alice(), breaks...).Get("SAMLResponse"))
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	for _, b := range samltest.Breaks() {
		want := b.Check()
		switch want {
		case saml.CheckRequest, saml.CheckInResponseTo, saml.CheckUnsolicited, saml.CheckRelayState:
			want = ""
		}
		if err := verify(b); saml.CheckOf(err) != want {
			t.Errorf("%s: refused by %q, want %q: %v", b, saml.CheckOf(err), want, err)
		}
	}
	once := idp.Answer(sp.Connection, nil, samltest.Alice()).Get("SAMLResponse")
	for _, want := range []saml.Check{"", saml.CheckReplay} {
		if _, err := sp.InsecureVerifyUnbound(t.Context(), "c1", once); saml.CheckOf(err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
