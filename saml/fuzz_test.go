// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// refusal fails the test if an error is not a refusal with a Check.
func refusal(t *testing.T, err error) {
	t.Helper()
	if err != nil && saml.CheckOf(err) == "" {
		t.Fatalf("an error without check: %v", err)
	}
}

// FuzzResponse: whatever is accepted says what was signed.
func FuzzResponse(f *testing.F) {
	idp := samltest.NewIdP(f)
	now := time.Now()
	sp := samltest.NewSP(f, idp.Entity(), func(c *saml.SPConfig, cn *saml.Connection) {
		c.Now = func() time.Time { return now }
		cn.AllowIdPInitiated = true
	})
	for _, change := range []func(*samltest.Forge){
		func(*samltest.Forge) {}, func(f *samltest.Forge) { f.SignResponse = false }, func(f *samltest.Forge) { f.SignAssertion = false },
		encrypted, func(f *samltest.Forge) { f.SignAssertion, f.SignResponse = false, false },
		func(f *samltest.Forge) { f.Finally = func(x string) string { return "<!-- c -->" + x } },
	} {
		forge := idp.Forge(sp.Connection, nil, samltest.Alice())
		change(forge)
		x, err := forge.XML()
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(x))
	}
	for _, b := range samltest.Breaks() {
		x, err := samltest.Decode(idp.Answer(sp.Connection, nil, samltest.Alice(), b).Get("SAMLResponse"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(x))
	}
	f.Fuzz(func(t *testing.T, x []byte) {
		a, err := sp.VerifyPosted(context.Background(), base64.StdEncoding.EncodeToString(x), sp.Connection, "")
		refusal(t, err)
		if err == nil && a.NameID.Value != "alice@example.test" && a.NameID.Value != "mallory@example.test" {
			t.Fatalf("accepted %+v", a)
		}
	})
}

// FuzzRequest: whatever is accepted goes to an endpoint of the metadata.
func FuzzRequest(f *testing.F) {
	peer := &saml.Peer{}
	idp := newIdP(f, nil, peer)
	sp := samltest.NewSP(f, idp.Entity(), nil)
	peer.Entity = sp.Entity()
	peer.Entity.SP.AuthnRequestsSigned = false
	for _, o := range []saml.LoginOptions{{}, {
		ForceAuthn: true, Context: &saml.RequestedContext{ClassRefs: []string{"a", "b"}}, NameIDPolicy: &saml.NameIDPolicy{Format: saml.NameIDEmail},
		Subject: &saml.NameID{Value: "v"}, ACSIndex: 1, AttributeService: 1, Extensions: []byte(`<x:a xmlns:x="urn:x"/>`), Scoping: []string{"x"},
	}} {
		o.Binding = saml.BindingPOST
		x, err := samltest.Decode(sp.Start(o).Value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(x))
	}
	f.Fuzz(func(t *testing.T, x []byte) {
		req, err := idp.ParseRequest(formRequest(url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(x)}}))
		refusal(t, err)
		if err == nil && (req.ACS.Location != "https://sp.test/acs" || req.SP != "https://sp.test/metadata" || req.ID == "") {
			t.Fatalf("accepted %+v", req)
		}
	})
}

