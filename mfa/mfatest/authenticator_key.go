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
	"crypto/sha256"
	"encoding/binary"
	"math/big"
)

// softKey is a credential's private key.
type softKey struct{ crypto.Signer }

func newSoftKey(alg int) (softKey, error) {
	switch alg {
	case ES256:
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return softKey{k}, err
	case EdDSA:
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return softKey{k}, err
	case RS256:
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		return softKey{k}, err
	}
	return softKey{}, ErrNoAlgorithm
}

func (k softKey) alg() int {
	switch k.Signer.(type) {
	case *ecdsa.PrivateKey:
		return ES256
	case ed25519.PrivateKey:
		return EdDSA
	}
	return RS256
}

func (k softKey) sign(msg []byte) ([]byte, error) {
	if _, ok := k.Signer.(ed25519.PrivateKey); ok {
		return k.Sign(rand.Reader, msg, crypto.Hash(0))
	}
	digest := sha256.Sum256(msg)
	return k.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// cose encodes the public key in CTAP's canonical form.
func (k softKey) cose() []byte {
	switch pub := k.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		if err != nil {
			panic(err) // a generated key is on its curve
		}
		return COSEKey(COSEInt(1, 2), COSEInt(3, ES256), COSEInt(-1, 1), COSEBytes(-2, point[1:33]), COSEBytes(-3, point[33:]))
	case ed25519.PublicKey:
		return COSEKey(COSEInt(1, 1), COSEInt(3, EdDSA), COSEInt(-1, 6), COSEBytes(-2, pub))
	case *rsa.PublicKey:
		return COSEKey(COSEInt(1, 3), COSEInt(3, RS256), COSEBytes(-1, pub.N.Bytes()), COSEBytes(-2, big.NewInt(int64(pub.E)).Bytes()))
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
