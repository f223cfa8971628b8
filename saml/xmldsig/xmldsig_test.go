// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmldsig_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

const order = `<order ID="o-1"><item>book</item></order>`

type identity struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// identities are an ECDSA and an RSA key pair.
var identities = sync.OnceValue(func() (all [2]identity) {
	// A key that is the same in each process, so that fuzz seeds stay valid.
	ec, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		panic(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	for i, k := range []crypto.Signer{ec, rs} {
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Unix(1<<33, 0)}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, k.Public(), k)
		if err != nil {
			panic(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		all[i] = identity{k, cert}
	}
	return all
})

func sign(t testing.TB, doc string) string {
	t.Helper()
	signed, err := xmldsig.Sign([]byte(doc), xmldsig.SignOptions{Signer: identities()[0].key, Certificate: identities()[0].cert})
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func replace(s, old, new string) string {
	if !strings.Contains(s, old) {
		panic("no " + old)
	}
	return strings.Replace(s, old, new, 1)
}

func Example() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	doc, err := xmldsig.Sign([]byte(`<order ID="o-1"><item>book</item></order>`), xmldsig.SignOptions{Signer: key})
	if err != nil {
		panic(err)
	}
	trusted := xmldsig.Options{Keys: []xmldsig.Key{{Public: key.Public()}}}
	signed, err := xmldsig.Verify(doc, trusted)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", signed.XML())

	_, err = xmldsig.Verify(bytes.Replace(doc, []byte("book"), []byte("boat"), 1), trusted)
	var refused *xmldsig.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Check)
	}
	// Output:
	// <order ID="o-1"><item>book</item></order>
	// digest
}

func TestVerify(t *testing.T) {
	t.Parallel()
	ok := sign(t, order)
	sig := ok[strings.Index(ok, "<ds:Signature") : strings.Index(ok, "</ds:Signature>")+len("</ds:Signature>")]
	within := `<r>` + ok + `</r>`
	tests := []struct {
		name, doc string
		want      xmldsig.Check
		edit      func(*xmldsig.Options)
	}{
		{name: "control", doc: ok},
		{name: "control: within, by ID", doc: within, edit: func(o *xmldsig.Options) { o.ID = "o-1" }},
		{name: "control: by its certificate", doc: ok, edit: func(o *xmldsig.Options) { o.Keys[0].Public = nil }},
		{name: "within, not asked for", doc: within, want: xmldsig.CheckUnsigned},
		{name: "no such ID", doc: within, want: xmldsig.CheckUnsigned, edit: func(o *xmldsig.Options) { o.ID = "o-2" }},
		{name: "unsigned", doc: order, want: xmldsig.CheckUnsigned},
		{name: "not XML", doc: "x", want: xmldsig.CheckXML},
		{name: "DOCTYPE", doc: "<!DOCTYPE order>" + ok, want: xmldsig.CheckXML},
		{name: "too large", doc: ok, want: xmldsig.CheckLimit, edit: func(o *xmldsig.Options) { o.Limits.Bytes = 100 }},
		{name: "too deep", doc: ok, want: xmldsig.CheckLimit, edit: func(o *xmldsig.Options) { o.Limits.Depth = 2 }},
		{name: "position", doc: replace(replace(ok, sig, ""), "</order>", sig+"</order>"), want: xmldsig.CheckPosition},
		{name: "shape", doc: replace(ok, "</ds:Signature>", "<ds:Object/></ds:Signature>"), want: xmldsig.CheckShape},
		{name: "reference", doc: replace(ok, `<order ID="o-1">`, `<order ID="o-2">`), want: xmldsig.CheckReference},
		{name: "transform", doc: replace(ok, "#enveloped-signature", "#base64"), want: xmldsig.CheckTransform},
		{name: "algorithm", doc: replace(ok, "#ecdsa-sha256", "#hmac-sha256"), want: xmldsig.CheckAlgorithm},
		{name: "algorithm not listed", doc: ok, want: xmldsig.CheckAlgorithm, edit: func(o *xmldsig.Options) { o.Algorithms = []string{"urn:none"} }},
		{name: "key of another kind", doc: ok, want: xmldsig.CheckKey, edit: func(o *xmldsig.Options) { o.Keys = []xmldsig.Key{{Certificate: identities()[1].cert}} }},
		{name: "no keys", doc: ok, want: xmldsig.CheckKey, edit: func(o *xmldsig.Options) { o.Keys = nil }},
		{name: "SignedInfo changed", doc: replace(ok, "#o-1", "#o-1&#32;"), want: xmldsig.CheckReference},
		{name: "signature", doc: replace(ok, "<ds:Transforms>", "<ds:Transforms> "), want: xmldsig.CheckSignature},
		{name: "digest", doc: replace(ok, "book", "boat"), want: xmldsig.CheckDigest},
		{name: "canonical", doc: amplified(ok, sig), want: xmldsig.CheckCanonical, edit: func(o *xmldsig.Options) { o.Limits.Attributes = 100 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := identities()[0]
			o := xmldsig.Options{Keys: []xmldsig.Key{{Public: id.key.Public(), Certificate: id.cert}}}
			if tt.edit != nil {
				tt.edit(&o)
			}
			s, err := xmldsig.Verify([]byte(tt.doc), o)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if string(s.XML()) != order || s.ID() != "o-1" || s.Key().Certificate != id.cert || !strings.HasSuffix(s.Algorithm(), "#ecdsa-sha256") {
					t.Errorf("%s, %s, %s", s.XML(), s.ID(), s.Algorithm())
				}
				return
			}
			var e *xmldsig.Error
			if !errors.As(err, &e) || e.Check != tt.want || e.Public != "The document could not be verified." || e.Err == nil {
				t.Errorf("%v, want check %q", err, tt.want)
			}
		})
	}
}

// amplified has a long namespace name that each of many elements repeats in
// the canonical form.
func amplified(ok, sig string) string {
	return `<order ID="o-1" xmlns:p="u:` + strings.Repeat("x", 1000) + `">` + sig + strings.Repeat("<p:a/>", 10_000) + `</order>`
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{"x", "<order/>", sign(t, order)} {
		_, err := xmldsig.Sign([]byte(doc), xmldsig.SignOptions{Signer: identities()[0].key})
		var e *xmldsig.Error
		if !errors.As(err, &e) || e.Check != xmldsig.CheckSign || !strings.HasPrefix(err.Error(), "xmldsig: sign: ") {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// What Verify returns is the caller's.
func TestXMLIsACopy(t *testing.T) {
	t.Parallel()
	s, err := xmldsig.Verify([]byte(sign(t, order)), xmldsig.Options{Keys: []xmldsig.Key{{Public: identities()[0].key.Public()}}})
	if err != nil {
		t.Fatal(err)
	}
	s.XML()[0] = 'x'
	if string(s.XML()) != order {
		t.Error("changed")
	}
}

// FuzzVerify: whatever verifies is what was signed.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(sign(f, order)))
	f.Add([]byte(`<r>` + sign(f, order) + `</r>`))
	o := xmldsig.Options{ID: "o-1", Keys: []xmldsig.Key{{Public: identities()[0].key.Public()}}}
	f.Fuzz(func(t *testing.T, doc []byte) {
		s, err := xmldsig.Verify(doc, o)
		var e *xmldsig.Error
		switch {
		case err == nil && string(s.XML()) != order:
			t.Fatalf("verified: %s", s.XML())
		case err != nil && (!errors.As(err, &e) || e.Check == "" || e.Public == ""):
			t.Fatalf("an error without check: %v", err)
		}
	})
}
