// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// verify checks the signatures of a Response by the provider's certificates
// and reads the claims from the octets that were digested. Response, Assertion
// or both may be signed; a signature that is there must be right.
func verify(doc []byte, p *idp) (*claims, *refusal) {
	raw, err := parse(doc)
	if err != nil {
		return nil, invalid("Invalid base64 SAMLResponse", "document: %v", err)
	}
	id, ref := frame(raw)
	if ref != nil {
		return nil, ref
	}
	response, whole, ref := signedElement(doc, p, "")
	if ref != nil {
		return nil, ref
	}
	if whole {
		if id, ref = frame(response); ref != nil {
			return nil, ref
		}
	} else {
		response = raw // nothing of it but status and Destination is read
	}
	assertion, own, ref := signedElement(doc, p, id)
	switch {
	case ref != nil:
		return nil, ref
	case !own && !whole:
		return nil, invalid("Response signature invalid", "neither Response nor Assertion is signed")
	case !own:
		assertion = response.child(nsAssertion, "Assertion")
	}
	return read(response, assertion)
}

// signedElement verifies the signature of the element with the ID, or of the
// root; there being none is no refusal.
func signedElement(doc []byte, p *idp, id string) (*element, bool, *refusal) {
	o := xmldsig.Options{ID: id}
	for _, c := range p.certs {
		o.Keys = append(o.Keys, xmldsig.Key{Certificate: c})
	}
	signed, err := xmldsig.Verify(doc, o)
	if err != nil {
		if e, ok := errors.AsType[*xmldsig.Error](err); ok && e.Check == xmldsig.CheckUnsigned {
			return nil, false, nil
		}
		return nil, false, invalid("Response signature invalid", "signature: %v", err)
	}
	e, err := parse(signed.XML())
	if err != nil {
		return nil, false, invalid("Response signature invalid", "signed octets: %v", err)
	}
	return e, true, nil
}

// frame finds the ID of the one assertion: a direct child of the Response, and
// no other assertion anywhere, signed or not.
func frame(r *element) (id string, _ *refusal) {
	if !r.is(nsProtocol, "Response") || r.attr("Version") != "2.0" {
		return "", invalid("Invalid SAMLResponse", "root is %s", r.name.Local)
	}
	if n := r.count(nsAssertion, "EncryptedAssertion"); n > 0 {
		return "", invalid("Unable to decrypt the SAML assertion", "%d encrypted assertions; the double has no key", n)
	}
	direct := r.all(nsAssertion, "Assertion")
	if len(direct) != 1 || r.count(nsAssertion, "Assertion") != 1 {
		// A failed sign-in has none.
		if code := r.child(nsProtocol, "Status").child(nsProtocol, "StatusCode").attr("Value"); len(direct) == 0 && code != statusSuccess && code != "" {
			return "", (&claims{statusCode: code}).conditions("", awsrole.Partition{}, time.Time{}, 0)
		}
		return "", invalid("Response must contain exactly one assertion", "%d assertions", r.count(nsAssertion, "Assertion"))
	}
	if id = direct[0].attr("ID"); id == "" || direct[0].attr("Version") != "2.0" {
		return "", invalid("Invalid SAMLResponse", "assertion without ID or of another version")
	}
	return id, nil
}

// reader collects the first error, so that read stays one list.
type reader struct{ err error }

func (r *reader) one(e *element, space, local string) *element {
	all := e.all(space, local)
	if len(all) > 1 && r.err == nil {
		r.err = fmt.Errorf("%d elements %s", len(all), local)
	}
	return e.child(space, local)
}

func (r *reader) text(e *element) string {
	if e != nil && len(e.children) > 0 && r.err == nil {
		r.err = fmt.Errorf("elements in %s", e.name.Local)
	}
	return e.value()
}

func (r *reader) time(e *element, attr string) time.Time {
	s := e.attr(attr)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse("2006-01-02T15:04:05.999999999Z", s)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%s %q is no UTC time", attr, s)
	}
	return t
}

func read(response, a *element) (*claims, *refusal) {
	var r reader
	subject := r.one(a, nsAssertion, "Subject")
	nameID := r.one(subject, nsAssertion, "NameID")
	conditions := r.one(a, nsAssertion, "Conditions")
	c := &claims{
		statusCode:   r.one(r.one(response, nsProtocol, "Status"), nsProtocol, "StatusCode").attr("Value"),
		destination:  response.attr("Destination"),
		issuer:       r.text(r.one(a, nsAssertion, "Issuer")),
		assertionID:  a.attr("ID"),
		issueInstant: r.time(a, "IssueInstant"),
		nameID:       r.text(nameID),
		nameFormat:   nameID.attr("Format"),
		notBefore:    r.time(conditions, "NotBefore"),
		notOnOrAfter: r.time(conditions, "NotOnOrAfter"),
	}
	if ri := r.one(response, nsAssertion, "Issuer"); ri != nil && r.text(ri) != c.issuer {
		return nil, invalid("Issuer not present in specified provider", "Response and Assertion differ in Issuer")
	}
	for _, sc := range subject.all(nsAssertion, "SubjectConfirmation") {
		data := r.one(sc, nsAssertion, "SubjectConfirmationData")
		c.confirmations = append(c.confirmations, confirmation{
			method: sc.attr("Method"), recipient: data.attr("Recipient"), inResponseTo: data.attr("InResponseTo"),
			notBefore: r.time(data, "NotBefore"), notOnOrAfter: r.time(data, "NotOnOrAfter"),
		})
	}
	c.readConditions(&r, conditions)
	for _, st := range a.all(nsAssertion, "AuthnStatement") {
		c.authnStatements++
		c.sessionNotOnOrAfter = r.time(st, "SessionNotOnOrAfter")
	}
	for _, st := range a.all(nsAssertion, "AttributeStatement") {
		for _, at := range st.all(nsAssertion, "Attribute") {
			out := awsrole.Attribute{Name: at.attr("Name")}
			for _, v := range at.all(nsAssertion, "AttributeValue") {
				out.Values = append(out.Values, r.text(v))
			}
			c.attributes = append(c.attributes, out)
		}
	}
	if r.err != nil {
		return nil, invalid("Invalid SAMLResponse", "%v", r.err)
	}
	return c, nil
}

func (c *claims) readConditions(r *reader, conditions *element) {
	if conditions == nil {
		return
	}
	for _, e := range conditions.children {
		switch {
		case e.is(nsAssertion, "AudienceRestriction"):
			var list []string
			for _, a := range e.all(nsAssertion, "Audience") {
				list = append(list, r.text(a))
			}
			c.audiences = append(c.audiences, list)
		case e.is(nsAssertion, "OneTimeUse"), e.is(nsAssertion, "ProxyRestriction"):
		default:
			c.unknown = e.name.Local
		}
	}
}
