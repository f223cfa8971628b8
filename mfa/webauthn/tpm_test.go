// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/google/go-tpm/tpm2"
)

// tpm makes attestation statements, sound ones unless it is changed.
type tpm struct {
	t        *testing.T
	key      crypto.PublicKey // the credential's
	alg      Algorithm
	root     *x509.Certificate
	rootKey  *ecdsa.PrivateKey
	template *x509.Certificate // of the attestation key
	aik      crypto.Signer
	public   func(*tpm2.TPMTPublic)
	info     func(*tpm2.TPMSAttest)
	tail     []byte // of certInfo
	stmt     func(map[string]any)
}

func tpmName(t *testing.T, ids ...asn1.ObjectIdentifier) []byte {
	t.Helper()
	var set pkix.RelativeDistinguishedNameSET
	for _, id := range ids {
		set = append(set, pkix.AttributeTypeAndValue{Type: id, Value: "id:00000000"})
	}
	rdns, err := asn1.Marshal(pkix.RDNSequence{set})
	if err != nil {
		t.Fatal(err)
	}
	b, err := asn1.Marshal([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: rdns}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newTPM(t *testing.T, key crypto.PublicKey, alg Algorithm, aik crypto.Signer) *tpm {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &tpm{
		t: t, key: key, alg: alg, root: root, rootKey: rootKey, aik: aik,
		template: &x509.Certificate{
			SerialNumber: big.NewInt(2), BasicConstraintsValid: true, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
			UnknownExtKeyUsage: []asn1.ObjectIdentifier{oidAIKCertificate},
			ExtraExtensions: []pkix.Extension{
				{Id: oidSubjectAltName, Critical: true, Value: tpmName(t, oidTPMManufacturer, oidTPMModel, oidTPMVersion)},
			},
		},
		public: func(*tpm2.TPMTPublic) {}, info: func(*tpm2.TPMSAttest) {}, stmt: func(map[string]any) {},
	}
}

func (m *tpm) area() tpm2.TPMTPublic {
	if k, ok := m.key.(*rsa.PublicKey); ok {
		return tpm2.TPMTPublic{
			Type: tpm2.TPMAlgRSA, NameAlg: tpm2.TPMAlgSHA256,
			Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, &tpm2.TPMSRSAParms{KeyBits: 2048}),
			Unique:     tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: k.N.Bytes()}),
		}
	}
	k := m.key.(*ecdsa.PublicKey)
	point, err := k.Bytes()
	if err != nil {
		m.t.Fatal(err)
	}
	half := len(point) / 2
	curve := map[elliptic.Curve]tpm2.TPMECCCurve{
		elliptic.P256(): tpm2.TPMECCNistP256, elliptic.P384(): tpm2.TPMECCNistP384, elliptic.P521(): tpm2.TPMECCNistP521,
	}[k.Curve]
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{CurveID: curve}),
		Unique: tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
			X: tpm2.TPM2BECCParameter{Buffer: point[1 : 1+half]}, Y: tpm2.TPM2BECCParameter{Buffer: point[1+half:]},
		}),
	}
}

// verify makes a statement and has it verified.
func (m *tpm) verify() (trusted bool, err error) {
	m.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, m.template, m.root, m.aik.Public(), m.rootKey)
	if err != nil {
		m.t.Fatal(err)
	}
	a := attested{format: FormatTPM, rawAuthData: []byte("authenticator data"), clientDataHash: make([]byte, 32)}
	a.authData.aaguid = AAGUID{1}
	switch k := m.key.(type) {
	case *ecdsa.PublicKey:
		a.key = publicKey{alg: m.alg, ec: k}
	case *rsa.PublicKey:
		a.key = publicKey{alg: m.alg, rsa: k}
	}
	area := m.area()
	name, err := tpm2.ObjectName(&area)
	if err != nil {
		m.t.Fatal(err)
	}
	statementAlg, hash := RS256, crypto.SHA256
	if _, ok := m.aik.Public().(*ecdsa.PublicKey); ok {
		statementAlg = ES256
	}
	extra := sha256.Sum256(append(append([]byte{}, a.rawAuthData...), a.clientDataHash...))
	info := tpm2.TPMSAttest{
		Magic: tpm2.TPMGeneratedValue, Type: tpm2.TPMSTAttestCertify, ExtraData: tpm2.TPM2BData{Buffer: extra[:]},
		Attested: tpm2.NewTPMUAttest(tpm2.TPMSTAttestCertify, &tpm2.TPMSCertifyInfo{Name: *name}),
	}
	m.info(&info)
	m.public(&area)
	certInfo := append(tpm2.Marshal(info), m.tail...)
	digest := sha256.Sum256(certInfo)
	sig, err := m.aik.Sign(rand.Reader, digest[:], hash)
	if err != nil {
		m.t.Fatal(err)
	}
	stmt := map[string]any{
		"ver": "2.0", "alg": int64(statementAlg), "sig": sig, "certInfo": certInfo, "pubArea": tpm2.Marshal(area), "x5c": []any{der},
	}
	m.stmt(stmt)
	by, err := a.verifyOne(protocol.AttestationObject{Format: string(FormatTPM), AttStatement: stmt}, &Attestation{Roots: []*x509.Certificate{m.root}}, time.Now())
	return by.root, err
}

