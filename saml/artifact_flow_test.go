// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
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

const (
	idpArtifact = "https://idp.test/artifact"
	spArtifact  = "https://sp.test/artifact"
)

// artifacts is both roles with their resolution services and the network
// between them.
type artifacts struct {
	idp     *saml.IdentityProvider
	sp      *samltest.SP
	peer    *saml.Peer
	peers   saml.PeerList
	now     time.Time
	answer  func(x string) string // edits what the services answer
	refused []saml.Check
}

func newArtifacts(t *testing.T) *artifacts {
	t.Helper()
	f := &artifacts{peer: &saml.Peer{}, now: time.Now()}
	refused := func(_ context.Context, e saml.Event) {
		if e.Type == saml.EventRefused {
			f.refused = append(f.refused, e.Check)
		}
	}
	now := func() time.Time { return f.now }
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		switch r.URL.String() {
		case idpArtifact:
			f.idp.ArtifactResolution().ServeHTTP(w, r)
		case spArtifact:
			f.sp.ArtifactResolution(spArtifact).ServeHTTP(w, r)
		default:
			return nil, errors.New("no such service")
		}
		if f.answer != nil && w.Code == http.StatusOK {
			x := f.answer(w.Body.String())
			w.Body.Reset()
			w.Body.WriteString(x)
		}
		return w.Result(), nil
	})}
	f.idp = newIdP(t, func(c *saml.IdPConfig) {
		f.peers = saml.PeerList{f.peer}
		c.Artifact, c.Client, c.OnEvent, c.Now, c.Peers = idpArtifact, client, refused, now, &f.peers
	})
	f.sp = samltest.NewSP(t, f.idp.Entity(), func(cfg *saml.SPConfig, c *saml.Connection) {
		c.Artifact, cfg.Client, cfg.OnEvent, cfg.Now = spArtifact, client, refused, now
	})
	f.peer.Entity = f.sp.Entity()
	return f
}

// login runs a login whose person the identity provider lets in, or not.
func (f *artifacts) login(t *testing.T, o saml.LoginOptions, fail bool) (*saml.Outgoing, *saml.Assertion, error) {
	t.Helper()
	out := f.sp.Start(o)
	req, err := f.idp.ParseRequest(samltest.Request(out))
	if err != nil {
		return nil, nil, err
	}
	if o.Binding == saml.BindingArtifact && (!req.Signed || out.Field != "SAMLart") {
		t.Errorf("%+v %+v", req, out)
	}
	rp := identity(req)
	rp.AuthnInstant = f.now
	respond := func() (*saml.Outgoing, error) { return f.idp.Respond(t.Context(), rp) }
	if fail {
		respond = func() (*saml.Outgoing, error) {
			return f.idp.Fail(t.Context(), req, saml.Status{SubCode: saml.StatusRequestDenied})
		}
	}
	answer, err := respond()
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.sp.Bring(samltest.Request(answer), out)
	return answer, a, err
}

func TestArtifactFlows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		login    saml.LoginOptions
		change   func(f *artifacts)
		artifact bool // the Response comes by one
	}{
		{name: "request", login: saml.LoginOptions{Binding: saml.BindingArtifact}},
		{name: "request, signed inside too", login: saml.LoginOptions{Binding: saml.BindingArtifact}, change: func(f *artifacts) { f.sp.Connection.Policy.SignRequests = true }},
		{name: "response", login: saml.LoginOptions{ByArtifact: true}, artifact: true},
		{name: "both", login: saml.LoginOptions{Binding: saml.BindingArtifact, ByArtifact: true}, artifact: true},
		{name: "response by index", login: saml.LoginOptions{ByArtifact: true, ACSIndex: 2}, artifact: true},
		{name: "response, assertion signed only", login: saml.LoginOptions{ByArtifact: true}, artifact: true, change: func(f *artifacts) { f.peer.Sign = saml.SignAssertion }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newArtifacts(t)
			if tt.change != nil {
				tt.change(f)
			}
			answer, a, err := f.login(t, tt.login, false)
			if err != nil {
				t.Fatal(err)
			}
			if a.NameID.Value != "alice@example.test" || a.ID != answer.AssertionID || (answer.Field == "SAMLart") != tt.artifact {
				t.Errorf("%+v %+v", a, answer)
			}
		})
	}
	f := newArtifacts(t)
	_, _, err := f.login(t, saml.LoginOptions{ByArtifact: true}, true)
	e, ok := errors.AsType[*saml.Error](err)
	if !ok || e.Check != saml.CheckStatus || e.Status.SubCode != saml.StatusRequestDenied {
		t.Errorf("a failure by artifact: %v", err)
	}
}

