// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	gosaml2 "github.com/russellhaering/gosaml2"
	goxmldsig "github.com/russellhaering/goxmldsig"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

// forgetful is a store that keeps nothing, so that one document can be
// verified again and again.
type forgetful struct{}

func (forgetful) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }
func (forgetful) Put(context.Context, saml.Record, time.Time) error              { return nil }
func (forgetful) Get(context.Context, saml.Kind, string, time.Time) (*saml.Record, error) {
	return nil, saml.ErrNotFound
}

func (forgetful) Take(context.Context, saml.Kind, string, time.Time) (*saml.Record, error) {
	return nil, saml.ErrNotFound
}
func (forgetful) DeleteExpired(context.Context, time.Time, int) (int, error) { return 0, nil }

// implementation verifies one base64 Response.
type implementation struct {
	name   string
	verify func(encoded string) error
}

// federation is an identity provider and one service provider in three
// implementations, whose clocks stand still.
type federation struct {
	now    time.Time
	idp    *samltest.IdP
	sp     *samltest.SP
	impls  []implementation // gatehouse first
	gosaml *gosaml2.SAMLServiceProvider
	crew   *crewjam.ServiceProvider
}

const requestID = "_request0123456789abcdef"

func newFederation(b *testing.B) *federation {
	b.Helper()
	f := &federation{now: time.Now(), idp: samltest.NewIdP(b)}
	f.idp.Now = func() time.Time { return f.now }
	f.sp = samltest.NewSP(b, f.idp.Entity(), func(c *saml.SPConfig, _ *saml.Connection) {
		c.Store = forgetful{}
		c.Now = f.idp.Now
	})
	f.gosaml = f.newGosaml2()
	f.crew = f.newCrewjam(b)
	f.impls = []implementation{
		{"gatehouse", func(encoded string) error {
			_, err := f.sp.InsecureVerifyUnbound(context.Background(), f.sp.Connection.ID, encoded)
			return err
		}},
		{"gosaml2", func(encoded string) error {
			info, err := f.gosaml.RetrieveAssertionInfo(encoded)
			if err == nil && (info.WarningInfo.InvalidTime || info.WarningInfo.NotInAudience) {
				return fmt.Errorf("%+v", info.WarningInfo)
			}
			return err
		}},
		{"crewjam", func(encoded string) error {
			doc, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				return err
			}
			_, err = f.crew.ParseXMLResponse(doc, []string{requestID}, f.crew.AcsURL)
			return err
		}},
	}
	return f
}

func (f *federation) newGosaml2() *gosaml2.SAMLServiceProvider {
	c, key := f.sp.Connection, samltest.SPKey()
	return &gosaml2.SAMLServiceProvider{
		IdentityProviderIssuer: f.idp.EntityID, AssertionConsumerServiceURL: c.ACS, ServiceProviderIssuer: c.EntityID, AudienceURI: c.EntityID,
		IDPCertificateStore: &goxmldsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{samltest.Key().Certificate}},
		SPKeyStore:          goxmldsig.TLSCertKeyStore(tls.Certificate{Certificate: [][]byte{key.Certificate.Raw}, PrivateKey: key.Signer}),
		Clock:               goxmldsig.NewFakeClockAt(f.now),
	}
}

func (f *federation) newCrewjam(b *testing.B) *crewjam.ServiceProvider {
	b.Helper()
	// Its clocks are the package's.
	before, clock := crewjam.TimeNow, crewjam.Clock
	b.Cleanup(func() { crewjam.TimeNow, crewjam.Clock = before, clock })
	crewjam.TimeNow, crewjam.Clock = f.idp.Now, goxmldsig.NewFakeClockAt(f.now)
	metadata := &crewjam.EntityDescriptor{}
	if err := xml.Unmarshal(f.idp.Metadata(), metadata); err != nil {
		b.Fatal(err)
	}
	acs, err := url.Parse(f.sp.Connection.ACS)
	if err != nil {
		b.Fatal(err)
	}
	key := samltest.SPKey()
	return &crewjam.ServiceProvider{
		EntityID: f.sp.Connection.EntityID, Key: key.Signer, Certificate: key.Certificate, AcsURL: *acs, IDPMetadata: metadata,
	}
}

