// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

// Person is whom the identity provider vouches for.
type Person struct {
	NameID     saml.NameID
	Attributes []saml.Attribute
}

// Alice is a person with an e-mail address as NameID.
func Alice() Person {
	return Person{
		NameID: saml.NameID{Value: "alice@example.test", Format: saml.NameIDEmail},
		Attributes: []saml.Attribute{
			{Name: "mail", Format: saml.AttrBasic, Values: []string{"alice@example.test"}},
			{Name: "groups", Format: saml.AttrBasic, Values: []string{"staff", "admins"}},
		},
	}
}

// IdP is an identity provider that answers as it is told. It is safe for
// concurrent use once its fields are set.
type IdP struct {
	EntityID, SSO, SLO string
	Key                saml.KeyPair
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	tb testing.TB
}

// NewIdP returns an identity provider named https://idp.test/metadata. In an
// Example, which has no testing.TB, it is nil: what would end the test panics.
func NewIdP(tb testing.TB) *IdP {
	return &IdP{EntityID: "https://idp.test/metadata", SSO: "https://idp.test/sso", SLO: "https://idp.test/slo", Key: Key(), tb: tb}
}

func (i *IdP) helper() {
	if i.tb != nil {
		i.tb.Helper()
	}
}

func (i *IdP) fatal(err error) {
	if i.tb == nil {
		panic(err)
	}
	i.tb.Helper()
	i.tb.Fatal(err)
}

func (i *IdP) now() time.Time {
	if i.Now != nil {
		return i.Now()
	}
	return time.Now()
}

// Entity returns its metadata, for a saml.Connection.
func (i *IdP) Entity() *saml.Entity {
	return &saml.Entity{EntityID: i.EntityID, IdP: &saml.IdPRole{
		Keys: []saml.Key{{Use: "signing", Certificate: i.Key.Certificate, PublicKey: i.Key.Certificate.PublicKey}},
		SSO:  []saml.Endpoint{{Binding: saml.BindingRedirect, Location: i.SSO}, {Binding: saml.BindingPOST, Location: i.SSO}},
		SLO:  []saml.Endpoint{{Binding: saml.BindingRedirect, Location: i.SLO}, {Binding: saml.BindingPOST, Location: i.SLO}},
	}}
}

// Metadata returns its metadata as XML.
func (i *IdP) Metadata() []byte {
	i.helper()
	b, err := i.Entity().Marshal()
	if err != nil {
		i.fatal(err)
	}
	return b
}

// Forge returns a correct Response to the login, to be spoilt and sent by
// Form. login nil makes an unsolicited one for the connection.
func (i *IdP) Forge(c *saml.Connection, login *saml.Outgoing, p Person) *Forge {
	now := i.now()
	f := &Forge{
		ID: newID("r"), Destination: c.ACS, Issuer: i.EntityID, Version: "2.0", IssueInstant: now, Status: saml.StatusSuccess,
		AssertionID: newID("a"), AssertionIssuer: i.EntityID, AssertionVersion: "2.0", NameID: p.NameID,
		Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer", Recipient: c.ACS, ConfirmUntil: now.Add(5 * time.Minute),
		NotBefore: now.Add(-time.Minute), NotOnOrAfter: now.Add(5 * time.Minute), Audiences: [][]string{{c.EntityID}},
		AuthnInstant: now, SessionIndex: newID("s"), AuthnContext: saml.ContextPasswordProtected, Attributes: p.Attributes,
		SignAssertion: true, SignResponse: true, Key: i.Key,
	}
	if login != nil {
		f.InResponseTo, f.ConfirmInResponseTo, f.RelayState = login.ID, login.ID, login.RelayState
	}
	return f
}

// Answer returns the form that the browser posts to the assertion consumer
// service, broken as told.
func (i *IdP) Answer(c *saml.Connection, login *saml.Outgoing, p Person, breaks ...Break) url.Values {
	i.helper()
	f := i.Forge(c, login, p)
	for _, b := range breaks {
		b.apply(f)
	}
	form, err := f.Form()
	if err != nil {
		i.fatal(err)
	}
	return form
}

// Login reads the AuthnRequest in the address to which an application's login
// redirected, unverified, for tests that know no more of the application: what
// it returns is for Answer and Forge, and ACS is where the form is posted. It
// fails the test if the request names no assertion consumer service.
func (i *IdP) Login(location string) (*saml.Connection, *saml.Outgoing) {
	i.helper()
	c, login, err := readLogin(location)
	if err != nil {
		i.fatal(fmt.Errorf("samltest: the login at %q: %w", location, err))
	}
	return c, login
}

func readLogin(location string) (*saml.Connection, *saml.Outgoing, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, nil, err
	}
	z, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		return nil, nil, err
	}
	var req struct {
		ID     string `xml:",attr"`
		ACS    string `xml:"AssertionConsumerServiceURL,attr"`
		Issuer string
	}
	if err := xml.NewDecoder(io.LimitReader(flate.NewReader(bytes.NewReader(z)), 1<<20)).Decode(&req); err != nil {
		return nil, nil, err
	}
	if req.ID == "" || req.ACS == "" || req.Issuer == "" {
		return nil, nil, errors.New("no ID, AssertionConsumerServiceURL or Issuer")
	}
	return &saml.Connection{EntityID: req.Issuer, ACS: req.ACS}, &saml.Outgoing{ID: req.ID, RelayState: u.Query().Get("RelayState")}, nil
}

// Decode returns the XML of a SAMLResponse or SAMLRequest that came by POST.
func Decode(value string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(value)
	return string(b), err
}
