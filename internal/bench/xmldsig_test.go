// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	goxmldsig "github.com/russellhaering/goxmldsig"

	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

const documents = 16 // in rotation, so that no cache of anything helps

type signingKey struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newSigningKey(b *testing.B) signingKey {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "signer"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	return signingKey{key, cert}
}

// statement is an assertion of about 700 bytes and 260 for each attribute.
func statement(n, attributes int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_%032d" IssueInstant="2026-11-21T10:00:00Z" Version="2.0"><saml:Issuer>https://idp.example.test/metadata</saml:Issuer>`, n)
	b.WriteString(`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">alice@example.test</saml:NameID></saml:Subject><saml:AttributeStatement>`)
	for i := range attributes {
		fmt.Fprintf(&b, `<saml:Attribute Name="http://schemas.example.test/ws/claims/attribute-%d" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue xsi:type="xs:string">value %d of %d &amp; more</saml:AttributeValue></saml:Attribute>`, i, i, n)
	}
	b.WriteString(`</saml:AttributeStatement></saml:Assertion>`)
	return b.String()
}

// BenchmarkXMLDSigVerify verifies one signature. The floor is one scan, the
// two digests and the RSA verification.
func BenchmarkXMLDSigVerify(b *testing.B) {
	k := newSigningKey(b)
	for _, attributes := range []int{9, 201, 900} {
		docs := make([][]byte, documents)
		for i := range docs {
			doc, err := xmldsig.Sign([]byte(statement(i, attributes)), xmldsig.SignOptions{Signer: k.key, Certificate: k.cert, Prefixes: []string{"xs"}})
			if err != nil {
				b.Fatal(err)
			}
			docs[i] = doc
		}
		name := fmt.Sprintf("attributes=%d", attributes)
		run := func(impl string, verify func(doc []byte) error) {
			b.Run(name+"/impl="+impl, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(docs[0])))
				for i := 0; b.Loop(); i++ {
					if err := verify(docs[i%documents]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("floor", floor(b, k))
		run("gatehouse", func(doc []byte) error {
			_, err := xmldsig.Verify(doc, xmldsig.Options{Keys: []xmldsig.Key{{Certificate: k.cert}}})
			return err
		})
		run("goxmldsig", byGoxmldsig(k.cert))
	}
}

func floor(b *testing.B, k signingKey) func([]byte) error {
	sum := sha256.Sum256([]byte("SignedInfo"))
	sig, err := rsa.SignPKCS1v15(nil, k.key, crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	return func(doc []byte) error {
		n := 0
		for _, c := range doc {
			if c == '<' {
				n++
			}
		}
		sha256.Sum256(doc)
		sha256.Sum256(doc[:min(700, len(doc))])
		return rsa.VerifyPKCS1v15(&k.key.PublicKey, crypto.SHA256, sum[:], sig)
	}
}

func byGoxmldsig(cert *x509.Certificate) func([]byte) error {
	return func(doc []byte) error {
		d := etree.NewDocument()
		if err := d.ReadFromBytes(doc); err != nil {
			return err
		}
		ctx := goxmldsig.NewDefaultValidationContext(&goxmldsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
		ctx.IdAttribute = "ID"
		_, err := ctx.Validate(d.Root())
		return err
	}
}

// BenchmarkXMLDSigSign signs; the floor is the bare RSA signature.
func BenchmarkXMLDSigSign(b *testing.B) {
	k := newSigningKey(b)
	docs := make([][]byte, documents)
	for i := range docs {
		docs[i] = []byte(statement(i, 9))
	}
	b.Run("impl=floor", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			sum := sha256.Sum256(docs[i%documents])
			if _, err := rsa.SignPKCS1v15(rand.Reader, k.key, crypto.SHA256, sum[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=gatehouse", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := xmldsig.Sign(docs[i%documents], xmldsig.SignOptions{Signer: k.key, Certificate: k.cert}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=goxmldsig", func(b *testing.B) {
		b.ReportAllocs()
		ctx, err := goxmldsig.NewSigningContext(k.key, [][]byte{k.cert.Raw})
		if err != nil {
			b.Fatal(err)
		}
		ctx.Canonicalizer = goxmldsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
		for i := 0; b.Loop(); i++ {
			d := etree.NewDocument()
			if err := d.ReadFromBytes(docs[i%documents]); err != nil {
				b.Fatal(err)
			}
			el, err := ctx.SignEnveloped(d.Root())
			if err != nil {
				b.Fatal(err)
			}
			d.SetRoot(el)
			if _, err := d.WriteToBytes(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkXMLDSigHostile gives both what makes the other slow: time that
// grows faster than the document. Gatehouse's own families, to 1 MB and
// without limits, stand beside its engine; saml's stand in BenchmarkSAMLHostile.
func BenchmarkXMLDSigHostile(b *testing.B) {
	k := newSigningKey(b)
	sum := base64.StdEncoding.EncodeToString(make([]byte, 32))
	sig := `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#x"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>` + sum + `</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>`
	families := map[string]func(n int) string{
		"namespaces": func(n int) string {
			return `<a ID="x"` + repeat(n/16, ` xmlns:n%06d="u:"`) + `>` + sig + `</a>`
		},
		"prefixed-attributes": func(n int) string {
			return `<a ID="x" xmlns:p="u:p"` + repeat(n/14, ` p:a%06d=""`) + `>` + sig + `</a>`
		},
		"comments": func(n int) string { return `<a ID="x">` + sig + strings.Repeat(`<!---->`, n/7) + `</a>` },
		"siblings": func(n int) string { return `<a ID="x">` + sig + strings.Repeat(`<b/>`, n/4) + `</a>` },
		"depth": func(n int) string {
			return `<a ID="x">` + sig + strings.Repeat(`<b>`, n/7) + strings.Repeat(`</b>`, n/7) + `</a>`
		},
	}
	other := byGoxmldsig(k.cert)
	for name, family := range families {
		for _, size := range []int{16 << 10, 32 << 10, 64 << 10} {
			doc := []byte(family(size))
			prefix := fmt.Sprintf("family=%s/KB=%d", name, size>>10)
			b.Run(prefix+"/impl=gatehouse", func(b *testing.B) {
				for b.Loop() {
					if _, err := xmldsig.Verify(doc, xmldsig.Options{Keys: []xmldsig.Key{{Certificate: k.cert}}}); err == nil {
						b.Fatal("verified")
					}
				}
			})
			b.Run(prefix+"/impl=goxmldsig", func(b *testing.B) {
				for b.Loop() {
					if other(doc) == nil {
						b.Fatal("verified")
					}
				}
			})
		}
	}
}