// responses are Responses in base64, documents of them, whose assertions are
// signed and have attributes of one value each.
func (f *federation) responses(b *testing.B, attributes, size int, change func(*samltest.Forge)) []string {
	b.Helper()
	docs := make([]string, documents)
	for n := range docs {
		p := samltest.Alice()
		p.Attributes = nil
		for i := range attributes {
			p.Attributes = append(p.Attributes, saml.Attribute{
				Name: fmt.Sprintf("http://schemas.example.test/claims/attribute-%d", i), Format: saml.AttrURI,
				Values: []string{strings.Repeat(fmt.Sprintf("value %d of %d ", i, n), size)},
			})
		}
		forge := f.idp.Forge(f.sp.Connection, nil, p)
		forge.InResponseTo, forge.ConfirmInResponseTo = requestID, requestID
		forge.SignResponse = false
		if change != nil {
			change(forge)
		}
		form, err := forge.Form()
		if err != nil {
			b.Fatal(err)
		}
		docs[n] = form.Get("SAMLResponse")
	}
	return docs
}

// run measures what is done to documents in rotation, then a floor in the same
// seconds, and reports the ratio.
func run(b *testing.B, name string, docs []string, op, floor func(doc string) error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(docs[0])) / 4 * 3)
		for i := 0; b.Loop(); i++ {
			if err := op(docs[i%len(docs)]); err != nil {
				b.Fatal(err)
			}
		}
		if floor != nil {
			against(b, func(i int) error { return floor(docs[i%len(docs)]) })
		}
	})
}

// against reports how many times the floor an operation took that a loop has
// just measured.
func against(b *testing.B, floor func(i int) error) {
	b.Helper()
	op := b.Elapsed() / time.Duration(b.N)
	n := 0
	start := time.Now()
	for ; n < 50 || time.Since(start) < 200*time.Millisecond; n++ {
		if err := floor(n); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(op)/float64(time.Since(start)/time.Duration(n)), "x-floor")
}

// responseFloor is the work that nobody can save: base64, one scan, two
// digests, and one RSA-2048 verification.
func responseFloor(b *testing.B) func(encoded string) error {
	b.Helper()
	key := samltest.Key()
	public := key.Certificate.PublicKey.(*rsa.PublicKey)
	sum := sha256.Sum256([]byte("SignedInfo"))
	sig, err := key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	return func(encoded string) error {
		doc, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return err
		}
		if scan(doc) == 0 {
			return fmt.Errorf("no XML")
		}
		sha256.Sum256(doc)
		sha256.Sum256(doc[:min(len(doc), 700)])
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], sig)
	}
}

// scan looks at each byte once.
func scan(doc []byte) int {
	n := 0
	for _, c := range doc {
		if c == '<' {
			n++
		}
	}
	return n
}

func encrypt(f *samltest.Forge) { f.EncryptTo = samltest.SPKey().Certificate }

// BenchmarkSAMLValidate validates a Response, from base64 to its attributes.
// All implementations accept all documents; what gatehouse checks more is the
// replay of an assertion.
//
//	bar: 9 attributes <= 2 x-floor and <= 150 allocations, 201 <= 3 x-floor
func BenchmarkSAMLValidate(b *testing.B) {
	f := newFederation(b)
	floor := responseFloor(b)
	for _, d := range []struct{ attributes, size int }{{9, 14}, {201, 9}} {
		docs := f.responses(b, d.attributes, d.size, nil)
		name := fmt.Sprintf("attributes=%d/impl=", d.attributes)
		run(b, name+"floor", docs, floor, nil)
		for _, i := range f.impls {
			run(b, name+i.name, docs, i.verify, floor)
		}
	}
}

// BenchmarkSAMLValue is the cost of one attribute value more: the difference
// between Responses of 201 and of 9 values, one after the other.
//
//	bar: <= 1000 ns/value
func BenchmarkSAMLValue(b *testing.B) {
	f := newFederation(b)
	few, many := f.responses(b, 9, 1, nil), f.responses(b, 201, 1, nil)
	for _, impl := range f.impls {
		b.Run("impl="+impl.name, func(b *testing.B) {
			var spent [2]time.Duration
			for i := 0; b.Loop(); i++ {
				for j, docs := range [][]string{few, many} {
					start := time.Now()
					if err := impl.verify(docs[i%documents]); err != nil {
						b.Fatal(err)
					}
					spent[j] += time.Since(start)
				}
			}
			b.ReportMetric(float64(spent[1]-spent[0])/float64(b.N)/(201-9), "ns/value")
		})
	}
}

// BenchmarkSAMLEncrypted validates an assertion in AES-256-GCM by RSA-OAEP.
// Its floor is the one of BenchmarkSAMLValidate and the private RSA operation,
// which is most of it. crewjam knows no AES-256-GCM.
//
//	bar: <= 1.3 x-floor
func BenchmarkSAMLEncrypted(b *testing.B) {
	f := newFederation(b)
	docs := f.responses(b, 9, 14, encrypt)
	plain := responseFloor(b)
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, samltest.SPKey().Certificate.PublicKey.(*rsa.PublicKey), make([]byte, 32), nil)
	if err != nil {
		b.Fatal(err)
	}
	floor := func(doc string) error {
		if _, err := samltest.SPKey().Signer.(crypto.Decrypter).Decrypt(nil, wrapped, &rsa.OAEPOptions{Hash: crypto.SHA256}); err != nil {
			return err
		}
		return plain(doc)
	}
	run(b, "impl=floor", docs, floor, nil)
	for _, i := range f.impls[:2] {
		run(b, "impl="+i.name, docs, i.verify, floor)
	}
	if f.impls[2].verify(docs[0]) == nil {
		b.Error("crewjam decrypts AES-256-GCM: compare with it")
	}
}

