// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmlenc"
)

const timeLayout = "2006-01-02T15:04:05.000Z"

// Forge is a Response to be made, right or wrong. [IdP.Forge] fills it in with
// what a correct answer has; a test changes fields and calls Form.
type Forge struct {
	ID, Destination, InResponseTo, Issuer, Version string
	IssueInstant                                   time.Time
	Status, SubStatus                              string

	AssertionID, AssertionIssuer, AssertionVersion string
	NameID                                         saml.NameID
	Method, Recipient, ConfirmInResponseTo         string
	ConfirmUntil                                   time.Time
	NotBefore, NotOnOrAfter                        time.Time
	Audiences                                      [][]string // restrictions of audiences
	Conditions                                     string     // XML among the conditions
	AuthnInstant, SessionNotOnOrAfter              time.Time
	AuthnContext, SessionIndex                     string
	Attributes                                     []saml.Attribute

	SignAssertion, SignResponse bool
	// Key signs.
	Key saml.KeyPair
	// Algorithm is the signature algorithm's identifier; "" is the key's.
	Algorithm string
	// EncryptTo, if not nil, encrypts the assertion. Encryption, Transport and
	// Digest are algorithm identifiers; "" is AES-256-GCM by RSA-OAEP with
	// SHA-1.
	EncryptTo                     *x509.Certificate
	Encryption, Transport, Digest string
	// BeforeSigning edits the Assertion, AfterSigning the signed one, and
	// Finally the whole Response.
	BeforeSigning, AfterSigning, Finally func(xml string) string
	// RelayState goes along.
	RelayState string
}

// XML returns the Response.
func (f *Forge) XML() (string, error) {
	a, err := f.assertion()
	if err != nil {
		return "", err
	}
	if f.EncryptTo != nil {
		data, err := xmlenc.Encrypt([]byte(a), xmlenc.EncryptOptions{
			Certificate: f.EncryptTo, Algorithm: f.Encryption, Transport: f.Transport, Digest: f.Digest,
		})
		if err != nil {
			return "", err
		}
		a = `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">` + string(data) + `</saml:EncryptedAssertion>`
	}
	sub := ""
	if f.SubStatus != "" {
		sub = `<samlp:StatusCode Value="` + esc(f.SubStatus) + `"/>`
	}
	doc := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"` +
		attrs("ID", f.ID, "Version", f.Version, "IssueInstant", stamp(f.IssueInstant), "Destination", f.Destination, "InResponseTo", f.InResponseTo) + `>` +
		optional("saml:Issuer", f.Issuer) + `<samlp:Status><samlp:StatusCode Value="` + esc(f.Status) + `">` + sub + `</samlp:StatusCode></samlp:Status>` +
		a + `</samlp:Response>`
	if f.SignResponse {
		if doc, err = f.sign(doc); err != nil {
			return "", err
		}
	}
	if f.Finally != nil {
		doc = f.Finally(doc)
	}
	return doc, nil
}

func (f *Forge) assertion() (string, error) {
	if f.Status != saml.StatusSuccess {
		return "", nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"%s>%s`,
		attrs("ID", f.AssertionID, "Version", f.AssertionVersion, "IssueInstant", stamp(f.IssueInstant)), optional("saml:Issuer", f.AssertionIssuer))
	fmt.Fprintf(&b, `<saml:Subject><saml:NameID%s>%s</saml:NameID><saml:SubjectConfirmation Method="%s"><saml:SubjectConfirmationData%s/></saml:SubjectConfirmation></saml:Subject>`,
		attrs("Format", f.NameID.Format, "NameQualifier", f.NameID.NameQualifier, "SPNameQualifier", f.NameID.SPNameQualifier), esc(f.NameID.Value), esc(f.Method),
		attrs("Recipient", f.Recipient, "InResponseTo", f.ConfirmInResponseTo, "NotOnOrAfter", stamp(f.ConfirmUntil)))
	fmt.Fprintf(&b, `<saml:Conditions%s>`, attrs("NotBefore", stamp(f.NotBefore), "NotOnOrAfter", stamp(f.NotOnOrAfter)))
	for _, r := range f.Audiences {
		b.WriteString(`<saml:AudienceRestriction>`)
		for _, a := range r {
			b.WriteString(`<saml:Audience>` + esc(a) + `</saml:Audience>`)
		}
		b.WriteString(`</saml:AudienceRestriction>`)
	}
	fmt.Fprintf(&b, `%s</saml:Conditions><saml:AuthnStatement%s><saml:AuthnContext><saml:AuthnContextClassRef>%s</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`,
		f.Conditions, attrs("AuthnInstant", stamp(f.AuthnInstant), "SessionIndex", f.SessionIndex, "SessionNotOnOrAfter", stamp(f.SessionNotOnOrAfter)), esc(f.AuthnContext))
	if len(f.Attributes) > 0 {
		b.WriteString(`<saml:AttributeStatement>`)
		for _, a := range f.Attributes {
			fmt.Fprintf(&b, `<saml:Attribute%s>`, attrs("Name", a.Name, "NameFormat", a.Format, "FriendlyName", a.FriendlyName))
			for _, v := range a.Values {
				b.WriteString(`<saml:AttributeValue>` + esc(v) + `</saml:AttributeValue>`)
			}
			b.WriteString(`</saml:Attribute>`)
		}
		b.WriteString(`</saml:AttributeStatement>`)
	}
	b.WriteString(`</saml:Assertion>`)
	doc := b.String()
	if f.BeforeSigning != nil {
		doc = f.BeforeSigning(doc)
	}
	if f.SignAssertion {
		var err error
		if doc, err = f.sign(doc); err != nil {
			return "", err
		}
	}
	if f.AfterSigning != nil {
		doc = f.AfterSigning(doc)
	}
	return doc, nil
}

func (f *Forge) sign(doc string) (string, error) {
	b, err := dsig.Sign([]byte(doc), dsig.SignOptions{Signer: f.Key.Signer, Certificate: f.Key.Certificate, Algorithm: f.Algorithm})
	return string(b), err
}

// Form returns the form that the browser posts.
func (f *Forge) Form() (url.Values, error) {
	doc, err := f.XML()
	if err != nil {
		return nil, err
	}
	v := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(doc))}}
	if f.RelayState != "" {
		v.Set("RelayState", f.RelayState)
	}
	return v, nil
}

func attrs(kv ...string) string {
	var b strings.Builder
	for i := 0; i < len(kv); i += 2 {
		if kv[i+1] != "" {
			b.WriteString(` ` + kv[i] + `="` + esc(kv[i+1]) + `"`)
		}
	}
	return b.String()
}

func optional(name, text string) string {
	if text == "" {
		return ""
	}
	return "<" + name + ">" + esc(text) + "</" + name + ">"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

func esc(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a strings.Builder does not fail
	}
	return b.String()
}
