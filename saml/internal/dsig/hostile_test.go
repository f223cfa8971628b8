// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig_test

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// hostile are families of documents of about a given size that made other
// libraries take time that grows with its square.
var hostile = []struct {
	name string
	make func(size int) string
}{
	{"namespaces", func(n int) string {
		return `<a ID="x"` + times(n/16, func(i int) string { return fmt.Sprintf(` xmlns:n%06d="u:"`, i) }) + `/>`
	}},
	{"namespaces-nested", func(n int) string {
		return nested(n/32, 60, func(i int) string { return fmt.Sprintf(` xmlns:n%06d="u:"`, i) })
	}},
	{"prefixed-attributes", func(n int) string {
		return `<a ID="x" xmlns:p="u:p"` + times(n/14, func(i int) string { return fmt.Sprintf(` p:a%06d=""`, i) }) + `/>`
	}},
	{"prefixes-in-use", func(n int) string {
		return `<r ID="x"` + times(60, func(i int) string { return fmt.Sprintf(` xmlns:n%d="u:%d"`, i, i) }) + `>` +
			times(n/8, func(i int) string { return fmt.Sprintf(`<n%d:a/>`, i%60) }) + `</r>`
	}},
	{"attributes-of-many-prefixes", func(n int) string {
		return `<r ID="x"` + times(60, func(i int) string { return fmt.Sprintf(` xmlns:n%d="u:%s%d"`, i, strings.Repeat("x", 1000), i) }) + `>` +
			times(n/600, func(int) string {
				return `<a` + times(60, func(i int) string { return fmt.Sprintf(` n%d:a=""`, i) }) + `/>`
			}) + `</r>`
	}},
	{"long-namespace", func(n int) string {
		return `<r ID="x" xmlns:p="u:` + strings.Repeat("x", 1000) + `">` + strings.Repeat(`<p:a/>`, n/6) + `</r>`
	}},
	{"comments", func(n int) string { return `<a ID="x">` + strings.Repeat(`<!---->`, n/7) + `</a>` }},
	{"CDATA", func(n int) string { return `<a ID="x">` + strings.Repeat(`<![CDATA[]]>`, n/12) + `</a>` }},
	{"depth", func(n int) string {
		return `<a ID="x">` + nested(n/7, math.MaxInt, func(int) string { return "" }) + `</a>`
	}},
	{"siblings", func(n int) string { return `<a ID="x">` + strings.Repeat(`<b/>`, n/4) + `</a>` }},
	{"character-references", func(n int) string { return `<a ID="x">` + strings.Repeat(`&lt;`, n/4) + `</a>` }},
	{"line-ends", func(n int) string { return `<a ID="x">` + strings.Repeat("\r", n) + `</a>` }},
	{"ampersands-in-value", func(n int) string { return `<a ID="x" b="` + strings.Repeat(`&#10;`, n/5) + `"/>` }},
	{"open-brackets", func(n int) string { return `<a ID="x">` + strings.Repeat(`<`, n) }},
	{"IDs", func(n int) string {
		return `<a ID="x">` + times(n/16, func(i int) string { return fmt.Sprintf(`<b Id="%06d"/>`, i) }) + `</a>`
	}},
	{"references", func(n int) string {
		return `<a ID="x"><Signature xmlns="` + nsDSig + `"><SignedInfo>` + strings.Repeat(`<Reference URI="#x"/>`, n/21) + `</SignedInfo></Signature></a>`
	}},
	{"transforms", func(n int) string {
		one := `<ds:Transform Algorithm="` + exclusive + `"></ds:Transform>`
		return put(strings.Replace(okSignature, one, strings.Repeat(one, n/len(one)), 1))
	}},
	{"signatures", func(n int) string {
		return `<a ID="x">` + strings.Repeat(`<Signature xmlns="`+nsDSig+`"/>`, n/58) + `</a>`
	}},
	{"key-info", func(n int) string {
		one := `<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>`
		return put(strings.Replace(okSignature, `</ds:Signature>`, `<ds:KeyInfo>`+strings.Repeat(one, n/len(one))+`</ds:KeyInfo></ds:Signature>`, 1))
	}},
}

var okSignature string

func times(n int, f func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

// nested nests elements as deep as told, again and again.
func nested(n, depth int, attrs func(int) string) string {
	var b strings.Builder
	b.WriteString(`<r ID="y">`)
	for n > 0 {
		d := min(n, depth)
		b.WriteString(times(d, func(i int) string { return `<a` + attrs(i) + `>` }))
		b.WriteString(strings.Repeat(`</a>`, d))
		n -= d
	}
	b.WriteString(`</r>`)
	return b.String()
}

// unbounded are limits that let everything through to the end.
var unbounded = xmltree.Limits{
	Bytes: math.MaxInt32, Depth: 10_000, Elements: math.MaxInt32, Attributes: math.MaxInt32, Namespaces: 1024, Comments: math.MaxInt32, Signatures: math.MaxInt32,
}

// work is all that a document can make the engine do.
func work(doc []byte, lim xmltree.Limits, o dsig.Options) {
	d, err := xmltree.Parse(doc, lim)
	if err != nil {
		return
	}
	_, _ = dsig.Verify(d.Root(), o)
	for _, f := range []xmltree.Form{{Exclusive: true}, {}} {
		_ = d.Root().Canonical(sha256.New(), f)
	}
	_, _ = d.Root().Text()
	for range d.Root().Descendants() {
	}
}

// BenchmarkHostile shows that each doubling costs about twice as much, within
// the default limits and without them.
func BenchmarkHostile(b *testing.B) {
	okSignature = craft(b, "#_r", "#_r")
	o := dsig.Options{Keys: []dsig.Key{{Public: signers()["rsa"].Public()}, {Public: signers()["rsa2"].Public()}}}
	for _, h := range hostile {
		for _, limits := range []string{"default", "unbounded"} {
			lim := xmltree.Limits{}
			if limits == "unbounded" {
				lim = unbounded
			}
			for _, size := range []int{256 << 10, 512 << 10, 1 << 20} {
				doc := []byte(h.make(size))
				b.Run(fmt.Sprintf("%s/%s/%dKB", h.name, limits, size>>10), func(b *testing.B) {
					b.SetBytes(int64(len(doc)))
					b.ReportAllocs()
					for b.Loop() {
						work(doc, lim, o)
					}
				})
			}
		}
	}
}