// FuzzLogout: nothing that was not signed ends a session.
func FuzzLogout(f *testing.F) {
	idp := samltest.NewIdP(f)
	sp := samltest.NewSP(f, idp.Entity(), nil)
	start := saml.LogoutStart{Connection: "c1", Issuer: idp.EntityID, NameID: samltest.Alice().NameID, SessionIndexes: []string{"s"}}
	out, err := sp.Logout(f.Context(), start)
	if err != nil {
		f.Fatal(err)
	}
	x, err := samltest.Decode(out.Value)
	if err != nil {
		f.Fatal(err)
	}
	x = strings.NewReplacer("https://sp.test/metadata", idp.EntityID, "https://idp.test/slo", "https://sp.test/slo").Replace(x)
	f.Add([]byte(x), false)
	f.Add([]byte(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>`+x+`</soap:Body></soap:Envelope>`), true)
	f.Fuzz(func(t *testing.T, x []byte, soap bool) {
		r := formRequest(url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(x)}})
		if soap {
			r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(x)))
			r.Header.Set("Content-Type", "text/xml")
		}
		_, err := sp.HandleLogout(r, func(context.Context, saml.LogoutNotice) error { t.Fatal("a session was ended"); return nil })
		if err == nil {
			t.Fatal("accepted")
		}
		refusal(t, err)
	})
}

// FuzzRedirectQuery: bounded, and one meaning.
func FuzzRedirectQuery(f *testing.F) {
	sp := samltest.NewSP(f, samltest.NewIdP(f).Entity(), func(_ *saml.SPConfig, c *saml.Connection) { c.Policy.SignRequests = true })
	_, q, _ := strings.Cut(sp.Start(saml.LoginOptions{}).URL(), "?")
	f.Add(q)
	f.Add("SAMLRequest=&SAMLRequest=")
	f.Add("SAMLResponse=%&RelayState=%zz&SigAlg=&Signature=")
	f.Fuzz(func(t *testing.T, raw string) {
		msg, relay, err := saml.Query(raw, 1<<16)
		refusal(t, err)
		if err != nil {
			return
		}
		if len(msg) > 1<<16 || len(relay) > 2048 {
			t.Fatalf("%d and %d bytes", len(msg), len(relay))
		}
		if v, err := url.ParseQuery(raw); err == nil && v.Get("RelayState") != relay {
			t.Fatalf("RelayState %q, others read %q", relay, v.Get("RelayState"))
		}
	})
}

// FuzzMetadata: what is read and written again means the same.
func FuzzMetadata(f *testing.F) {
	raw, err := fullIdP(f).Metadata()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(spXML(acsXML("https://x.test/acs"))))
	f.Add([]byte(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" cacheDuration="P1DT1.5S">` + spXML("") + `</md:EntitiesDescriptor>`))
	now := time.Now()
	f.Fuzz(func(t *testing.T, x []byte) {
		for e, err := range saml.ParseAggregate(x, saml.MetadataOptions{Now: func() time.Time { return now }, MaxBytes: 1 << 20}) {
			refusal(t, err)
			if err != nil {
				continue
			}
			e.Describe(now)
			one, err := e.Marshal()
			if err != nil {
				continue // no role, or a character that has no place in XML
			}
			back, err := saml.ParseMetadata(one, saml.MetadataOptions{Now: func() time.Time { return now.Add(-time.Second) }})
			if err != nil {
				t.Fatalf("%v\n%s", err, one)
			}
			two, err := back.Marshal()
			if err != nil || string(one) != string(two) {
				t.Fatalf("%v\n%s\n%s", err, one, two)
			}
		}
	})
}

// FuzzArtifact: nothing that was not signed gets a message or is taken for one,
// on the back channel of either role.
func FuzzArtifact(f *testing.F) {
	const question = `<samlp:ArtifactResolve xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_q" IssueInstant="2026-01-01T00:00:00Z" Version="2.0"><saml:Issuer ` + assertNS + `>ISSUER</saml:Issuer><samlp:Artifact>ART</samlp:Artifact></samlp:ArtifactResolve>`
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	peer := &saml.Peer{}
	idp := newIdP(f, func(c *saml.IdPConfig) {
		c.Artifact, c.Now = idpArtifact, func() time.Time { return now }
	}, peer)
	var reply []byte
	sp := samltest.NewSP(f, idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) {
		c.Artifact, cfg.Now = spArtifact, func() time.Time { return now }
		cfg.Client = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			_, _ = w.Write(reply)
			return w.Result(), nil
		})}
	})
	peer.Entity = sp.Entity()
	peer.Entity.ValidUntil, sp.Connection.IdP.ValidUntil = time.Time{}, time.Time{}
	for _, issuer := range []string{"https://idp.test/metadata", "https://sp.test/metadata"} {
		f.Add([]byte(envelope(strings.NewReplacer("ISSUER", issuer, "ART", artifact(issuer, 0)).Replace(question))))
	}
	f.Add([]byte(envelope(`<samlp:ArtifactResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" InResponseTo="_q" IssueInstant="2026-01-01T00:00:00Z" Version="2.0"><samlp:Status><samlp:StatusCode Value="` +
		saml.StatusSuccess + `"/></samlp:Status><samlp:Response/></samlp:ArtifactResponse>`)))
	f.Fuzz(func(t *testing.T, x []byte) {
		for _, h := range []http.Handler{idp.ArtifactResolution(), sp.ArtifactResolution(spArtifact)} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(x)))
			r.Header.Set("Content-Type", "text/xml")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code == http.StatusOK {
				t.Fatalf("answered %s", w.Body)
			}
		}
		reply, now = x, now.Add(20*time.Minute) // what was begun before has expired
		out, err := sp.Login(context.Background(), "c1", saml.LoginOptions{ByArtifact: true})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, sp.Connection.ACS+"?"+url.Values{"SAMLart": {artifact("https://idp.test/metadata", 0)}, "RelayState": {out.RelayState}}.Encode(), nil)
		if _, err = sp.Bring(r, out); err == nil {
			t.Fatal("accepted")
		}
		refusal(t, err)
	})
}
