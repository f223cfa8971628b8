// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

// Issuer makes assertions that the double takes, for tests of programs that
// exchange them and have no identity provider at hand.
type Issuer struct {
	entityID string
	key      *ecdsa.PrivateKey
	cert     *x509.Certificate
}

// NewIssuer returns an issuer with a new key.
func NewIssuer(entityID string) (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("ststest: %w", err)
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "ststest issuer"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("ststest: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("ststest: %w", err)
	}
	return &Issuer{entityID, key, cert}, nil
}

// Metadata is what a [Provider] holds.
func (i *Issuer) Metadata() []byte {
	var b strings.Builder
	b.WriteString(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + escape(i.entityID) + `">`)
	b.WriteString(`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing">`)
	b.WriteString(`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>` + base64.StdEncoding.EncodeToString(i.cert.Raw))
	b.WriteString(`</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>`)
	return []byte(b.String())
}

// Response returns the base64 of a Response issued at a time for one session,
// addressed to the partition-wide sign-in endpoint, with the person as NameID.
// Several roles may be offered besides the session's own.
func (i *Issuer) Response(person string, s awsrole.Session, at time.Time, more ...awsrole.RolePair) (string, error) {
	attrs, err := s.Attributes()
	if err != nil {
		return "", err
	}
	for _, p := range more {
		attrs[0].Values = append(attrs[0].Values, p.String())
	}
	partition, err := s.Role.Partition()
	if err != nil {
		return "", err
	}
	acs, err := partition.SignInURL("")
	if err != nil {
		return "", err
	}
	signed, err := xmldsig.Sign([]byte(i.assertion(person, partition.Audience, acs, attrs, at)), xmldsig.SignOptions{Signer: i.key, Certificate: i.cert})
	if err != nil {
		return "", fmt.Errorf("ststest: %w", err)
	}
	doc := fmt.Sprintf(`<samlp:Response xmlns:samlp="%s" ID="%s" Version="2.0" IssueInstant="%s" Destination="%s"><saml:Issuer xmlns:saml="%s">%s</saml:Issuer><samlp:Status><samlp:StatusCode Value="%s"/></samlp:Status>%s</samlp:Response>`,
		nsProtocol, newID(), stamp(at), acs, nsAssertion, escape(i.entityID), statusSuccess, signed)
	return base64.StdEncoding.EncodeToString([]byte(doc)), nil
}

func (i *Issuer) assertion(person, audience, acs string, attrs []awsrole.Attribute, at time.Time) string {
	var b strings.Builder
	end := stamp(at.Add(redeemWithin))
	fmt.Fprintf(&b, `<saml:Assertion xmlns:saml="%s" ID="%s" Version="2.0" IssueInstant="%s"><saml:Issuer>%s</saml:Issuer>`, nsAssertion, newID(), stamp(at), escape(i.entityID))
	fmt.Fprintf(&b, `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">%s</saml:NameID>`, escape(person))
	fmt.Fprintf(&b, `<saml:SubjectConfirmation Method="%s"><saml:SubjectConfirmationData NotOnOrAfter="%s" Recipient="%s"/></saml:SubjectConfirmation></saml:Subject>`, bearer, end, acs)
	fmt.Fprintf(&b, `<saml:Conditions NotBefore="%s" NotOnOrAfter="%s"><saml:AudienceRestriction><saml:Audience>%s</saml:Audience></saml:AudienceRestriction></saml:Conditions>`, stamp(at), end, audience)
	fmt.Fprintf(&b, `<saml:AuthnStatement AuthnInstant="%s"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>`, stamp(at))
	for _, a := range attrs {
		fmt.Fprintf(&b, `<saml:Attribute Name="%s">`, escape(a.Name))
		for _, v := range a.Values {
			b.WriteString("<saml:AttributeValue>" + escape(v) + "</saml:AttributeValue>")
		}
		b.WriteString("</saml:Attribute>")
	}
	b.WriteString("</saml:AttributeStatement></saml:Assertion>")
	return b.String()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return "_" + hex.EncodeToString(b[:])
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic("ststest: " + err.Error()) // a builder does not fail
	}
	return b.String()
}
