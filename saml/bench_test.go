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

// Many documents are in rotation, so that no cache of anything helps. Beside
// each stands its floor, measured in the same seconds: base64, one scan, the
// digests, one RSA-2048 verification for each signature; or bare signatures.
// internal/bench compares with other libraries.

const rotation = 32

// benchForms makes Responses, and an SP that remembers nothing between them.
func benchForms(b *testing.B, values, size int, change func(f *samltest.Forge)) (sp *samltest.SP, forms, ids []string) {
	b.Helper()
	idp := samltest.NewIdP(b)
	sp = samltest.NewSP(b, idp.Entity(), nil)
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

// against reports how many times its floor an operation took that a loop has
// just measured.
func against(b *testing.B, floor func(i int)) {
	b.Helper()
	op := b.Elapsed() / time.Duration(b.N)
	n := 0
	start := time.Now()
	for ; n < 50 || time.Since(start) < 200*time.Millisecond; n++ {
		floor(n)
	}
	b.ReportMetric(float64(op)/float64(time.Since(start)/time.Duration(n)), "x-floor")
}

func benchValidate(b *testing.B, values, size, signatures int, change func(f *samltest.Forge)) {
	sp, forms, ids := benchForms(b, values, size, change)
	floor := validationFloor(b, forms, signatures)
	b.SetBytes(int64(len(forms[0]) / 4 * 3))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := sp.VerifyPosted(b.Context(), forms[i], sp.Connection, ids[i]); err != nil {
			b.Fatal(err)
		}
		i = (i + 1) % rotation
	}
	against(b, floor)
}

func validationFloor(b *testing.B, forms []string, signatures int) func(i int) {
	key := samltest.Key()
	public := key.Certificate.PublicKey.(*rsa.PublicKey)
	sum := sha256.Sum256([]byte("x"))
	sig, err := key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	return func(i int) {
		x, err := base64.StdEncoding.DecodeString(forms[i%len(forms)])
		if err != nil {
			b.Fatal(err)
		}
		n := 0
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
			if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], sig); err != nil {
				b.Fatal(err)
			}
		}
		if n == 0 {
			b.Fatal("no XML")
		}
	}
}

func oneSignature(f *samltest.Forge) { f.SignResponse = false }

// BenchmarkValidate goes from base64 to attributes: 9 of them in 6.9 KB, 201
// in 67 KB.
//
//	bar: 7KB <= 2 x-floor and <= 150 allocations, 67KB <= 3 x-floor
func BenchmarkValidate(b *testing.B) {
	for _, d := range []struct {
		name         string
		values, size int
	}{{"7KB", 9, 14}, {"67KB", 201, 12}} {
		b.Run(d.name, func(b *testing.B) { benchValidate(b, d.values, d.size, 1, oneSignature) })
		b.Run(d.name+"/both-signed", func(b *testing.B) { benchValidate(b, d.values, d.size, 2, nil) })
	}
}

// BenchmarkValue is what one attribute value more costs: the difference
// between Responses of 201 and of 9 values, one after the other.
//
//	bar: <= 1000 ns/value
func BenchmarkValue(b *testing.B) {
	var spent [2]time.Duration
	var sps [2]*samltest.SP
	var forms, ids [2][]string
	for j, values := range []int{9, 201} {
		sps[j], forms[j], ids[j] = benchForms(b, values, 1, oneSignature)
	}
	i := 0
	for b.Loop() {
		for j, sp := range sps {
			start := time.Now()
			if _, err := sp.VerifyPosted(b.Context(), forms[j][i], sp.Connection, ids[j][i]); err != nil {
				b.Fatal(err)
			}
			spent[j] += time.Since(start)
		}
		i = (i + 1) % rotation
	}
	b.ReportMetric(float64(spent[1]-spent[0])/float64(b.N)/(201-9), "ns/value")
}

// BenchmarkEncrypted validates an assertion in AES-256-GCM by RSA-OAEP, whose
// private operation is in the floor too.
//
//	bar: <= 1.3 x-floor
func BenchmarkEncrypted(b *testing.B) {
	sp, forms, ids := benchForms(b, 9, 14, func(f *samltest.Forge) { oneSignature(f); encrypted(f) })
	plain := validationFloor(b, forms, 1)
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, samltest.SPKey().Certificate.PublicKey.(*rsa.PublicKey), make([]byte, 32), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := sp.VerifyPosted(b.Context(), forms[i], sp.Connection, ids[i]); err != nil {
			b.Fatal(err)
		}
		i = (i + 1) % rotation
	}
	against(b, func(i int) {
		if _, err := samltest.SPKey().Signer.(crypto.Decrypter).Decrypt(nil, wrapped, &rsa.OAEPOptions{Hash: crypto.SHA256}); err != nil {
			b.Fatal(err)
		}
		plain(i)
	})
}

// BenchmarkIssue makes a Response with two signatures. Its floor is two bare
// ones.
//
//	bar: RSA <= 1.1 x-floor, P-256 <= 2 x-floor
func BenchmarkIssue(b *testing.B) {
	for _, k := range []struct {
		name string
		key  saml.KeyPair
	}{{"RSA-2048", samltest.Key()}, {"P-256", samltest.ECKey()}} {
		b.Run(k.name, func(b *testing.B) {
			peer := &saml.Peer{NoEncryption: true}
			idp := newIdP(b, func(c *saml.IdPConfig) { c.Keys = []saml.KeyPair{k.key} }, peer)
			peer.Entity = samltest.NewSP(b, idp.Entity(), nil).Entity()
			rp := saml.ResponseParams{SP: peer.Entity.EntityID, NameID: samltest.Alice().NameID, AuthnInstant: time.Now()}
			for i := range 9 {
				rp.Attributes = append(rp.Attributes, saml.Attribute{Name: fmt.Sprintf("https://attributes.test/%d", i), Format: saml.AttrURI, Values: []string{strings.Repeat("value", 30)}})
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := idp.Respond(b.Context(), rp); err != nil {
					b.Fatal(err)
				}
			}
			against(b, func(int) {
				for range 2 {
					sum := sha256.Sum256([]byte("x"))
					if _, err := k.key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkAggregate verifies a signed aggregate of 10,000 entities, 80 MB, and
// reads one of them. internal/bench reports the peak of memory.
//
//	bar: <= 1 s
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
