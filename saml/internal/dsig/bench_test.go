// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// typical is a Response with attributes of one value each.
func typical(attributes int) string {
	var b strings.Builder
	b.WriteString(`<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_assertion0123456789abcdef" IssueInstant="2026-11-21T10:00:00Z" Version="2.0"><saml:Issuer>https://idp.example.test/metadata</saml:Issuer>`)
	b.WriteString(`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">alice@example.test</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="_request0123456789abcdef" NotOnOrAfter="2026-11-21T10:05:00Z" Recipient="https://sp.example.test/acs"/></saml:SubjectConfirmation></saml:Subject>`)
	b.WriteString(`<saml:Conditions NotBefore="2026-11-21T09:59:00Z" NotOnOrAfter="2026-11-21T10:05:00Z"><saml:AudienceRestriction><saml:Audience>https://sp.example.test/metadata</saml:Audience></saml:AudienceRestriction></saml:Conditions>`)
	b.WriteString(`<saml:AuthnStatement AuthnInstant="2026-11-21T10:00:00Z" SessionIndex="_session0123456789"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>`)
	for i := range attributes {
		fmt.Fprintf(&b, `<saml:Attribute Name="http://schemas.example.test/ws/claims/attribute-%d" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue xsi:type="xs:string">value number %d &amp; more</saml:AttributeValue></saml:Attribute>`, i, i)
	}
	b.WriteString(`</saml:AttributeStatement></saml:Assertion>`)
	return b.String()
}

const (
	responseHead = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response0123456789abcdef" Version="2.0" IssueInstant="2026-11-21T10:00:00Z" Destination="https://sp.example.test/acs" InResponseTo="_request0123456789abcdef"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example.test/metadata</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>`
	responseTail = `</samlp:Response>`
)

func signedAssertion(t testing.TB, attributes int) string {
	k := signers()["rsa"]
	return responseHead + sign(t, typical(attributes), dsig.SignOptions{Signer: k, Certificate: certificate(t, k), Prefixes: []string{"xs"}}) + responseTail
}

// BenchmarkVerify compares with the floor in the same run: base64, one scan,
// the two digests and one RSA verification.
func BenchmarkVerify(b *testing.B) {
	for _, attributes := range []int{9, 201, 5000} {
		doc := signedAssertion(b, attributes)
		encoded := base64.StdEncoding.EncodeToString([]byte(doc))
		k := signers()["rsa"]
		o := dsig.Options{Keys: []dsig.Key{{Public: k.Public()}}}
		sum := sha256.Sum256([]byte("x"))
		sig, err := k.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("%dattrs", attributes)
		b.Run(name+"/floor", func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				raw, _ := base64.StdEncoding.DecodeString(encoded)
				bytes.Count(raw, []byte("\x00"))
				sha256.Sum256(raw)
				sha256.Sum256(raw[:600])
				if rsa.VerifyPKCS1v15(k.Public().(*rsa.PublicKey), crypto.SHA256, sum[:], sig) != nil {
					b.Fatal("refused")
				}
			}
		})
		b.Run(name+"/gatehouse", func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				raw, _ := base64.StdEncoding.DecodeString(encoded)
				d, err := xmltree.Parse(raw, xmltree.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := dsig.Verify(d.Root().Child(nsAssertion, "Assertion"), o); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parse", func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			raw := []byte(doc)
			for b.Loop() {
				if _, err := xmltree.Parse(raw, xmltree.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSign compares with the bare signature.
func BenchmarkSign(b *testing.B) {
	doc := []byte(typical(9))
	for _, name := range []string{"rsa", "p256"} {
		k := signers()[name]
		cert := certificate(b, k)
		sum := sha256.Sum256(doc)
		b.Run(name+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/gatehouse", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dsig.Sign(doc, dsig.SignOptions{Signer: k, Certificate: cert, Prefixes: []string{"xs"}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAggregate verifies a metadata aggregate of 80 MB with 10,000
// entities.
func BenchmarkAggregate(b *testing.B) {
	k := signers()["rsa"]
	cert := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("certificate "), 80))
	var doc strings.Builder
	doc.WriteString(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_aggregate">`)
	for i := range 10_000 {
		fmt.Fprintf(&doc, "\n<md:EntityDescriptor entityID=\"https://idp%d.example.test/metadata\"><md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">", i)
		for range 4 {
			doc.WriteString("\n  <md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>" + cert + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>")
		}
		for j := range 10 {
			fmt.Fprintf(&doc, "\n  <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp%d.example.test/sso/%d\"/>", i, j)
		}
		doc.WriteString("\n</md:IDPSSODescriptor></md:EntityDescriptor>")
	}
	doc.WriteString(`</md:EntitiesDescriptor>`)
	lim := xmltree.Limits{Bytes: 1 << 30, Elements: 1 << 24}
	signed := []byte(sign(b, doc.String(), dsig.SignOptions{Signer: k, Limits: lim}))
	b.SetBytes(int64(len(signed)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := xmltree.Parse(signed, lim)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := dsig.Verify(d.Root(), dsig.Options{Keys: []dsig.Key{{Public: k.Public()}}}); err != nil {
			b.Fatal(err)
		}
	}
}
