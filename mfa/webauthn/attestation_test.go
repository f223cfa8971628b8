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
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

// maker is whom a root certifies, and one authenticator that it made.
type maker struct {
	t               *testing.T
	root            *x509.Certificate
	rootKey         *ecdsa.PrivateKey
	key             *ecdsa.PrivateKey // of the attestation certificate
	credential      *ecdsa.PrivateKey
	id              []byte
	clientData      []byte
	challenge, hash [32]byte
	authData        []byte
}

var claimed = webauthn.AAGUID{0xab, 0xcd}

func newMaker(t *testing.T) *maker {
	t.Helper()
	m := &maker{t: t, id: bytes.Repeat([]byte{5}, 32)}
	for _, k := range []**ecdsa.PrivateKey{&m.rootKey, &m.key, &m.credential} {
		var err error
		if *k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	m.root = certificate(t, template, template, m.rootKey.Public(), m.rootKey)
	m.clientData = []byte(`{"type":"webauthn.create","challenge":"` + b64(m.challenge[:]) + `","origin":"` + origin + `"}`)
	m.hash = sha256.Sum256(m.clientData)
	rp := sha256.Sum256([]byte(rpID))
	m.authData = append(rp[:], mfatest.FlagUP|mfatest.FlagAT, 0, 0, 0, 0)
	m.authData = append(m.authData, claimed[:]...)
	m.authData = binary.BigEndian.AppendUint16(m.authData, uint16(len(m.id)))
	m.authData = append(m.authData, m.id...)
	point := m.point()
	m.authData = append(m.authData, mfatest.COSEKey(
		mfatest.COSEInt(1, 2), mfatest.COSEInt(3, -7), mfatest.COSEInt(-1, 1), mfatest.COSEBytes(-2, point[1:33]), mfatest.COSEBytes(-3, point[33:]),
	)...)
	return m
}

func (m *maker) point() []byte {
	point, err := m.credential.PublicKey.Bytes()
	if err != nil {
		m.t.Fatal(err)
	}
	return point
}

// leaf is the template of a sound certificate of a packed statement.
func (m *maker) leaf() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(2),
		Subject:               pkix.Name{Country: []string{"DE"}, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Key"},
		BasicConstraintsValid: true, NotBefore: m.root.NotBefore, NotAfter: m.root.NotAfter,
	}
}

var oidModel = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}

// withModel puts the extension that names a model in a certificate.
func withModel(c *x509.Certificate, value ...byte) *x509.Certificate {
	c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oidModel, Value: value})
	return c
}

func (m *maker) sign(k *ecdsa.PrivateKey, parts ...[]byte) []byte {
	digest := sha256.Sum256(slices.Concat(parts...))
	sig, err := k.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		m.t.Fatal(err)
	}
	return sig
}

func (m *maker) chain(template *x509.Certificate, key crypto.PublicKey) [][]byte {
	return [][]byte{certificate(m.t, template, m.root, key, m.rootKey).Raw}
}

func (m *maker) packed(leaf *x509.Certificate) map[string]any {
	return map[string]any{"alg": -7, "sig": m.sign(m.key, m.authData, m.hash[:]), "x5c": m.chain(leaf, m.key.Public())}
}

func (m *maker) u2f(leaf *x509.Certificate) map[string]any {
	return map[string]any{
		"sig": m.sign(m.key, []byte{0}, m.authData[:32], m.hash[:], m.id, m.point()), "x5c": m.chain(leaf, m.key.Public()),
	}
}

// register registers the authenticator with a statement, under a policy that
// has the maker's root.
func (m *maker) register(format webauthn.Format, stmt map[string]any, change ...func(*webauthn.Attestation)) (mfa.Enrolled, error) {
	m.t.Helper()
	policy := webauthn.Attestation{Roots: []*x509.Certificate{m.root}}
	for _, f := range change {
		f(&policy)
	}
	object, err := webauthncbor.Marshal(map[string]any{"fmt": format, "attStmt": stmt, "authData": m.authData})
	if err != nil {
		m.t.Fatal(err)
	}
	f := newRig(m.t, func(c *webauthn.Config) { c.Attestation = policy }).factor
	return f.FinishEnrol(context.Background(), mfa.FinishEnrolRequest{
		EnrolRequest: mfa.EnrolRequest{Subject: person("ann"), Now: time.Now()},
		State:        f.Created(m.challenge[:], bytes.Repeat([]byte{1}, 32), false),
		Answer:       answer(m.t, m.id, map[string]any{"clientDataJSON": b64(m.clientData), "attestationObject": b64(object)}),
	})
}

// TestMakersCertificate: what else a root certifies makes no statement (8.2.1,
// 8.6).
func TestMakersCertificate(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	for _, c := range []struct {
		name        string
		change      func(c *x509.Certificate)
		packed, u2f mfa.Check
	}{
		{"sound", func(*x509.Certificate) {}, "", ""},
		{"for signatures", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }, "", ""},
		{"for a maker's own use", func(c *x509.Certificate) {
			c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 99999, 1}}
		}, "", ""},
		{"of the model", func(c *x509.Certificate) { withModel(c, append([]byte{4, 16}, claimed[:]...)...) }, "", ""},
		{"without constraints", func(c *x509.Certificate) { c.BasicConstraintsValid = false }, webauthn.CheckAttestation, ""},
		{"of another model", func(c *x509.Certificate) { withModel(c, append([]byte{4, 16}, make([]byte, 16)...)...) }, webauthn.CheckAttestation, ""},
		{"of an empty model", func(c *x509.Certificate) { withModel(c, 4, 0) }, webauthn.CheckAttestation, ""},
		{"of the model with a tail", func(c *x509.Certificate) {
			withModel(c, append(append([]byte{4, 16}, claimed[:]...), 5, 0)...)
		}, webauthn.CheckAttestation, ""},
		{"of a server", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, webauthn.CheckAttestation, webauthn.CheckAttestation},
		{"for encryption", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, webauthn.CheckAttestation, webauthn.CheckAttestation},
		{"of an authority", func(c *x509.Certificate) { c.IsCA = true }, webauthn.CheckAttestation, webauthn.CheckAttestation},
	} {
		leaf := m.leaf()
		c.change(leaf)
		for format, want := range map[webauthn.Format]mfa.Check{webauthn.FormatPacked: c.packed, webauthn.FormatU2F: c.u2f} {
			stmt := m.packed(leaf)
			if format == webauthn.FormatU2F {
				stmt = m.u2f(leaf)
			}
			e, err := m.register(format, stmt)
			if got := mfa.CheckOf(err); got != want || err == nil && e.Strength != mfa.Attested {
				t.Errorf("%s, %s: strength %v, refused by %q (%v), want %q", format, c.name, e.Strength, got, err, want)
			}
		}
	}
}
