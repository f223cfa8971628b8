// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// publicKey is a credential's key that was found sound: exactly one of the
// pointers is set and fits the algorithm.
type publicKey struct {
	alg Algorithm
	ec  *ecdsa.PublicKey
	ed  ed25519.PublicKey
	rsa *rsa.PublicKey
}

// RSA moduli below are weak; above they only cost time.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// COSE labels (RFC 9052, 9053, 8230).
const (
	labelKty = 1
	labelAlg = 3
	labelCrv = -1 // also n of RSA
	labelX   = -2 // also e of RSA
	labelY   = -3
)

// parseCOSEKey reads a credential public key of one of the offered algorithms.
// It has the members that it must have and no others, private ones least of
// all (6.5.1, 5.8.5).
func parseCOSEKey(it *item, offered []Algorithm) (publicKey, error) {
	number, _ := it.label(labelAlg)
	n, ok := number.int()
	alg := Algorithm(n)
	sp, known := alg.spec()
	if !ok || !known || !slices.Contains(offered, alg) {
		return publicKey{}, refusal(CheckAlgorithm, "algorithm %d was not offered", n)
	}
	if v, _ := it.label(labelKty); !isInt(v, sp.kty) {
		return publicKey{}, refusal(CheckKey, "the key type does not fit algorithm %d", n)
	}
	var k publicKey
	var err error
	switch sp.kty {
	case ktyEC2:
		k, err = parseEC2(it, alg, sp)
	case ktyOKP:
		k, err = parseOKP(it, alg, sp)
	default:
		k, err = parseRSA(it, alg)
	}
	if err != nil {
		return publicKey{}, refusal(CheckKey, "%w", err)
	}
	return k, nil
}

func isInt(it item, want int64) bool {
	n, ok := it.int()
	return ok && n == want
}

// blob returns a byte string member.
func blob(it *item, label int64) ([]byte, error) {
	v, ok := it.label(label)
	if !ok || v.major != cborBytes {
		return nil, fmt.Errorf("key parameter %d is no byte string", label)
	}
	return v.data, nil
}

func parseEC2(it *item, alg Algorithm, sp spec) (publicKey, error) {
	if crv, _ := it.label(labelCrv); !isInt(crv, sp.crv) {
		return publicKey{}, errors.New("the curve does not fit the algorithm")
	}
	x, err := blob(it, labelX)
	if err != nil {
		return publicKey{}, err
	}
	y, err := blob(it, labelY) // a compressed point has a boolean here
	if err != nil {
		return publicKey{}, err
	}
	size := (sp.curve().Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size {
		return publicKey{}, fmt.Errorf("coordinates of %d and %d bytes, not %d", len(x), len(y), size)
	}
	if len(it.items) != 2*5 {
		return publicKey{}, errors.New("the key has parameters that it must not have")
	}
	point := append(append([]byte{4}, x...), y...)
	return newKey(alg, point)
}

func parseOKP(it *item, alg Algorithm, sp spec) (publicKey, error) {
	if crv, _ := it.label(labelCrv); !isInt(crv, sp.crv) {
		return publicKey{}, errors.New("the curve does not fit the algorithm")
	}
	x, err := blob(it, labelX)
	if err != nil {
		return publicKey{}, err
	}
	if len(it.items) != 2*4 {
		return publicKey{}, errors.New("the key has parameters that it must not have")
	}
	if err := checkEd25519(x); err != nil {
		return publicKey{}, err
	}
	return newKey(alg, x)
}

func parseRSA(it *item, alg Algorithm) (publicKey, error) {
	n, err := blob(it, labelCrv)
	if err != nil {
		return publicKey{}, err
	}
	e, err := blob(it, labelX)
	if err != nil {
		return publicKey{}, err
	}
	switch {
	case len(it.items) != 2*4:
		return publicKey{}, errors.New("the key has parameters that it must not have")
	case len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 || len(e) > 4:
		return publicKey{}, errors.New("RSA modulus or exponent in another form than its shortest")
	}
	k := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if err := checkRSA(k); err != nil {
		return publicKey{}, err
	}
	return publicKey{alg: alg, rsa: k}, nil
}

func checkRSA(k *rsa.PublicKey) error {
	switch bits := k.N.BitLen(); {
	case bits < minRSABits || bits > maxRSABits:
		return fmt.Errorf("an RSA modulus of %d bits", bits)
	case k.N.Bit(0) == 0:
		return errors.New("an even RSA modulus")
	case k.E < 3 || k.E&1 == 0 || k.E > 1<<31-1:
		return fmt.Errorf("RSA exponent %d", k.E)
	}
	return nil
}

func (s spec) curve() elliptic.Curve {
	switch s.crv {
	case 1:
		return elliptic.P256()
	case 2:
		return elliptic.P384()
	}
	return elliptic.P521()
}

// newKey reads a key in the form that it is stored in, see encode.
func newKey(alg Algorithm, b []byte) (publicKey, error) {
	sp, ok := alg.spec()
	if !ok {
		return publicKey{}, fmt.Errorf("unknown algorithm %d", alg)
	}
	k := publicKey{alg: alg}
	var err error
	switch sp.kty {
	case ktyEC2:
		k.ec, err = ecdsa.ParseUncompressedPublicKey(sp.curve(), b) // also that it is on the curve
	case ktyOKP:
		if len(b) != ed25519.PublicKeySize {
			return k, errors.New("an Ed25519 key of another length")
		}
		k.ed = ed25519.PublicKey(b)
	default:
		if k.rsa, err = x509.ParsePKCS1PublicKey(b); err == nil {
			err = checkRSA(k.rsa)
		}
	}
	return k, err
}

// encode is the inverse of newKey.
func (k publicKey) encode() ([]byte, error) {
	switch {
	case k.ec != nil:
		return k.ec.Bytes()
	case k.ed != nil:
		return k.ed, nil
	}
	return x509.MarshalPKCS1PublicKey(k.rsa), nil
}

// equal reports whether a certificate's key is this one.
func (k publicKey) equal(other crypto.PublicKey) bool {
	switch {
	case k.ec != nil:
		return k.ec.Equal(other)
	case k.ed != nil:
		return k.ed.Equal(other)
	}
	return k.rsa.Equal(other)
}

// verify checks a signature over msg (6.5.5).
func (k publicKey) verify(msg, sig []byte) bool {
	sp, _ := k.alg.spec()
	if k.ed != nil {
		return ed25519.Verify(k.ed, msg, sig)
	}
	var buf [sha512.Size]byte
	var digest []byte
	switch sp.hash {
	case crypto.SHA256:
		sum := sha256.Sum256(msg)
		digest = append(buf[:0], sum[:]...)
	case crypto.SHA384:
		sum := sha512.Sum384(msg)
		digest = append(buf[:0], sum[:]...)
	default:
		sum := sha512.Sum512(msg)
		digest = append(buf[:0], sum[:]...)
	}
	switch {
	case k.ec != nil:
		return ecdsa.VerifyASN1(k.ec, digest, sig)
	case sp.pss:
		return rsa.VerifyPSS(k.rsa, sp.hash, digest, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(k.rsa, sp.hash, digest, sig) == nil
}
