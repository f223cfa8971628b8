// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/webauthn"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeySanity registers, without any attestation, keys that are not what
// their algorithm says.
func TestKeySanity(t *testing.T) {
	t.Parallel()
	point := func(c elliptic.Curve) (x, y []byte) {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		b, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		half := len(b) / 2
		return b[1 : 1+half], b[1+half:]
	}
	x, y := point(elliptic.P256())
	x384, y384 := point(elliptic.P384())
	off := append([]byte{}, y...)
	off[31] ^= 1
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	offEd := unhex(t, "0200000000000000000000000000000000000000000000000000000000000000") // y = 2 has no x
	bits := func(n int) []byte {
		b := make([]byte, n/8)
		_, _ = rand.Read(b) // never fails
		b[0] |= 0x80
		b[len(b)-1] |= 1
		return b
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n := rsa2048.N.Bytes()
	e := big.NewInt(65537).Bytes()
	even := append([]byte{}, n...)
	even[len(even)-1] &^= 1

	i, b, key := mfatest.COSEInt, mfatest.COSEBytes, mfatest.COSEKey
	for _, c := range []struct {
		name string
		key  []byte
		want mfa.Check
	}{
		{"P-256", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), b(-3, y)), ""},
		{"in another order", key(b(-3, y), b(-2, x), i(-1, 1), i(3, -7), i(1, 2)), ""},
		{"off the curve", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), b(-3, off)), webauthn.CheckKey},
		{"at infinity", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, make([]byte, 32)), b(-3, make([]byte, 32))), webauthn.CheckKey},
		{"beyond the field", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, bits(256)), b(-3, unhex(t, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"))), webauthn.CheckKey},
		{"P-384 as ES256", key(i(1, 2), i(3, -7), i(-1, 2), b(-2, x384), b(-3, y384)), webauthn.CheckKey},
		{"P-384 called P-256", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x384), b(-3, y384)), webauthn.CheckKey},
		{"secp256k1 as ES256", key(i(1, 2), i(3, -7), i(-1, 8), b(-2, x), b(-3, y)), webauthn.CheckKey},
		{"short coordinate", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x[1:]), b(-3, y)), webauthn.CheckKey},
		{"long coordinate", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, append([]byte{0}, x...)), b(-3, y)), webauthn.CheckKey},
		{"compressed", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), append(i(-3, 0)[:1], 0xf5)), webauthn.CheckKey},
		{"no y", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x)), webauthn.CheckKey},
		{"with a private member", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), b(-3, y), b(-4, x)), webauthn.CheckKey},
		{"with a key id", key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), b(-3, y), b(2, x)), webauthn.CheckKey},
		{"algorithm twice", key(i(1, 2), i(3, -7), i(3, -257), i(-1, 1), b(-2, x), b(-3, y)), webauthn.CheckCBOR},
		{"no algorithm", key(i(1, 2), i(-1, 1), b(-2, x), b(-3, y)), webauthn.CheckAlgorithm},
		{"not offered", key(i(1, 2), i(3, -35), i(-1, 2), b(-2, x384), b(-3, y384)), webauthn.CheckAlgorithm},
		{"unknown algorithm", key(i(1, 2), i(3, -999), i(-1, 1), b(-2, x), b(-3, y)), webauthn.CheckAlgorithm},
		{"P-256 as RS256", key(i(1, 2), i(3, -257), i(-1, 1), b(-2, x), b(-3, y)), webauthn.CheckKey},
		{"P-256 called RSA", key(i(1, 3), i(3, -7), i(-1, 1), b(-2, x), b(-3, y)), webauthn.CheckKey},
		{"no key but a number", []byte{1}, webauthn.CheckAlgorithm},
		{"a label of two bytes", append([]byte{0xa5, 0x18}, key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), b(-3, y))[1:]...), webauthn.CheckCBOR},
		{"a length of three bytes", bytes.Replace(key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), b(-3, y)), []byte{0x58, 32}, []byte{0x59, 0, 32}, 1), webauthn.CheckCBOR},
		{"key of indefinite length", append([]byte{0xbf}, append(key(i(1, 2), i(3, -7), i(-1, 1), b(-2, x), b(-3, y))[1:], 0xff)...), webauthn.CheckCBOR},

		{"Ed25519", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, ed)), ""},
		{"Ed25519 cut", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, ed[:31])), webauthn.CheckKey},
		{"X25519", key(i(1, 1), i(3, -8), i(-1, 4), b(-2, ed)), webauthn.CheckKey},
		{"Ed448", key(i(1, 1), i(3, -8), i(-1, 7), b(-2, make([]byte, 57))), webauthn.CheckKey},
		{"Ed25519 off the curve", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, offEd)), webauthn.CheckKey},
		{"Ed25519 identity", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, append([]byte{1}, make([]byte, 31)...))), webauthn.CheckKey},
		{"Ed25519 of order 2", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, unhex(t, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))), webauthn.CheckKey},
		{"Ed25519 of order 4", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, make([]byte, 32))), webauthn.CheckKey},
		{"Ed25519 of order 8", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, unhex(t, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))), webauthn.CheckKey},
		{"Ed25519 of order 8, the other", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, unhex(t, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"))), webauthn.CheckKey},
		{"Ed25519 not reduced", key(i(1, 1), i(3, -8), i(-1, 6), b(-2, unhex(t, "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))), webauthn.CheckKey},

		{"RSA", key(i(1, 3), i(3, -257), b(-1, n), b(-2, e)), ""},
		{"RSA with exponent 3", key(i(1, 3), i(3, -257), b(-1, n), b(-2, []byte{3})), ""},
		{"RSA of 1024 bits", key(i(1, 3), i(3, -257), b(-1, bits(1024)), b(-2, e)), webauthn.CheckKey},
		{"RSA of 2040 bits", key(i(1, 3), i(3, -257), b(-1, bits(2040)), b(-2, e)), webauthn.CheckKey},
		{"RSA of 16384 bits", key(i(1, 3), i(3, -257), b(-1, bits(16384)), b(-2, e)), webauthn.CheckKey},
		{"RSA, even", key(i(1, 3), i(3, -257), b(-1, even), b(-2, e)), webauthn.CheckKey},
		{"RSA with a leading zero", key(i(1, 3), i(3, -257), b(-1, append([]byte{0}, n...)), b(-2, e)), webauthn.CheckKey},
		{"RSA with exponent 1", key(i(1, 3), i(3, -257), b(-1, n), b(-2, []byte{1})), webauthn.CheckKey},
		{"RSA with exponent 65536", key(i(1, 3), i(3, -257), b(-1, n), b(-2, []byte{1, 0, 0})), webauthn.CheckKey},
		{"RSA with a large exponent", key(i(1, 3), i(3, -257), b(-1, n), b(-2, []byte{1, 0, 0, 0, 1})), webauthn.CheckKey},
		{"RSA without an exponent", key(i(1, 3), i(3, -257), b(-1, n), b(-2, nil)), webauthn.CheckKey},
		{"RSA with a private member", key(i(1, 3), i(3, -257), b(-1, n), b(-2, e), b(-3, n)), webauthn.CheckKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := newRig(t).enrol("ann", mfatest.NewAuthenticator(origin), mfatest.Tamper{Key: func([]byte) []byte { return c.key }})
			wantCheck(t, err, c.want)
		})
	}
	t.Run("with a tail", func(t *testing.T) {
		_, err := newRig(t).enrol("ann", mfatest.NewAuthenticator(origin), mfatest.Tamper{Key: func(k []byte) []byte { return append(k, 0) }})
		wantCheck(t, err, webauthn.CheckAuthData)
	})
}
