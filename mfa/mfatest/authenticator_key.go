// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of kinds
	_ "crypto/sha512"
	"encoding/binary"
	"math/big"
)

// softKey is a credential's private key.
type softKey struct {
	crypto.Signer
	alg int
}

// kinds are the keys of the algorithms and the hashes that they sign, none for
// Ed25519.
var kinds = map[int]struct {
	curve elliptic.Curve // nil for others
	hash  crypto.Hash
}{
	ES256: {elliptic.P256(), crypto.SHA256}, ESP256: {elliptic.P256(), crypto.SHA256},
	ES384: {elliptic.P384(), crypto.SHA384}, ESP384: {elliptic.P384(), crypto.SHA384},
	ES512: {elliptic.P521(), crypto.SHA512}, ESP512: {elliptic.P521(), crypto.SHA512},
	EdDSA: {}, Ed25519: {},
	RS256: {hash: crypto.SHA256}, PS256: {hash: crypto.SHA256},
}

func known(alg int) bool {
	_, ok := kinds[alg]
	return ok
}

func newSoftKey(alg int) (k softKey, err error) {
	kind, ok := kinds[alg]
	k.alg = alg
	switch {
	case !ok:
		err = ErrNoAlgorithm
	case kind.curve != nil:
		k.Signer, err = ecdsa.GenerateKey(kind.curve, rand.Reader)
	case kind.hash == 0:
		_, k.Signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.Signer, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	return k, err
}

func (k softKey) sign(msg []byte) ([]byte, error) {
	hash := kinds[k.alg].hash
	if hash == 0 {
		return k.Sign(rand.Reader, msg, hash)
	}
	h := hash.New()
	h.Write(msg)
	var opts crypto.SignerOpts = hash
	if k.alg == PS256 {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	return k.Sign(rand.Reader, h.Sum(nil), opts)
}

// cose encodes the public key in CTAP's canonical form.
func (k softKey) cose() []byte {
	switch pub := k.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err != nil {
			panic(err) // a generated key is on its curve
		}
		crv := map[elliptic.Curve]int{elliptic.P256(): 1, elliptic.P384(): 2, elliptic.P521(): 3}[pub.Curve]
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		return COSEKey(COSEInt(1, 2), COSEInt(3, k.alg), COSEInt(-1, crv), COSEBytes(-2, x), COSEBytes(-3, y))
	case ed25519.PublicKey:
		return COSEKey(COSEInt(1, 1), COSEInt(3, k.alg), COSEInt(-1, 6), COSEBytes(-2, pub))
	case *rsa.PublicKey:
		return COSEKey(COSEInt(1, 3), COSEInt(3, k.alg), COSEBytes(-1, pub.N.Bytes()), COSEBytes(-2, big.NewInt(int64(pub.E)).Bytes()))
	}
	panic("mfatest: unknown key")
}

// COSEKey encodes a COSE key of parameters in their order, sound or not, for
// [Tamper].Key.
func COSEKey(parameters ...[]byte) []byte {
	b := cborMapHead(nil, len(parameters))
	for _, p := range parameters {
		b = append(b, p...)
	}
	return b
}

// COSEInt is a parameter with an integer.
func COSEInt(label, value int) []byte { return cborInt(cborInt(nil, label), value) }

// COSEBytes is a parameter with a byte string.
func COSEBytes(label int, value []byte) []byte { return cborBytes(cborInt(nil, label), value) }

// The parts of CBOR that authenticators write.

func cborHead(b []byte, major byte, n uint64) []byte {
	switch major <<= 5; {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
}

func cborInt(b []byte, n int) []byte {
	if n < 0 {
		return cborHead(b, 1, uint64(-1-n))
	}
	return cborHead(b, 0, uint64(n))
}

func cborBytes(b, data []byte) []byte {
	return append(cborHead(b, 2, uint64(len(data))), data...)
}

func cborText(b []byte, s string) []byte { return append(cborHead(b, 3, uint64(len(s))), s...) }

func cborMapHead(b []byte, pairs int) []byte { return cborHead(b, 5, uint64(pairs)) }