func TestTPM(t *testing.T) {
	ec := func(c elliptic.Curve) *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other := ec(elliptic.P256())
	for _, c := range []struct {
		name string
		key  crypto.PublicKey
		alg  Algorithm
		aik  crypto.Signer
	}{
		{"P-256", ec(elliptic.P256()).Public(), ES256, other},
		{"P-384", ec(elliptic.P384()).Public(), ES384, other},
		{"P-521", ec(elliptic.P521()).Public(), ES512, other},
		{"RSA, certified by RSA", rsaKey.Public(), RS256, rsaKey},
	} {
		if trusted, err := newTPM(t, c.key, c.alg, c.aik).verify(); err != nil || !trusted {
			t.Errorf("%s: trusted %v, %v", c.name, trusted, err)
		}
	}
	for _, c := range []struct {
		name   string
		change func(m *tpm)
		want   string
	}{
		{"version 1.2", func(m *tpm) { m.stmt = func(s map[string]any) { s["ver"] = "1.2" } }, "missing"},
		{"no pubArea", func(m *tpm) { m.stmt = func(s map[string]any) { delete(s, "pubArea") } }, "missing"},
		{"SHA-1", func(m *tpm) { m.stmt = func(s map[string]any) { s["alg"] = int64(-65535) } }, "not supported"},
		{"no certificate", func(m *tpm) { m.stmt = func(s map[string]any) { delete(s, "x5c") } }, "no certificate"},
		{"x5c no list", func(m *tpm) { m.stmt = func(s map[string]any) { s["x5c"] = "x" } }, "no list"},
		{"certificate malformed", func(m *tpm) { m.stmt = func(s map[string]any) { s["x5c"] = []any{[]byte("x")} } }, "x509"},
		{"signature", func(m *tpm) { m.stmt = func(s map[string]any) { s["sig"] = []byte("x") } }, "verification"},
		{"pubArea malformed", func(m *tpm) { m.stmt = func(s map[string]any) { s["pubArea"] = []byte("x") } }, ""},
		{"pubArea of another key", func(m *tpm) {
			m.stmt = func(s map[string]any) { m.key = other.Public(); s["pubArea"] = tpm2.Marshal(m.area()) }
		}, "another key"},
		{"pubArea with a tail", func(m *tpm) { m.stmt = func(s map[string]any) { s["pubArea"] = append(s["pubArea"].([]byte), 0) } }, "another form"},
		{"certInfo with a tail", func(m *tpm) { m.tail = []byte{0} }, "bytes follow"},
		{"certInfo of another type", func(m *tpm) {
			m.info = func(i *tpm2.TPMSAttest) {
				i.Type = tpm2.TPMSTAttestTime
				i.Attested = tpm2.NewTPMUAttest(tpm2.TPMSTAttestTime, &tpm2.TPMSTimeAttestInfo{})
			}
		}, "certifies no key"},
		{"certInfo of another ceremony", func(m *tpm) { m.info = func(i *tpm2.TPMSAttest) { i.ExtraData.Buffer[0] ^= 1 } }, "another ceremony"},
		{"certInfo of another key", func(m *tpm) {
			m.info = func(i *tpm2.TPMSAttest) {
				i.Attested = tpm2.NewTPMUAttest(tpm2.TPMSTAttestCertify, &tpm2.TPMSCertifyInfo{})
			}
		}, "certifies another key"},
		{"pubArea with another use", func(m *tpm) { m.public = func(p *tpm2.TPMTPublic) { p.ObjectAttributes.Decrypt = true } }, "certifies another key"},
		{"not the TPM's magic", func(m *tpm) { m.info = func(i *tpm2.TPMSAttest) { i.Magic = 1 } }, ""},
		{"certificate with a subject", func(m *tpm) { m.template.Subject.CommonName = "x" }, "has a subject"},
		{"certificate expired", func(m *tpm) { m.template.NotAfter = time.Now().Add(-time.Minute) }, "not valid now"},
		{"certificate of an authority", func(m *tpm) { m.template.IsCA = true }, "end entity"},
		{"certificate without constraints", func(m *tpm) { m.template.BasicConstraintsValid = false }, "end entity"},
		{"certificate for another use", func(m *tpm) { m.template.UnknownExtKeyUsage = nil }, "attestation key"},
		{"certificate without a name", func(m *tpm) { m.template.ExtraExtensions = nil }, "lacks extension"},
		{"certificate without a model", func(m *tpm) {
			m.template.ExtraExtensions[0].Value = tpmName(m.t, oidTPMManufacturer, oidTPMVersion)
		}, "does not name"},
		{"certificate of another AAGUID", func(m *tpm) {
			m.template.ExtraExtensions = append(m.template.ExtraExtensions, pkix.Extension{Id: oidModel, Value: append([]byte{4, 16}, make([]byte, 16)...)})
		}, "another model"},
	} {
		m := newTPM(t, ec(elliptic.P256()).Public(), ES256, other)
		c.change(m)
		if _, err := m.verify(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	m := newTPM(t, ec(elliptic.P256()).Public(), ES256, other)
	m.template.ExtraExtensions = append(m.template.ExtraExtensions, pkix.Extension{
		Id: oidModel, Value: append([]byte{4, 16, 1}, make([]byte, 15)...),
	})
	if trusted, err := m.verify(); err != nil || !trusted {
		t.Errorf("with the right AAGUID: trusted %v, %v", trusted, err)
	}
}