// TestArtifactDefault: metadata's default endpoint decides where a Response
// goes that nobody asked for.
func TestArtifactDefault(t *testing.T) {
	t.Parallel()
	f := newArtifacts(t)
	rp := identity(nil)
	rp.SP, rp.AuthnInstant = f.peer.Entity.EntityID, f.now
	for _, want := range []string{"SAMLResponse", "SAMLart"} {
		out, err := f.idp.Respond(t.Context(), rp)
		if err != nil || out.Field != want {
			t.Errorf("%+v %v, want %s", out, err, want)
		}
		f.peer.Entity.SP.ACS[0].Default, f.peer.Entity.SP.ACS[1].Default = false, true
	}
	// Without a resolution service there is nothing to offer.
	plain := newIdP(t, nil, f.peer)
	if out, err := plain.Respond(t.Context(), rp); err != nil || out.Field != "SAMLResponse" {
		t.Errorf("%+v %v", out, err)
	}
	if es := plain.Entity().IdP; len(es.Artifact) != 0 || len(es.SSO) != 2 {
		t.Errorf("%+v", es)
	}
	if es := f.idp.Entity().IdP; len(es.Artifact) != 1 || len(es.SSO) != 3 {
		t.Errorf("%+v", es)
	}
}

// TestArtifactRequests is the attack table of AuthnRequests by artifact.
func TestArtifactRequests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(x string) string
		change func(f *artifacts)
		send   func(v url.Values)
		want   saml.Check
	}{
		{name: "control"},
		{name: "control: no RelayState", send: func(v url.Values) { v.Del("RelayState") }},
		{name: "unsigned answer", answer: func(x string) string { return strings.Replace(x, sigRE.FindString(x), "", 1) }, want: saml.CheckUnsigned},
		{name: "request of another issuer", want: saml.CheckIssuer, answer: func(x string) string {
			x = replace("https://sp.test/metadata</saml:Issuer><samlp:NameID", "https://other-sp.test/metadata</saml:Issuer><samlp:NameID")(sigRE.ReplaceAllString(x, ""))
			return envelope(sign(t, messageRE.FindString(x), samltest.SPKey()))
		}},
		{name: "another message", want: saml.CheckStructure, answer: func(x string) string {
			x = strings.ReplaceAll(sigRE.ReplaceAllString(x, ""), "samlp:AuthnRequest", "samlp:LogoutRequest")
			return envelope(sign(t, messageRE.FindString(x), samltest.SPKey()))
		}},
		{name: "a signature inside that does not hold", want: saml.CheckSignature, answer: func(x string) string {
			x = sigRE.ReplaceAllString(x, "")
			inner := requestRE.FindString(x)
			bad := strings.Replace(sign(t, inner, samltest.SPKey()), "Version=", `ForceAuthn="true" Version=`, 1)
			return envelope(sign(t, messageRE.FindString(strings.Replace(x, inner, bad, 1)), samltest.SPKey()))
		}},
		{name: "changed answer", answer: replace("https://sp.test/acs", "https://evil.test/acs"), want: saml.CheckSignature},
		{name: "answer to another question", answer: replace(`InResponseTo="`, `InResponseTo="x`), want: saml.CheckInResponseTo},
		{name: "unknown service provider", send: func(v url.Values) { v.Set("SAMLart", artifact("https://evil.test", 0)) }, want: saml.CheckPeer},
		{name: "unknown message", send: func(v url.Values) { v.Set("SAMLart", artifact("https://sp.test/metadata", 0)) }, want: saml.CheckRequest},
		{name: "unknown endpoint", send: func(v url.Values) { v.Set("SAMLart", artifact("https://sp.test/metadata", 7)) }, want: saml.CheckBinding},
		{name: "two artifacts", send: func(v url.Values) { v.Add("SAMLart", v.Get("SAMLart")) }, want: saml.CheckInput},
		{name: "an artifact and a message", send: func(v url.Values) { v.Set("SAMLRequest", "x") }, want: saml.CheckInput},
		{name: "not an artifact", send: func(v url.Values) { v.Set("SAMLart", "AAQAAA==") }, want: saml.CheckInput},
		{name: "a service that does not answer", change: func(f *artifacts) { f.peer.Entity.SP.Artifact[0].Location = "https://sp.test/gone" }, want: saml.CheckFetch},
		{name: "metadata that ended", change: func(f *artifacts) { f.peer.Entity.ValidUntil = f.now }, want: saml.CheckExpired},
		{name: "after its time", change: func(f *artifacts) { f.now = f.now.Add(2 * time.Minute) }, want: saml.CheckRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newArtifacts(t)
			f.answer = tt.answer
			out := f.sp.Start(saml.LoginOptions{Binding: saml.BindingArtifact, NameIDPolicy: &saml.NameIDPolicy{Format: saml.NameIDEmail}})
			if tt.change != nil {
				tt.change(f)
			}
			v := samltest.Form(out)
			if tt.send != nil {
				tt.send(v)
			}
			r := httptest.NewRequest(http.MethodGet, "https://idp.test/sso?"+v.Encode(), nil)
			if _, err := f.idp.ParseRequest(r); saml.CheckOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("refused by %q, want %q: %v", saml.CheckOf(err), tt.want, err)
			}
			if tt.want != "" {
				return
			}
			if _, err := f.idp.ParseRequest(formRequest(v)); saml.CheckOf(err) != saml.CheckRequest {
				t.Errorf("the artifact again: %v", err)
			}
		})
	}
	f := newArtifacts(t)
	plain := newIdP(t, nil, f.peer)
	if _, err := plain.ParseRequest(samltest.Request(f.sp.Start(saml.LoginOptions{Binding: saml.BindingArtifact}))); saml.CheckOf(err) != saml.CheckBinding {
		t.Errorf("an identity provider that offers no artifacts: %v", err)
	}
	f.sp.Connection.Artifact = ""
	if _, err := f.sp.Login(t.Context(), "c1", saml.LoginOptions{Binding: saml.BindingArtifact}); saml.CheckOf(err) != saml.CheckConfig {
		t.Errorf("a service provider without a resolution service: %v", err)
	}
}

