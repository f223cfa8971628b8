// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
	"github.com/gatehouse-id/gatehouse/saml/xmldsig"
)

// aggregate is an EntitiesDescriptor of about 8 KB for each entity.
func aggregate(b *testing.B, entities int) []byte {
	b.Helper()
	one := samltest.NewIdP(b).Entity()
	for i := range 30 {
		one.Contacts = append(one.Contacts, saml.Contact{
			Type: "technical", GivenName: strings.Repeat("n", 40), Emails: []string{fmt.Sprintf("mailto:%d@example.test", i)},
		})
	}
	raw, err := one.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	var doc bytes.Buffer
	doc.WriteString(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_all">`)
	for i := range entities {
		doc.Write(bytes.Replace(raw, []byte(one.EntityID), fmt.Appendf(nil, "https://idp%d.test/metadata", i), 1))
	}
	doc.WriteString(`</md:EntitiesDescriptor>`)
	return doc.Bytes()
}

// BenchmarkSAMLAggregate reads a signed aggregate of 10,000 entities. gatehouse
// verifies it and then reads one entity of it, or all. crewjam reads all
// without looking at the signature: it has no code to verify it, nor has
// gosaml2. goxmldsig refuses documents of more than 1,000 elements. The floor
// is one scan, one digest and one verification. peak-MB is the largest
// resident size of the process during one reading, the document of 80 MB
// included.
//
//	bar: <= 1 s, <= 600 peak-MB
func BenchmarkSAMLAggregate(b *testing.B) {
	const entities = 10_000
	key := samltest.Key()
	doc, err := xmldsig.Sign(aggregate(b, entities), xmldsig.SignOptions{
		Signer: key.Signer, Certificate: key.Certificate, Limits: xmldsig.Limits{Bytes: 256 << 20, Elements: 8 << 20, Namespaces: 128},
	})
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("SignedInfo"))
	sig, err := key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	floor := func() (int, error) {
		scan(doc)
		sha256.Sum256(doc)
		return entities, rsa.VerifyPKCS1v15(key.Certificate.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], sig)
	}
	read := func(o saml.MetadataOptions) func() (int, error) {
		o.Certificates = []*x509.Certificate{key.Certificate}
		return func() (n int, err error) {
			for _, err := range saml.ParseAggregate(doc, o) {
				if err != nil {
					return n, err
				}
				n++
			}
			return n, nil
		}
	}
	for _, i := range []struct {
		name string
		want int
		read func() (int, error)
	}{
		{"floor", entities, floor},
		{"gatehouse-one", 1, read(saml.MetadataOptions{EntityID: "https://idp7777.test/metadata"})},
		{"gatehouse-all", entities, read(saml.MetadataOptions{})},
		{"crewjam-unverified", entities, func() (int, error) {
			var all crewjam.EntitiesDescriptor
			err := xml.Unmarshal(doc, &all)
			return len(all.EntityDescriptors), err
		}},
	} {
		b.Run("impl="+i.name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			most := 0.0
			for b.Loop() {
				b.StopTimer()
				forgetPeak() // and what was read before
				b.StartTimer()
				if n, err := i.read(); err != nil || n != i.want {
					b.Fatal(n, err)
				}
				most = max(most, peak())
			}
			b.ReportMetric(most, "peak-MB")
			against(b, func(int) error { _, err := floor(); return err })
		})
	}
}

// forgetPeak makes peak count from now on, on Linux.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// peak is the largest resident size of the process in MB.
func peak() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kB float64
	_, _ = fmt.Sscan(rest, &kB)
	return kB / 1024
}

