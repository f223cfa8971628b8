// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"
)

// selfIssued is a certificate over the key with one extension.
func selfIssued(t *testing.T, k *ecdsa.PrivateKey, id asn1.ObjectIdentifier, value []byte) []byte {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "key"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: id, Value: value}},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newAttested(t *testing.T) (*attested, *ecdsa.PrivateKey) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte("client data"))
	return &attested{
		rawAuthData: []byte("authenticator data"), clientDataHash: hash[:], key: publicKey{alg: ES256, ec: &k.PublicKey},
	}, k
}

func TestAndroidKey(t *testing.T) {
	const (
		signs, generated = "a1053103020102", "bf853e03020100"

		sound    = signs + generated
		imported = "a1053103020102bf853e03020102"
		encrypts = "a1053103020100bf853e03020100"
		shared   = "bf84580205" + "00" // of all applications
	)
	a, k := newAttested(t)
	_, stranger := newAttested(t)
	list := func(h string) asn1.RawValue {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		return asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: b}
	}
	levels := func(attestation, keymaster asn1.Enumerated) func(*keyDescription) {
		return func(d *keyDescription) { d.AttestationSecurityLevel, d.KeymasterSecurityLevel = attestation, keymaster }
	}
	for _, c := range []struct {
		name, soft, tee string
		challenge       []byte
		key             *ecdsa.PrivateKey
		levels          func(*keyDescription)
		change          func(map[string]any)
		by              source
		want            string
	}{
		{name: "by hardware", tee: sound, by: sourceHardware},
		{name: "by software", soft: sound, by: sourceSoftware},
		{name: "by nobody"},
		{name: "only generated", tee: generated},
		{name: "only for signing", tee: signs},
		{name: "by both", soft: generated, tee: signs, by: sourceSoftware},
		{name: "by what software calls hardware", tee: sound, levels: levels(0, 1), by: sourceSoftware},
		{name: "by a keystore in software", tee: sound, levels: levels(1, 0), by: sourceSoftware},
		{name: "by StrongBox", tee: sound, levels: levels(2, 2), by: sourceHardware},
		{name: "the hardware decides", soft: imported, tee: sound, by: sourceHardware},
		{name: "imported into hardware", soft: sound, tee: imported, want: "not generated"},
		{name: "imported into software", soft: imported, want: "not generated"},
		{name: "for encryption", tee: encrypts, want: "not for signing"},
		{name: "for encryption, in software", soft: encrypts, want: "not for signing"},
		{name: "of all applications", tee: sound, soft: shared, want: "one application"},
		{name: "of all applications, in hardware", tee: "a1053103020102" + shared, want: "one application"},
		{name: "another challenge", tee: sound, challenge: []byte("x"), want: "another challenge"},
		{name: "another key", tee: sound, key: stranger, want: "another key"},
		{name: "another algorithm", tee: sound, change: func(s map[string]any) { s["alg"] = int64(RS256) }, want: "does not fit"},
		{name: "another signature", tee: sound, change: func(s map[string]any) { s["sig"] = []byte("x") }, want: "does not verify"},
		{name: "no certificate", tee: sound, change: func(s map[string]any) { delete(s, "x5c") }, want: "no certificate"},
	} {
		d := keyDescription{
			AttestationSecurityLevel: 1, KeymasterSecurityLevel: 1,
			AttestationChallenge: a.clientDataHash, UniqueID: []byte{}, SoftwareEnforced: list(c.soft), TeeEnforced: list(c.tee),
		}
		if c.levels != nil {
			c.levels(&d)
		}
		if c.challenge != nil {
			d.AttestationChallenge = c.challenge
		}
		value, err := asn1.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		signer := k
		if c.key != nil {
			signer = c.key
		}
		digest := sha256.Sum256(append(append([]byte{}, a.rawAuthData...), a.clientDataHash...))
		sig, err := ecdsa.SignASN1(rand.Reader, signer, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		stmt := map[string]any{"alg": int64(ES256), "sig": sig, "x5c": []any{selfIssued(t, signer, oidAndroidKey, value)}}
		if c.change != nil {
			c.change(stmt)
		}
		by, err := a.verifyAndroidKey(stmt)
		if c.want == "" && (err != nil || by != c.by) {
			t.Errorf("%s: by %v, %v", c.name, by, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	stmt := map[string]any{"alg": int64(ES256), "x5c": []any{selfIssued(t, k, oidAppleNonce, []byte{5, 0})}}
	digest := sha256.Sum256(append(append([]byte{}, a.rawAuthData...), a.clientDataHash...))
	sig, err := ecdsa.SignASN1(rand.Reader, k, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	stmt["sig"] = sig
	if _, err := a.verifyAndroidKey(stmt); err == nil || !strings.Contains(err.Error(), "lacks extension") {
		t.Errorf("without a description: %v", err)
	}
}

func TestApple(t *testing.T) {
	a, k := newAttested(t)
	_, stranger := newAttested(t)
	nonce := func(b []byte) []byte {
		value, err := asn1.Marshal(struct {
			Value []byte `asn1:"tag:1,explicit"`
		}{b})
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	right := sha256.Sum256(append(append([]byte{}, a.rawAuthData...), a.clientDataHash...))
	for _, c := range []struct {
		name  string
		key   *ecdsa.PrivateKey
		id    asn1.ObjectIdentifier
		value []byte
		want  string
	}{
		{"sound", k, oidAppleNonce, nonce(right[:]), ""},
		{"another nonce", k, oidAppleNonce, nonce(a.clientDataHash), "another nonce"},
		{"a tail", k, oidAppleNonce, append(nonce(right[:]), 5, 0), "malformed"},
		{"another key", stranger, oidAppleNonce, nonce(right[:]), "another key"},
		{"no nonce", k, oidAndroidKey, nonce(right[:]), "lacks extension"},
	} {
		err := a.verifyApple(map[string]any{"x5c": []any{selfIssued(t, c.key, c.id, c.value)}})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := a.verifyApple(map[string]any{}); err == nil {
		t.Error("no certificate passes")
	}
}