// TestArtifactResolution asks both services for a message, rightly and wrongly.
// Who is not known or did not sign is refused; who is, but is not the one that
// the artifact was made for, gets an empty answer.
func TestArtifactResolution(t *testing.T) {
	t.Parallel()
	const otherSP, otherIdP = "https://other-sp.test/metadata", "https://other-idp.test/metadata"
	stranger := func(x string) string {
		return strings.NewReplacer("https://sp.test/metadata<", otherSP+"<", "https://idp.test/metadata<", otherIdP+"<").Replace(x)
	}
	for _, tt := range []struct {
		name string
		edit func(x string) string // before signing
		send func(x string) string
		key  func(own saml.KeyPair) saml.KeyPair
		ct   string
		at   string
		late time.Duration
		want saml.Check
		none bool // the answer is empty
		same bool // the stranger has the service provider's connection now
	}{
		{name: "control"},
		{name: "control: no Destination", edit: func(x string) string { return strings.Replace(x, ` Destination="`, ` Consent="`, 1) }},
		{name: "unsigned", send: func(x string) string { return sigRE.ReplaceAllString(x, "") }, want: saml.CheckUnsigned},
		{name: "signed by a stranger", key: func(saml.KeyPair) saml.KeyPair { return samltest.ECKey() }, want: saml.CheckSignature},
		{name: "changed", send: replace(`Version="2.0"`, `Consent="x" Version="2.0"`), want: saml.CheckSignature},
		{name: "another destination", edit: replace(`Destination="`, `Destination="https://evil.test/`), want: saml.CheckDestination},
		{name: "old", edit: func(x string) string { return issueYear.ReplaceAllString(x, `IssueInstant="2020-`) }, want: saml.CheckIssueInstant},
		{name: "another message", edit: func(x string) string { return strings.ReplaceAll(x, "samlp:ArtifactResolve", "samlp:ArtifactQuery") }, want: saml.CheckStructure},
		{name: "document type", send: func(x string) string { return "<!DOCTYPE x>" + x }, want: saml.CheckXML},
		{name: "a form", ct: "application/x-www-form-urlencoded", want: saml.CheckInput},
		{name: "an artifact of nobody", edit: func(x string) string { return artifactRE.ReplaceAllString(x, ">"+artifact("https://x.test", 0)+"<") }, none: true},
		{name: "no artifact", edit: func(x string) string { return artifactRE.ReplaceAllString(x, "><") }, none: true},
		{name: "after its time", late: 2 * time.Minute, none: true},
		{name: "somebody else", none: true, key: func(saml.KeyPair) saml.KeyPair { return samltest.OtherKey() }, edit: stranger},
		{name: "whose the connection is now", none: true, same: true, key: func(saml.KeyPair) saml.KeyPair { return samltest.OtherKey() }, edit: stranger},
	} {
		for _, role := range []string{"SP", "IdP"} {
			t.Run(role+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				f := newArtifacts(t)
				stranger := samltest.OtherKey().Certificate
				keys := []saml.Key{{Use: "signing", Certificate: stranger, PublicKey: stranger.PublicKey}}
				f.peers = append(f.peers, &saml.Peer{Entity: &saml.Entity{EntityID: otherSP, SP: &saml.SPRole{Keys: keys}}})
				two := *f.sp.Connection
				if !tt.same {
					two.ID = "c2"
				}
				two.IdP = &saml.Entity{EntityID: otherIdP, IdP: &saml.IdPRole{Keys: keys}}
				// The artifact, who may ask for it, where, and with which key.
				out := f.sp.Start(saml.LoginOptions{Binding: saml.BindingArtifact})
				issuer, at, own := "https://idp.test/metadata", spArtifact, samltest.Key()
				handler := serviceOf(t, f, f.sp.Connection, &two).ArtifactResolution(spArtifact)
				if role == "IdP" {
					req, err := f.idp.ParseRequest(samltest.Request(f.sp.Start(saml.LoginOptions{ByArtifact: true})))
					if err != nil {
						t.Fatal(err)
					}
					if out, err = f.idp.Respond(t.Context(), identity(req)); err != nil {
						t.Fatal(err)
					}
					issuer, at, own, handler = "https://sp.test/metadata", idpArtifact, samltest.SPKey(), f.idp.ArtifactResolution()
				}
				x := `<samlp:ArtifactResolve xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Destination="` + at + `" ID="_q" IssueInstant="` +
					f.now.UTC().Format(time.RFC3339) + `" Version="2.0"><saml:Issuer ` + assertNS + `>` + issuer + `</saml:Issuer><samlp:Artifact>` + out.Value + `</samlp:Artifact></samlp:ArtifactResolve>`
				if tt.edit != nil {
					x = tt.edit(x)
				}
				if tt.key != nil {
					own = tt.key(own)
				}
				x = envelope(sign(t, x, own))
				if tt.send != nil {
					x = tt.send(x)
				}
				f.now = f.now.Add(tt.late)
				f.refused = nil
				ask := func() string {
					r := httptest.NewRequest(http.MethodPost, at, strings.NewReader(x))
					r.Header.Set("Content-Type", "text/xml; charset=utf-8")
					if tt.ct != "" {
						r.Header.Set("Content-Type", tt.ct)
					}
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, r)
					if (w.Code == http.StatusOK) != (tt.want == "") {
						t.Errorf("answered %d %q", w.Code, w.Body)
					}
					return w.Body.String()
				}
				body := ask()
				if tt.want != "" {
					if len(f.refused) != 1 || f.refused[0] != tt.want {
						t.Errorf("refused by %q, want %q", f.refused, tt.want)
					}
					return
				}
				holds := func(s string) bool {
					return strings.Contains(s, "<samlp:AuthnRequest") || strings.Contains(s, "<samlp:Response")
				}
				if holds(body) == tt.none || !strings.Contains(body, `InResponseTo="_q"`) || !strings.Contains(body, saml.StatusSuccess) {
					t.Errorf("answered %s", body)
				}
				if again := ask(); holds(again) {
					t.Errorf("a second answer %s", again)
				}
			})
		}
	}
}