// hostile are families of Responses of about a given size that make
// implementations slow. SignedInfo was signed by the identity provider: what is
// hostile was added later, so that an implementation that verifies that first
// has to digest the rest. Only references and transforms are in SignedInfo
// itself.
var hostile = []struct {
	name string
	make func(signed string, n int) string
}{
	{"namespaces", func(signed string, n int) string {
		return within(signed, repeat(n/16, ` xmlns:n%06d="u:"`), "")
	}},
	{"prefixed-attributes", func(signed string, n int) string {
		return within(signed, ` xmlns:p="u:p"`+repeat(n/14, ` p:a%06d=""`), "")
	}},
	{"comments", func(signed string, n int) string { return within(signed, "", `<b/>`+strings.Repeat(`<!---->`, n/7)) }},
	{"depth", func(signed string, n int) string {
		return within(signed, "", strings.Repeat(`<b>`, n/7)+strings.Repeat(`</b>`, n/7))
	}},
	{"siblings", func(signed string, n int) string { return within(signed, "", strings.Repeat(`<b/>`, n/4)) }},
	{"references", func(signed string, n int) string {
		const one = `<ds:Reference URI="#_r"/>`
		return strings.Replace(signed, `<ds:Reference`, strings.Repeat(one, n/len(one))+`<ds:Reference`, 1)
	}},
	{"transforms", func(signed string, n int) string {
		const one = `<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>`
		return strings.Replace(signed, `</ds:Transforms>`, strings.Repeat(one, n/len(one))+`</ds:Transforms>`, 1)
	}},
}

func repeat(n int, format string) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, format, i)
	}
	return s.String()
}

// hostileBase is a signed Response without assertion.
func hostileBase(b *testing.B, now time.Time) string {
	b.Helper()
	doc := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0" IssueInstant="` + now.UTC().Format(time.RFC3339) + `" Destination="https://sp.test/acs" InResponseTo="` + requestID + `"><saml:Issuer>https://idp.test/metadata</saml:Issuer><samlp:Extensions></samlp:Extensions><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:Response>`
	signed, err := xmldsig.Sign([]byte(doc), xmldsig.SignOptions{Signer: samltest.Key().Signer, Certificate: samltest.Key().Certificate})
	if err != nil {
		b.Fatal(err)
	}
	return string(signed)
}

// within adds attributes to the root element and content to Extensions.
func within(signed, attributes, content string) string {
	signed = strings.Replace(signed, ` Version="2.0"`, attributes+` Version="2.0"`, 1)
	return strings.Replace(signed, `<samlp:Extensions>`, `<samlp:Extensions>`+content, 1)
}

// patience is how long one hostile document may take before larger ones of its
// family are left out.
const patience = 3 * time.Second

// BenchmarkSAMLHostile sends documents that all implementations refuse, and
// measures how long they take to say so. gatehouse-unlimited is xmldsig.Verify
// with limits that let everything through to the digest. x-half is how many
// times the document of half the size took, both at their best.
//
//	bar: 1 MB <= 50 ms, <= 2.3 x-half
func BenchmarkSAMLHostile(b *testing.B) {
	f := newFederation(b)
	impls := append([]implementation{{"floor", hostileFloor}, {"gatehouse-unlimited", unlimited}}, f.impls...)
	base := hostileBase(b, f.now)
	for _, h := range hostile {
		for _, impl := range impls {
			var before time.Duration
			for _, size := range []int{256 << 10, 512 << 10, 1 << 20} {
				if before > patience {
					continue
				}
				doc := base64.StdEncoding.EncodeToString([]byte(h.make(base, size)))
				b.Run(fmt.Sprintf("family=%s/impl=%s/KB=%d", h.name, impl.name, size>>10), func(b *testing.B) {
					b.ReportAllocs()
					best := time.Duration(math.MaxInt64)
					for b.Loop() {
						start := time.Now()
						if err := refused(impl, doc); err != nil {
							b.Fatal(err)
						}
						best = min(best, time.Since(start))
					}
					if before > 0 {
						b.ReportMetric(float64(best)/float64(before), "x-half")
					}
					before = best
				})
			}
		}
	}
}

// refused returns an error if a document is not refused. A panic refuses too,
// in its way.
func refused(i implementation, doc string) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	if i.verify(doc) == nil && i.name != "floor" {
		return fmt.Errorf("%s accepted it", i.name)
	}
	return nil
}

// hostileFloor is base64, one scan and one digest: there is no signature worth
// verifying.
func hostileFloor(encoded string) error {
	doc, err := base64.StdEncoding.DecodeString(encoded)
	if err == nil {
		scan(doc)
		sha256.Sum256(doc)
	}
	return err
}

func unlimited(encoded string) error {
	doc, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	const many = 1 << 30
	_, err = xmldsig.Verify(doc, xmldsig.Options{
		Keys:   []xmldsig.Key{{Certificate: samltest.Key().Certificate}},
		Limits: xmldsig.Limits{Bytes: many, Depth: 10_000, Elements: many, Attributes: many, Namespaces: 1024, Comments: many, Signatures: many},
	})
	return err
}
