// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// Benchmarks of what the issue's bars compare: validation against its floor
// (base64, one scan, digests and one RSA-2048 verification per signature) and
// issuing against bare signatures. Many documents are in rotation.

const rotation = 32

func benchForms(b *testing.B, values, size int, change func(f *samltest.Forge)) (*samltest.SP, []string, []string) {
	b.Helper()
	idp := samltest.NewIdP(b)
	sp := samltest.NewSP(b, idp.Entity(), nil)
	var forms, ids []string
	for n := range rotation {
		p := samltest.Alice()
		p.Attributes = nil
		for i := range values {
			p.Attributes = append(p.Attributes, saml.Attribute{
				Name: fmt.Sprintf("https://attributes.test/%d", i), Format: saml.AttrURI, Values: []string{strings.Repeat(fmt.Sprintf("value %d %d ", n, i), size)},
			})
		}
		out := sp.Start(saml.LoginOptions{})
		f := idp.Forge(sp.Connection, out, p)
		if change != nil {
			change(f)
		}
		form, err := f.Form()
		if err != nil {
			b.Fatal(err)
		}
		forms, ids = append(forms, form.Get("SAMLResponse")), append(ids, out.ID)
	}
	return sp, forms, ids
}

func benchValidate(b *testing.B, values, size int, change func(f *samltest.Forge)) {
	sp, forms, ids := benchForms(b, values, size, change)
	b.SetBytes(int64(len(forms[0]) / 4 * 3))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := sp.VerifyPosted(b.Context(), forms[i], sp.Connection, ids[i]); err != nil {
			b.Fatal(err)
		}
		i = (i + 1) % rotation
	}
}

func benchFloor(b *testing.B, values, size int, change func(f *samltest.Forge), signatures int) {
	_, forms, _ := benchForms(b, values, size, change)
	key := samltest.Key()
	sum := sha256.Sum256([]byte("x"))
	sig, err := key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(forms[0]) / 4 * 3))
	b.ReportAllocs()
	i, n := 0, 0
	for b.Loop() {
		x, err := base64.StdEncoding.DecodeString(forms[i])
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range x {
			if c == '<' {
				n++
			}
		}
		for range signatures {
			d := sha256.Sum256(x)
			n += int(d[0])
			info := sha256.Sum256(x[:min(len(x), 1000)])
			n += int(info[0])
			if err := rsa.VerifyPKCS1v15(key.Certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], sig); err != nil {
				b.Fatal(err)
			}
		}
		i = (i + 1) % rotation
	}
}

func oneSignature(f *samltest.Forge) { f.SignResponse = false }

// 9 attributes, 6.9 KB; 201 attributes, 67 KB.
func BenchmarkValidate(b *testing.B) {
	for _, d := range []struct {
		name         string
		values, size int
	}{{"7KB", 9, 14}, {"67KB", 201, 12}} {
		b.Run(d.name+"/gatehouse", func(b *testing.B) { benchValidate(b, d.values, d.size, oneSignature) })
		b.Run(d.name+"/floor", func(b *testing.B) { benchFloor(b, d.values, d.size, oneSignature, 1) })
		b.Run(d.name+"/both-signed/gatehouse", func(b *testing.B) { benchValidate(b, d.values, d.size, nil) })
		b.Run(d.name+"/both-signed/floor", func(b *testing.B) { benchFloor(b, d.values, d.size, nil, 2) })
	}
	b.Run("7KB/encrypted", func(b *testing.B) {
		benchValidate(b, 9, 14, func(f *samltest.Forge) { oneSignature(f); encrypted(f) })
	})
}

func BenchmarkIssue(b *testing.B) {
	for name, key := range map[string]saml.KeyPair{"RSA-2048": samltest.Key(), "P-256": samltest.ECKey()} {
		b.Run(name+"/gatehouse", func(b *testing.B) {
			peer := &saml.Peer{NoEncryption: true}
			now := time.Now()
			idp := newIdP(b, func(c *saml.IdPConfig) { c.Keys = []saml.KeyPair{key} }, peer)
			peer.Entity = samltest.NewSP(b, idp.Entity(), nil).Entity()
			rp := saml.ResponseParams{SP: peer.Entity.EntityID, NameID: samltest.Alice().NameID, AuthnInstant: now}
			for i := range 9 {
				rp.Attributes = append(rp.Attributes, saml.Attribute{Name: fmt.Sprintf("https://attributes.test/%d", i), Format: saml.AttrURI, Values: []string{strings.Repeat("value", 30)}})
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := idp.Respond(b.Context(), rp); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for range 2 {
					sum := sha256.Sum256([]byte("x"))
					if _, err := key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkAggregate verifies and reads a signed aggregate of 10,000 entities,
// 80 MB.
func BenchmarkAggregate(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_all">`)
	idp := fullIdP(b)
	one := idp.Entity()
	one.Contacts = nil
	for i := range 12 {
		one.Contacts = append(one.Contacts, saml.Contact{Type: "technical", GivenName: strings.Repeat("n", 200), Emails: []string{fmt.Sprintf("mailto:%d@example.test", i)}})
	}
	raw, err := one.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	const n = 10_000
	for i := range n {
		doc.WriteString(strings.Replace(string(raw), "https://idp.test/metadata", fmt.Sprintf("https://idp%d.test/metadata", i), 1))
	}
	doc.WriteString(`</md:EntitiesDescriptor>`)
	lim := xmltree.Limits{Bytes: 256 << 20, Elements: 8 << 20, Namespaces: 128}
	signed, err := dsig.Sign([]byte(doc.String()), dsig.SignOptions{Signer: samltest.Key().Signer, Certificate: samltest.Key().Certificate, Limits: lim})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(signed)))
	b.ReportAllocs()
	o := saml.MetadataOptions{Certificates: []*x509.Certificate{samltest.Key().Certificate}, EntityID: "https://idp7777.test/metadata"}
	for b.Loop() {
		found := 0
		for _, err := range saml.ParseAggregate(signed, o) {
			if err != nil {
				b.Fatal(err)
			}
			found++
		}
		if found != 1 {
			b.Fatal(found)
		}
	}
}
