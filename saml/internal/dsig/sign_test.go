// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

const response = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r"><saml:Issuer>https://idp.example</saml:Issuer><saml:Assertion ID="_a"><saml:Issuer>https://idp.example</saml:Issuer><saml:Subject><saml:NameID>al&amp;ice</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>`

const nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"

func parse(t testing.TB, doc string) xmltree.Node {
	t.Helper()
	d, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Root()
}

func sign(t testing.TB, doc string, o dsig.SignOptions) string {
	t.Helper()
	b, err := dsig.Sign([]byte(doc), o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSignVerify(t *testing.T) {
	t.Parallel()
	tests := []struct{ key, algorithm, want string }{
		{"rsa", "", dsig.RSASHA256},
		{"rsa", dsig.RSASHA384, dsig.RSASHA384},
		{"rsa", dsig.RSASHA512, dsig.RSASHA512},
		{"rsa", dsig.RSAPSSSHA256, dsig.RSAPSSSHA256},
		{"rsa", dsig.RSAPSSSHA384, dsig.RSAPSSSHA384},
		{"rsa", dsig.RSAPSSSHA512, dsig.RSAPSSSHA512},
		{"p256", "", dsig.ECDSASHA256},
		{"p256", dsig.ECDSASHA512, dsig.ECDSASHA512},
		{"p384", "", dsig.ECDSASHA384},
		{"p521", "", dsig.ECDSASHA512},
		{"ed25519", "", dsig.Ed25519},
	}
	for _, tt := range tests {
		t.Run(tt.key+" "+tt.want, func(t *testing.T) {
			t.Parallel()
			k := signers()[tt.key]
			cert := certificate(t, k)
			signed := sign(t, response, dsig.SignOptions{Signer: k, Algorithm: tt.algorithm, Certificate: cert, Prefixes: []string{"saml"}})
			if !strings.Contains(signed, "</saml:Issuer><ds:Signature") {
				t.Errorf("the signature is not after the Issuer: %s", signed)
			}
			root := parse(t, signed)
			v, err := dsig.Verify(root, dsig.Options{Keys: []dsig.Key{
				{Public: signers()["rsa2"].Public()}, {Public: signers()["p256"].Public()}, {Public: k.Public(), Certificate: cert},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if v.Algorithm() != tt.want || v.ID() != "_r" || v.Key().Certificate != cert {
				t.Errorf("algorithm %s, id %s", v.Algorithm(), v.ID())
			}
			if dsig.Signed(v.Element()) {
				t.Error("the signature is seen in what it signs")
			}
			name, err := v.Element().Child(nsAssertion, "Assertion").Child(nsAssertion, "Subject").Child(nsAssertion, "NameID").Text()
			if name != "al&ice" || err != nil {
				t.Errorf("NameID %q, %v", name, err)
			}
			got, err := v.Canonical()
			if err != nil || strings.Contains(string(got), "Signature") {
				t.Errorf("canonical %s, %v", got, err)
			}
		})
	}
}

// What is signed as it was written is what Sign makes of it.
func TestSignCanonical(t *testing.T) {
	t.Parallel()
	var doc bytes.Buffer
	if err := parse(t, response).Canonical(&doc, xmltree.Form{Exclusive: true}); err != nil {
		t.Fatal(err)
	}
	const issuer = "</saml:Issuer>"
	at := strings.Index(doc.String(), issuer) + len(issuer)
	k := signers()["rsa"]
	o := dsig.SignOptions{Signer: k, Certificate: certificate(t, k)}
	got, err := dsig.SignCanonical(doc.Bytes(), "_r", at, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := sign(t, doc.String(), o); string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for _, tt := range []struct {
		id string
		at int
	}{{"", at}, {"_r", 0}, {"_r", doc.Len()}} {
		if _, err := dsig.SignCanonical(doc.Bytes(), tt.id, tt.at, o); dsig.CheckOf(err) != dsig.CheckSign {
			t.Errorf("ID %q, offset %d: %v", tt.id, tt.at, err)
		}
	}
}
