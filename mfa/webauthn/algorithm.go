// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"crypto"
	_ "crypto/sha256" // the hashes of the table
	_ "crypto/sha512"
)

// Algorithm is a COSE algorithm, by its registered number.
type Algorithm int64

// The algorithms that can be offered. The last four are the fully specified
// ones of RFC 9864.
const (
	ES256   Algorithm = -7
	EdDSA   Algorithm = -8 // with Ed25519
	ES384   Algorithm = -35
	ES512   Algorithm = -36
	PS256   Algorithm = -37
	RS256   Algorithm = -257
	ESP256  Algorithm = -9
	Ed25519 Algorithm = -19
	ESP384  Algorithm = -51
	ESP512  Algorithm = -52
)

// COSE key types.
const (
	ktyOKP = 1
	ktyEC2 = 2
	ktyRSA = 3
)

// spec is what a key of an algorithm must be (5.8.5).
type spec struct {
	kty, crv int64
	hash     crypto.Hash
	pss      bool
}

func (a Algorithm) spec() (spec, bool) {
	switch a {
	case ES256, ESP256:
		return spec{kty: ktyEC2, crv: 1, hash: crypto.SHA256}, true
	case ES384, ESP384:
		return spec{kty: ktyEC2, crv: 2, hash: crypto.SHA384}, true
	case ES512, ESP512:
		return spec{kty: ktyEC2, crv: 3, hash: crypto.SHA512}, true
	case EdDSA, Ed25519:
		return spec{kty: ktyOKP, crv: 6}, true
	case RS256:
		return spec{kty: ktyRSA, hash: crypto.SHA256}, true
	case PS256:
		return spec{kty: ktyRSA, hash: crypto.SHA256, pss: true}, true
	}
	return spec{}, false
}
