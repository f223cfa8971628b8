// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
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
	factor          *fed
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

// android has a phone whose security level is given describe the credential's
// key in one of the lists.
func (m *maker) android(level asn1.Enumerated, soft, tee []byte) map[string]any {
	list := func(b []byte) asn1.RawValue {
		return asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: b}
	}
	description, err := asn1.Marshal(struct {
		Version   int
		Level     asn1.Enumerated
		Keymaster int
		MadeAt    asn1.Enumerated
		Challenge []byte
		UniqueID  []byte
		Soft, TEE asn1.RawValue
	}{3, level, 4, level, m.hash[:], []byte{}, list(soft), list(tee)})
	if err != nil {
		m.t.Fatal(err)
	}
	leaf := m.leaf()
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 1, 17}, Value: description}}
	return map[string]any{"alg": -7, "sig": m.sign(m.credential, m.authData, m.hash[:]), "x5c": m.chain(leaf, m.credential.Public())}
}

// soundKey is for signing and was generated in the phone.
var soundKey = []byte("\xa1\x05\x31\x03\x02\x01\x02\xbf\x85\x3e\x03\x02\x01\x00")

// apple makes a statement of Apple's form for a model.
func (m *maker) apple(model webauthn.AAGUID) map[string]any {
	copy(m.authData[37:], model[:])
	nonce := sha256.Sum256(slices.Concat(m.authData, m.hash[:]))
	value, err := asn1.Marshal(struct {
		Value []byte `asn1:"tag:1,explicit"`
	}{nonce[:]})
	if err != nil {
		m.t.Fatal(err)
	}
	leaf := m.leaf()
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 8, 2}, Value: value}}
	return map[string]any{"x5c": m.chain(leaf, m.credential.Public())}
}

// register registers the authenticator with a statement, under a policy that
// has the maker's root.
func (m *maker) register(format webauthn.Format, stmt map[string]any, change ...func(*webauthn.Attestation)) (*registered, error) {
	m.t.Helper()
	policy := webauthn.Attestation{Roots: []*x509.Certificate{m.root}}
	for _, f := range change {
		f(&policy)
	}
	object, err := webauthncbor.Marshal(map[string]any{"fmt": format, "attStmt": stmt, "authData": m.authData})
	if err != nil {
		m.t.Fatal(err)
	}
	m.factor = newFed(m.t, webauthn.Config{
		RPID: rpID, RPName: "Example", Origins: []string{origin}, Key: make([]byte, 32), Attestation: policy,
	})
	var v vector
	r := &v.Registration
	r.Challenge, r.ClientDataJSON, r.AttestationObject, r.CredentialID = m.challenge[:], m.clientData, object, m.id
	return v.register(m.t, m.factor)
}

// login signs in with the credential that was registered.
func (m *maker) login(e *registered) (mfa.Evidence, error) {
	m.t.Helper()
	clientData := []byte(`{"type":"webauthn.get","challenge":"` + b64(m.challenge[:]) + `","origin":"` + origin + `"}`)
	hash := sha256.Sum256(clientData)
	authData := append(bytes.Clone(m.authData[:32]), mfatest.FlagUP, 0, 0, 0, 0)
	var v vector
	v.Registration.CredentialID = m.id
	a := &v.Authentication
	a.Challenge, a.ClientDataJSON, a.AuthenticatorData = m.challenge[:], clientData, authData
	a.Signature = m.sign(m.credential, authData, hash[:])
	return v.login(m.t, m.factor, e)
}

// TestHardwareKey: what only a phone's software vouches for is no hardware key
// (RFC 8176 2), trusted or not.
func TestHardwareKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		format   webauthn.Format
		stmt     func(m *maker) map[string]any
		strength mfa.Strength
		hardware bool
	}{
		{"packed", webauthn.FormatPacked, func(m *maker) map[string]any { return m.packed(m.leaf()) }, mfa.Attested, true},
		{"in a phone's hardware", webauthn.FormatAndroidKey, func(m *maker) map[string]any { return m.android(1, nil, soundKey) }, mfa.Attested, true},
		{"in a phone's software", webauthn.FormatAndroidKey, func(m *maker) map[string]any { return m.android(0, soundKey, nil) }, mfa.Attested, false},
		{"in software, untrusted", webauthn.FormatAndroidKey, func(m *maker) map[string]any { return m.android(0, soundKey, nil) }, mfa.PhishingResistant, false},
		{"in software that says hardware", webauthn.FormatAndroidKey, func(m *maker) map[string]any { return m.android(0, nil, soundKey) }, mfa.Attested, false},
		{"made nowhere", webauthn.FormatAndroidKey, func(m *maker) map[string]any { return m.android(1, nil, nil) }, mfa.PhishingResistant, false},
	} {
		m := newMaker(t)
		e, err := m.register(c.format, c.stmt(m), func(a *webauthn.Attestation) { a.TrustSoftwareKeys = c.name != "in software, untrusted" })
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.login(e)
		if err != nil {
			t.Fatal(err)
		}
		if got.Strength != c.strength || slices.Contains(got.AMR, "hwk") != c.hardware {
			t.Errorf("%s: strength %v, AMR %v", c.name, got.Strength, got.AMR)
		}
	}
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