// serviceOf is the service provider with more connections.
func serviceOf(t *testing.T, f *artifacts, cs ...*saml.Connection) *saml.ServiceProvider {
	t.Helper()
	s, err := saml.NewServiceProvider(saml.SPConfig{
		Connections: saml.ConnectionList(cs), Store: f.sp.Store, Keys: []saml.KeyPair{samltest.SPKey()}, Now: func() time.Time { return f.now },
		OnEvent: func(_ context.Context, e saml.Event) { f.refused = append(f.refused, e.Check) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestArtifactAtAnotherEndpoint: a service provider's resolution services are
// as apart as its other endpoints.
func TestArtifactAtAnotherEndpoint(t *testing.T) {
	t.Parallel()
	f := newArtifacts(t)
	out := f.sp.Start(saml.LoginOptions{Binding: saml.BindingArtifact})
	two := *f.sp.Connection
	two.ID, two.Artifact = "c2", "https://sp.test/b/artifact"
	handler := serviceOf(t, f, f.sp.Connection, &two)
	x := envelope(sign(t, `<samlp:ArtifactResolve xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_q" IssueInstant="`+f.now.UTC().Format(time.RFC3339)+
		`" Version="2.0"><saml:Issuer `+assertNS+`>https://idp.test/metadata</saml:Issuer><samlp:Artifact>`+out.Value+`</samlp:Artifact></samlp:ArtifactResolve>`, samltest.Key()))
	for _, tt := range []struct {
		at   string
		code int
		want saml.Check
	}{{"https://sp.test/c/artifact", http.StatusForbidden, saml.CheckConnection}, {two.Artifact, http.StatusOK, ""}} {
		f.refused = nil
		r := httptest.NewRequest(http.MethodPost, tt.at, strings.NewReader(x))
		r.Header.Set("Content-Type", "text/xml")
		w := httptest.NewRecorder()
		handler.ArtifactResolution(tt.at).ServeHTTP(w, r)
		if w.Code != tt.code || strings.Contains(w.Body.String(), "AuthnRequest") || tt.want != "" && (len(f.refused) != 1 || f.refused[0] != tt.want) {
			t.Errorf("%s: %d %s, refused %q", tt.at, w.Code, w.Body, f.refused)
		}
	}
}