// BenchmarkSAMLIssue makes a Response with two signatures, its own and its
// assertion's, as a form to be posted. The floor is two bare signatures.
//
//	bar: RSA <= 1.1 x-floor, P-256 <= 2 x-floor
func BenchmarkSAMLIssue(b *testing.B) {
	for _, k := range []struct {
		name string
		key  saml.KeyPair
	}{{"RSA-2048", samltest.Key()}, {"P-256", samltest.ECKey()}} {
		floor := func(int) error {
			for range 2 {
				sum := sha256.Sum256([]byte("x"))
				if _, err := k.key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
					return err
				}
			}
			return nil
		}
		for _, i := range []struct {
			name  string
			issue func(int) error
		}{{"floor", floor}, {"gatehouse", gatehouseIssuer(b, k.key)}, {"crewjam", crewjamIssuer(b, k.key)}} {
			b.Run("key="+k.name+"/impl="+i.name, func(b *testing.B) {
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					if err := i.issue(n); err != nil {
						b.Fatal(err)
					}
				}
				against(b, floor)
			})
		}
	}
}

func issued(n, i int) (name, value string) {
	return fmt.Sprintf("http://schemas.example.test/claims/attribute-%d", i), strings.Repeat(fmt.Sprintf("value %d of %d ", i, n%documents), 10)
}

func gatehouseIssuer(b *testing.B, key saml.KeyPair) func(n int) error {
	b.Helper()
	peer := &saml.Peer{NoEncryption: true}
	idp, err := saml.NewIdentityProvider(saml.IdPConfig{
		EntityID: "https://idp.test/metadata", SSO: "https://idp.test/sso", Keys: []saml.KeyPair{key}, Peers: saml.PeerList{peer}, Store: forgetful{},
	})
	if err != nil {
		b.Fatal(err)
	}
	peer.Entity = samltest.NewSP(b, idp.Entity(), nil).Entity()
	return func(n int) error {
		rp := saml.ResponseParams{SP: peer.Entity.EntityID, NameID: samltest.Alice().NameID, AuthnInstant: time.Now()}
		for i := range 9 {
			name, value := issued(n, i)
			rp.Attributes = append(rp.Attributes, saml.Attribute{Name: name, Format: saml.AttrURI, Values: []string{value}})
		}
		_, err := idp.Respond(context.Background(), rp)
		return err
	}
}

func crewjamIssuer(b *testing.B, key saml.KeyPair) func(n int) error {
	b.Helper()
	idp := &crewjam.IdentityProvider{
		Signer: key.Signer, Certificate: key.Certificate, SignatureMethod: goxmldsig.RSASHA256SignatureMethod,
		MetadataURL: url.URL{Scheme: "https", Host: "idp.test", Path: "/metadata"}, SSOURL: url.URL{Scheme: "https", Host: "idp.test", Path: "/sso"},
	}
	if key.Signer == samltest.ECKey().Signer {
		idp.SignatureMethod = goxmldsig.ECDSASHA256SignatureMethod
	}
	return func(n int) error {
		req := &crewjam.IdpAuthnRequest{
			IDP: idp, HTTPRequest: &http.Request{}, Now: time.Now(), Request: crewjam.AuthnRequest{ID: requestID},
			ServiceProviderMetadata: &crewjam.EntityDescriptor{EntityID: "https://sp.test/metadata"},
			SPSSODescriptor:         &crewjam.SPSSODescriptor{},
			ACSEndpoint:             &crewjam.IndexedEndpoint{Binding: crewjam.HTTPPostBinding, Location: "https://sp.test/acs"},
		}
		session := &crewjam.Session{ID: "s", Index: "s", NameID: "alice@example.test"}
		for i := range 9 {
			name, value := issued(n, i)
			session.CustomAttributes = append(session.CustomAttributes, crewjam.Attribute{
				Name: name, NameFormat: saml.AttrURI, Values: []crewjam.AttributeValue{{Type: "xs:string", Value: value}},
			})
		}
		if err := (crewjam.DefaultAssertionMaker{}).MakeAssertion(req, session); err != nil {
			return err
		}
		_, err := req.PostBinding()
		return err
	}
}