// TestProvedModel: a permitted model is one that the statement proves, not one
// that it claims under whatever root (7.1 step 23).
func TestProvedModel(t *testing.T) {
	t.Parallel()
	apple, err := webauthn.ParseAAGUID("f24a8e70-d0d3-f82c-2937-32523cc4de5a")
	if err != nil {
		t.Fatal(err)
	}
	of := append([]byte{4, 16}, claimed[:]...)
	for _, c := range []struct {
		name   string
		format webauthn.Format
		model  webauthn.AAGUID
		stmt   func(m *maker) map[string]any
		want   mfa.Check // with the root alone
		known  mfa.Check // with metadata for the model that have the root
	}{
		{"packed, named by the certificate", webauthn.FormatPacked, claimed, func(m *maker) map[string]any { return m.packed(withModel(m.leaf(), of...)) }, "", ""},
		{"packed", webauthn.FormatPacked, claimed, func(m *maker) map[string]any { return m.packed(m.leaf()) }, webauthn.CheckAAGUID, ""},
		{"an app's key", webauthn.FormatAndroidKey, claimed, func(m *maker) map[string]any { return m.android(1, nil, soundKey) }, webauthn.CheckAAGUID, ""},
		{"Apple's", webauthn.FormatApple, apple, func(m *maker) map[string]any { return m.apple(apple) }, "", ""},
		{"Apple's, as another model", webauthn.FormatApple, claimed, func(m *maker) map[string]any { return m.apple(claimed) }, webauthn.CheckAAGUID, ""},
		{"as Apple's", webauthn.FormatPacked, apple, func(m *maker) map[string]any {
			copy(m.authData[37:], apple[:])
			return m.packed(m.leaf())
		}, webauthn.CheckAAGUID, ""},
	} {
		m := newMaker(t)
		stmt := c.stmt(m)
		permitted := func(a *webauthn.Attestation) { a.RequireTrusted, a.Permitted = true, []webauthn.AAGUID{c.model} }
		_, err := m.register(c.format, stmt, permitted)
		if got := mfa.CheckOf(err); got != c.want {
			t.Errorf("%s: refused by %q (%v), want %q", c.name, got, err, c.want)
		}
		metadata := metadataOf(t, c.model, m.root)
		_, err = m.register(c.format, stmt, permitted, func(a *webauthn.Attestation) { a.Metadata = metadata })
		if got := mfa.CheckOf(err); got != c.known {
			t.Errorf("%s, known: refused by %q (%v), want %q", c.name, got, err, c.known)
		}
		other := metadataOf(t, webauthn.AAGUID{1}, m.root)
		_, err = m.register(c.format, stmt, permitted, func(a *webauthn.Attestation) { a.Metadata = other })
		if got := mfa.CheckOf(err); got != c.want {
			t.Errorf("%s, another known: refused by %q (%v), want %q", c.name, got, err, c.want)
		}
		// Who does not ask for a root, or for a model, takes what is claimed.
		_, err = m.register(c.format, stmt, func(a *webauthn.Attestation) { a.Permitted = []webauthn.AAGUID{c.model} })
		wantCheck(t, err, "")
		_, err = m.register(c.format, stmt, func(a *webauthn.Attestation) { a.RequireTrusted = true })
		wantCheck(t, err, "")
	}
	// A TPM's certificate may name the model; the vector's does not.
	v := readVectors(t)
	model, err := webauthn.ParseAAGUID("4b92a377-fc5f-6107-c4c8-5c190adbfd99")
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.named(t, "tpm-es256").register(t, vectorFactor(t, v, func(c *webauthn.Config) {
		c.Attestation.RequireTrusted, c.Attestation.Permitted = true, []webauthn.AAGUID{model}
	}))
	wantCheck(t, err, webauthn.CheckAAGUID)
}

// metadataOf are metadata in which a model has a root.
func metadataOf(t *testing.T, model webauthn.AAGUID, root *x509.Certificate) *webauthn.Metadata {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t, "mds.fidoalliance.org", key)
	m, err := webauthn.ParseMetadata(s.sign(t, "ES256", payload(entry{
		"aaguid":            model.String(),
		"metadataStatement": map[string]any{"attestationRootCertificates": []string{base64.StdEncoding.EncodeToString(root.Raw)}},
	})), webauthn.MetadataConfig{Roots: []*x509.Certificate{s.root}, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
