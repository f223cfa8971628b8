// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// service signs metadata.
type service struct {
	root, leaf *x509.Certificate
	key        crypto.Signer
}

func newService(t testing.TB, name string, key crypto.Signer) *service {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &service{key: key}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	s.root = certificate(t, template, template, rootKey.Public(), rootKey)
	s.leaf = certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, s.root, key.Public(), rootKey)
	return s
}

func certificate(t testing.TB, template, parent *x509.Certificate, key crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *service) sign(t testing.TB, alg string, payload any) []byte {
	t.Helper()
	return s.signWith(t, map[string]any{"alg": alg, "typ": "JWT"}, payload)
}

func (s *service) signWith(t testing.TB, header map[string]any, payload any) []byte {
	t.Helper()
	header["x5c"] = []string{base64.StdEncoding.EncodeToString(s.leaf.Raw)}
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b64(b)
	}
	signed := part(header) + "." + part(payload)
	digest := sha256.Sum256([]byte(signed))
	sig, err := s.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.key.(*ecdsa.PrivateKey); ok {
		var p struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(sig, &p); err != nil {
			t.Fatal(err)
		}
		sig = append(p.R.FillBytes(make([]byte, 32)), p.S.FillBytes(make([]byte, 32))...)
	}
	return []byte(signed + "." + b64(sig))
}

type entry map[string]any

