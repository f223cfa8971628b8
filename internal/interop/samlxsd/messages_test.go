// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samlxsd_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// message is one that was sent. By SOAP it is the whole envelope.
type message struct {
	xml string
	key saml.KeyPair // the sender's
	// signatures that are to be in it.
	signatures int
	// redirect is the address by which it went, if it did.
	redirect string
}

// conversation is both roles, what they said to each other, and the network
// between them.
type conversation struct {
	t        *testing.T
	binding  string
	idp      *saml.IdentityProvider
	sp       *samltest.SP
	peer     *saml.Peer
	messages map[string]message
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// converse sets both roles up so that they use the binding: requests,
// Responses and logout. The back channel goes with artifacts.
func converse(t *testing.T, binding string, messages map[string]message) *conversation {
	t.Helper()
	c := &conversation{t: t, binding: binding, peer: &saml.Peer{}, messages: messages}
	client := &http.Client{Transport: roundTrip(c.soap)}
	st := saml.NewMemoryStore(1000)
	cfg := saml.IdPConfig{
		EntityID: "https://idp.test/metadata", SSO: "https://idp.test/sso", SLO: "https://idp.test/slo", SLOSOAP: "https://idp.test/soap", Artifact: "https://idp.test/artifact",
		Keys: []saml.KeyPair{samltest.Key(), samltest.ECKey()}, Peers: &saml.PeerList{c.peer}, Store: st, Participants: st, Client: client,
		NameIDFormats: []string{saml.NameIDPersistent}, Organization: organization, Contacts: contacts, UI: ui,
	}
	var err error
	if c.idp, err = saml.NewIdentityProvider(cfg); err != nil {
		t.Fatal(err)
	}
	entity := c.idp.Entity()
	entity.IdP.SLO = by(entity.IdP.SLO, binding)
	c.sp = samltest.NewSP(t, entity, func(cfg *saml.SPConfig, conn *saml.Connection) {
		conn.Policy.SignRequests, conn.Artifact, cfg.Client = true, "https://sp.test/artifact", client
		cfg.Organization, cfg.Contacts, cfg.UI = organization, contacts, ui
	})
	c.peer.Entity = c.sp.Entity()
	c.peer.Entity.SP.SLO = by(c.peer.Entity.SP.SLO, binding)
	return c
}

var (
	organization = &saml.Organization{
		Names: []saml.Localized{{Text: "E"}}, DisplayNames: []saml.Localized{{Text: "E"}}, URLs: []saml.Localized{{Text: "https://e.test"}},
	}
	contacts = []saml.Contact{{Type: "support", Company: "E", GivenName: "A", SurName: "B", Emails: []string{"mailto:a@e.test"}, Phones: []string{"1"}}}
	ui       = &saml.UIInfo{
		DisplayNames: []saml.Localized{{Text: "E"}}, Descriptions: []saml.Localized{{Text: "D"}}, InformationURLs: []saml.Localized{{Text: "https://e.test"}},
		PrivacyURLs: []saml.Localized{{Text: "https://e.test"}}, Logos: []saml.Logo{{URL: "https://e.test/l.png", Width: 1, Height: 2, Lang: "en"}},
	}
	everything = saml.LoginOptions{
		ForceAuthn: true, Context: &saml.RequestedContext{ClassRefs: []string{saml.ContextPasswordProtected}, Comparison: "exact"},
		NameIDPolicy: &saml.NameIDPolicy{Format: saml.NameIDEmail, AllowCreate: true}, Subject: &saml.NameID{Value: "alice@example.test"},
		Extensions: []byte(`<x:a xmlns:x="urn:x"/>`), Scoping: []string{"https://idp.test/metadata"}, AttributeService: 2, ProviderName: "P",
	}
)

// by leaves the endpoints of the binding; artifacts have logout by SOAP.
func by(es []saml.Endpoint, binding string) []saml.Endpoint {
	if binding == saml.BindingArtifact {
		binding = saml.BindingSOAP
	}
	var out []saml.Endpoint
	for _, e := range es {
		if e.Binding == binding {
			out = append(out, e)
		}
	}
	return out
}

var soapName = regexp.MustCompile(`Body><samlp:([A-Za-z]+)`)

// soap is the network of the back channel.
func (c *conversation) soap(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	asker, answerer := samltest.SPKey(), samltest.Key()
	if strings.HasPrefix(r.URL.Host, "sp.") {
		asker, answerer = answerer, asker
	}
	w := httptest.NewRecorder()
	switch r.URL.String() {
	case "https://idp.test/artifact":
		c.idp.ArtifactResolution().ServeHTTP(w, r)
	case "https://sp.test/artifact":
		c.sp.ArtifactResolution("https://sp.test/artifact").ServeHTTP(w, r)
	case "https://idp.test/soap":
		res, err := c.idp.HandleLogout(r, func(context.Context, []string) error { return nil })
		if err != nil {
			return nil, err
		}
		res.ServeHTTP(w, r)
	case "https://sp.test/slo-soap":
		res, err := c.sp.HandleLogout(r, func(context.Context, saml.LogoutNotice) error { return nil })
		if err != nil {
			return nil, err
		}
		res.ServeHTTP(w, r)
	default:
		return nil, errors.New("nothing at " + r.URL.String())
	}
	c.spoken(string(body), asker, r.URL.Host)
	c.spoken(w.Body.String(), answerer, r.URL.Host)
	return w.Result(), nil
}

// spoken keeps an envelope.
func (c *conversation) spoken(envelope string, key saml.KeyPair, host string) {
	name := soapName.FindStringSubmatch(envelope)
	if name == nil {
		c.t.Errorf("no message in %s", envelope)
		return
	}
	m := message{xml: envelope, key: key, signatures: 1}
	if name[1] == "ArtifactResponse" { // and that of the message that it brings
		m.signatures++
	}
	c.messages[name[1]+" by SOAP at "+host] = m
}

// sent keeps a message that goes through the browser.
func (c *conversation) sent(name string, o *saml.Outgoing, key saml.KeyPair, signatures int) {
	c.t.Helper()
	if o == nil {
		c.t.Fatalf("there is no %s", name)
	}
	if o.Binding != c.binding && name != "Response" {
		c.t.Errorf("%s went by %s", name, o.Binding)
	}
	m := message{key: key, signatures: signatures, redirect: o.URL()}
	switch {
	case o.Field == "SAMLart":
		return
	case m.redirect != "":
		u, err := url.Parse(m.redirect)
		if err != nil {
			c.t.Fatal(err)
		}
		b, err := base64.StdEncoding.DecodeString(u.Query().Get(o.Field))
		if err != nil {
			c.t.Fatal(err)
		}
		if b, err = io.ReadAll(flate.NewReader(bytes.NewReader(b))); err != nil {
			c.t.Fatal(err)
		}
		m.xml, m.signatures = string(b), 0 // it is in the address
	default:
		x, err := samltest.Decode(o.Value)
		if err != nil {
			c.t.Fatal(err)
		}
		m.xml = x
	}
	c.messages[name+" by "+o.Binding[strings.LastIndex(o.Binding, ":")+1:]] = m
}

// login signs alice in and keeps the messages.
func (c *conversation) login(o saml.LoginOptions) *saml.Assertion {
	c.t.Helper()
	o.Binding, o.ByArtifact = c.binding, c.binding == saml.BindingArtifact
	out := c.sp.Start(o)
	c.sent("AuthnRequest", out, samltest.SPKey(), 1)
	req, err := c.idp.ParseRequest(samltest.Request(out))
	if err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.idp.Respond(c.t.Context(), alice(req))
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := c.sp.Bring(samltest.Request(answer), out)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func alice(req *saml.Request) saml.ResponseParams {
	return saml.ResponseParams{
		Request: req, NameID: samltest.Alice().NameID, AuthnInstant: time.Now(), AuthnContext: saml.ContextPasswordProtected, Session: "s",
		Attributes: samltest.Alice().Attributes, SessionNotOnOrAfter: time.Now().Add(time.Hour),
	}
}

// logout ends the session from both sides and keeps the messages.
func (c *conversation) logout() {
	c.t.Helper()
	all := func(context.Context, []string) error { return nil }
	soap := c.binding == saml.BindingArtifact
	start := c.login(everything).Logout()
	if soap {
		if res, err := c.sp.LogoutSOAP(c.t.Context(), start); err != nil || !res.Status.OK() {
			c.t.Fatalf("%+v, %v", res, err)
		}
	} else {
		out, err := c.sp.Logout(c.t.Context(), start)
		if err != nil {
			c.t.Fatal(err)
		}
		c.sent("LogoutRequest of the service provider", out, samltest.SPKey(), 1)
		res, err := c.idp.HandleLogout(samltest.Request(out), all)
		if err != nil {
			c.t.Fatal(err)
		}
		c.sent("LogoutResponse of the identity provider", res.Reply, samltest.Key(), 1)
	}
	c.login(saml.LoginOptions{})
	res, err := c.idp.Logout(c.t.Context(), "s", "")
	if err != nil || soap != (res.Reply == nil) {
		c.t.Fatalf("%+v, %v", res, err)
	}
	if soap {
		return
	}
	c.sent("LogoutRequest of the identity provider", res.Reply, samltest.Key(), 1)
	res, err = c.sp.HandleLogout(samltest.Request(res.Reply), func(context.Context, saml.LogoutNotice) error { return nil })
	if err != nil {
		c.t.Fatal(err)
	}
	c.sent("LogoutResponse of the service provider", res.Reply, samltest.SPKey(), 1)
}

// responses keeps one of each kind.
func (c *conversation) responses() {
	c.t.Helper()
	for _, tt := range []struct {
		name       string
		clear      bool
		sign       saml.Signed
		signatures int
	}{
		{"Response, encrypted", false, saml.SignBoth, 1},
		{"Response, in clear", true, saml.SignBoth, 2},
		{"Response, assertion signed", true, saml.SignAssertion, 1},
		{"Response, response signed", true, saml.SignResponse, 1},
	} {
		c.peer.NoEncryption, c.peer.Sign = tt.clear, tt.sign
		answer, err := c.idp.Respond(c.t.Context(), alice(c.request()))
		if err != nil {
			c.t.Fatal(err)
		}
		c.sent(tt.name, answer, samltest.Key(), tt.signatures)
	}
	failed, err := c.idp.Fail(c.t.Context(), c.request(), saml.Status{SubCode: saml.StatusNoPassive, Message: "no"})
	if err != nil {
		c.t.Fatal(err)
	}
	c.sent("Response, an error", failed, samltest.Key(), 1)
	c.peer.NoEncryption, c.peer.Sign = false, saml.SignBoth
}

func (c *conversation) request() *saml.Request {
	c.t.Helper()
	req, err := c.idp.ParseRequest(samltest.Request(c.sp.Start(saml.LoginOptions{})))
	if err != nil {
		c.t.Fatal(err)
	}
	return req
}

// metadata keeps both roles'.
func (c *conversation) metadata() {
	c.t.Helper()
	sp := c.sp.Entity()
	sp.SP.Services = []saml.AttributeService{{Index: 1, Default: true, Names: []saml.Localized{{Text: "All"}}, Requested: []saml.RequestedAttribute{
		{Attribute: saml.Attribute{Name: "mail", FriendlyName: "m", Format: saml.AttrBasic, Values: []string{"x"}}, Required: true},
	}}}
	sp.Attributes = saml.Attributes{{Name: "urn:x", Format: saml.AttrURI, Values: []string{"y"}}}
	rich, err := sp.Sign(samltest.SPKey())
	if err != nil {
		c.t.Fatal(err)
	}
	plain, err := c.sp.Metadata(c.t.Context(), c.sp.Connection.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	idp, err := c.idp.Metadata()
	if err != nil {
		c.t.Fatal(err)
	}
	c.messages["SP metadata"] = message{xml: string(plain), key: samltest.SPKey(), signatures: 1}
	c.messages["SP metadata, all of it"] = message{xml: string(rich), key: samltest.SPKey(), signatures: 1}
	c.messages["IdP metadata"] = message{xml: string(idp), key: samltest.Key(), signatures: 1}
}

// messages are one of each that either role sends, by name.
func messages(t *testing.T) map[string]message {
	t.Helper()
	out := map[string]message{}
	for _, binding := range []string{saml.BindingRedirect, saml.BindingPOST, saml.BindingArtifact} {
		c := converse(t, binding, out)
		c.logout()
		if binding == saml.BindingPOST {
			c.responses()
			c.metadata()
		}
	}
	for _, want := range []string{
		"AuthnRequest by HTTP-Redirect", "AuthnRequest by HTTP-POST",
		"LogoutRequest of the service provider by HTTP-Redirect", "LogoutResponse of the identity provider by HTTP-Redirect",
		"LogoutRequest of the identity provider by HTTP-POST", "LogoutResponse of the service provider by HTTP-POST",
		"ArtifactResolve by SOAP at sp.test", "ArtifactResponse by SOAP at sp.test", "ArtifactResolve by SOAP at idp.test", "ArtifactResponse by SOAP at idp.test",
		"LogoutRequest by SOAP at sp.test", "LogoutResponse by SOAP at sp.test", "LogoutRequest by SOAP at idp.test", "LogoutResponse by SOAP at idp.test",
		"Response, encrypted by HTTP-POST", "SP metadata", "IdP metadata",
	} {
		if out[want].xml == "" {
			t.Errorf("nobody sent: %s", want)
		}
	}
	return out
}