func payload(entries ...entry) map[string]any {
	return map[string]any{"legalHeader": "x", "no": 42, "nextUpdate": "2027-01-01", "entries": entries}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	root := []string{base64.StdEncoding.EncodeToString(v.AttestationRoot.Cert)}
	known := func(aaguid string, reports ...string) entry {
		e := entry{"aaguid": aaguid, "metadataStatement": map[string]any{"attestationRootCertificates": root}}
		list := []map[string]any{{"status": "FIDO_CERTIFIED_L1"}}
		for _, r := range reports {
			list = append(list, map[string]any{"status": r})
		}
		e["statusReports"] = list
		return e
	}
	const packed, other = "876ca4f5-2071-c3e9-b255-09ef2cdf7ed6", "0132d110-bf4e-4208-a403-ab4f5f12efe5"
	u2f, brokenU2F := known(""), known("", "REVOKED")
	for _, e := range []entry{u2f, brokenU2F} {
		delete(e, "aaguid")
		e["attestationCertificateKeyIdentifiers"] = []string{u2fKeyID(t, v.named(t, "fido-u2f-es256"))}
	}

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, es := newService(t, "mds.fidoalliance.org", rsaKey), newService(t, "mds.fidoalliance.org", ecKey)
	read := func(s *service, alg string, entries ...entry) *webauthn.Metadata {
		t.Helper()
		m, err := webauthn.ParseMetadata(s.sign(t, alg, payload(entries...)), webauthn.MetadataConfig{Roots: []*x509.Certificate{s.root}, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if m.Number() != 42 || m.NextUpdate() != time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) {
			t.Errorf("number %d, next %v", m.Number(), m.NextUpdate())
		}
		return m
	}
	trusting := func(m *webauthn.Metadata) *fed {
		return vectorFactor(t, v, func(c *webauthn.Config) { c.Attestation = webauthn.Attestation{Metadata: m, RequireTrusted: true} })
	}
	for _, c := range []struct {
		name, vector string
		m            *webauthn.Metadata
		want         mfa.Check
	}{
		{"known", "packed-es256", read(rs, "RS256", known(packed)), ""},
		{"known, by another signer", "packed-es256", read(es, "ES256", known(packed)), ""},
		{"the roots of another model", "packed-es256", read(rs, "RS256", known(other)), webauthn.CheckTrust},
		{"empty", "packed-es256", read(rs, "RS256"), webauthn.CheckTrust},
		{"broken", "packed-es256", read(rs, "RS256", known(packed, "REVOKED")), webauthn.CheckStatus},
		{"broken, and again as if it were not", "packed-es256", read(rs, "RS256", known(packed, "REVOKED"), known(packed)), webauthn.CheckStatus},
		{"broken the second time", "packed-es256", read(rs, "RS256", known(packed), known(packed, "REVOKED")), webauthn.CheckStatus},
		{"known, and again without roots", "packed-es256", read(rs, "RS256", known(packed), entry{"aaguid": packed}), ""},
		{"broken U2F, and again as if it were not", "fido-u2f-es256", read(rs, "RS256", brokenU2F, u2f), webauthn.CheckStatus},
		{"keys in others' hands", "packed-es256", read(rs, "RS256", known(packed, "ATTESTATION_KEY_COMPROMISE")), webauthn.CheckStatus},
		{"an update is there", "packed-es256", read(rs, "RS256", known(packed, "UPDATE_AVAILABLE")), ""},
		{"U2F", "fido-u2f-es256", read(rs, "RS256", u2f), ""},
		{"U2F by the AAGUID that it claims", "fido-u2f-es256", read(rs, "RS256", known("afb3c2ef-c054-df42-5013-d5c88e79c3c1")), webauthn.CheckTrust},
	} {
		e, err := v.named(t, c.vector).register(t, trusting(c.m))
		if got := mfa.CheckOf(err); got != c.want {
			t.Errorf("%s: refused by %q (%v), want %q", c.name, got, err, c.want)
		}
		if err == nil && e.Strength != mfa.Attested {
			t.Errorf("%s: strength %v", c.name, e.Strength)
		}
	}

	// A model may break after its keys are registered.
	m := read(rs, "RS256", known(packed))
	f := vectorFactor(t, v, func(c *webauthn.Config) {
		c.AttestationFor = func(context.Context, mfa.Subject) (webauthn.Attestation, error) {
			return webauthn.Attestation{Metadata: m}, nil
		}
	})
	e, err := v.named(t, "packed-es256").register(t, f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.named(t, "packed-es256").login(t, f, e); err != nil {
		t.Fatal(err)
	}
	m = read(rs, "RS256", known(packed, "USER_KEY_REMOTE_COMPROMISE"))
	_, err = v.named(t, "packed-es256").login(t, f, e)
	wantCheck(t, err, webauthn.CheckStatus)
}

// u2fKeyID reads the key identifier that the vector's certificate has.
func u2fKeyID(t testing.TB, v *vector) string {
	t.Helper()
	object := v.Registration.AttestationObject
	_, rest, ok := bytes.Cut(object, []byte("cx5c\x81\x59"))
	if !ok {
		t.Fatal("no x5c")
	}
	c, err := x509.ParseCertificate(rest[2 : 2+int(rest[0])<<8+int(rest[1])])
	if err != nil {
		t.Fatal(err)
	}
	return strings.ToUpper(hexOf(c.SubjectKeyId))
}

func TestMetadataRefused(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t, "mds.fidoalliance.org", key)
	good := s.sign(t, "ES256", payload())
	elsewhere := newService(t, "evil.example", key)
	cfg := webauthn.MetadataConfig{Roots: []*x509.Certificate{s.root}, Now: time.Now()}
	if _, err := webauthn.ParseMetadata(good, cfg); err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(good)
	changed[bytes.IndexByte(good, '.')+5] ^= 1
	for _, c := range []struct {
		name string
		blob []byte
		cfg  webauthn.MetadataConfig
	}{
		{"changed", changed, cfg},
		{"empty", nil, cfg},
		{"no JWS", []byte("a.b"), cfg},
		{"unsigned", good[:bytes.LastIndexByte(good, '.')+1], cfg},
		{"algorithm none", s.sign(t, "none", payload()), cfg},
		{"another algorithm", s.sign(t, "RS256", payload()), cfg},
		{"critical extension", s.signWith(t, map[string]any{"alg": "ES256", "crit": []string{"b64"}, "b64": false}, payload()), cfg},
		{"nothing critical", s.signWith(t, map[string]any{"alg": "ES256", "crit": []string{}}, payload()), cfg},
		{"another root", good, webauthn.MetadataConfig{Roots: []*x509.Certificate{elsewhere.root}, Now: time.Now()}},
		{"another name", elsewhere.sign(t, "ES256", payload()), webauthn.MetadataConfig{Roots: []*x509.Certificate{elsewhere.root}, Now: time.Now()}},
		{"later", good, webauthn.MetadataConfig{Roots: []*x509.Certificate{s.root}, Now: time.Now().Add(2 * time.Hour)}},
		{"no roots", good, webauthn.MetadataConfig{Now: time.Now()}},
		{"no time", good, webauthn.MetadataConfig{Roots: []*x509.Certificate{s.root}}},
		{"no date", s.sign(t, "ES256", map[string]any{"no": 1, "entries": []any{}}), cfg},
	} {
		if _, err := webauthn.ParseMetadata(c.blob, c.cfg); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}
