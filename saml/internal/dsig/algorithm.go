// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha1" // only with Options.InsecureAllowSHA1
	_ "crypto/sha256"
	_ "crypto/sha512"
	"math/big"
)

// Algorithm identifiers of XML Signature, RFC 9231 and XML Encryption.
const (
	RSASHA1      = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	RSASHA256    = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	RSASHA384    = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
	RSASHA512    = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
	RSAPSSSHA256 = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
	RSAPSSSHA384 = "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"
	RSAPSSSHA512 = "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"
	ECDSASHA1    = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"
	ECDSASHA256  = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	ECDSASHA384  = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
	ECDSASHA512  = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
	Ed25519      = "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"

	DigestSHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	DigestSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	DigestSHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	DigestSHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
)

const (
	ns            = "http://www.w3.org/2000/09/xmldsig#"
	nsExclusive   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	nsAssertion   = "urn:oasis:names:tc:SAML:2.0:assertion"
	exclusive     = nsExclusive
	exclusiveWith = nsExclusive + "WithComments"
	inclusive     = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	inclusiveWith = inclusive + "#WithComments"
	enveloped     = ns + "enveloped-signature"
)

// family is the kind of key that an algorithm takes.
type family uint8

const (
	familyRSA family = iota + 1
	familyPSS
	familyECDSA
	familyEd25519
)

// scheme is a signature algorithm.
type scheme struct {
	family family
	hash   crypto.Hash
}

func schemeOf(algorithm string) (scheme, bool) {
	switch algorithm {
	case RSASHA256:
		return scheme{familyRSA, crypto.SHA256}, true
	case RSASHA384:
		return scheme{familyRSA, crypto.SHA384}, true
	case RSASHA512:
		return scheme{familyRSA, crypto.SHA512}, true
	case RSAPSSSHA256:
		return scheme{familyPSS, crypto.SHA256}, true
	case RSAPSSSHA384:
		return scheme{familyPSS, crypto.SHA384}, true
	case RSAPSSSHA512:
		return scheme{familyPSS, crypto.SHA512}, true
	case ECDSASHA256:
		return scheme{familyECDSA, crypto.SHA256}, true
	case ECDSASHA384:
		return scheme{familyECDSA, crypto.SHA384}, true
	case ECDSASHA512:
		return scheme{familyECDSA, crypto.SHA512}, true
	case Ed25519:
		return scheme{familyEd25519, 0}, true
	case RSASHA1:
		return scheme{familyRSA, crypto.SHA1}, true
	case ECDSASHA1:
		return scheme{familyECDSA, crypto.SHA1}, true
	}
	return scheme{}, false
}

func digestOf(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case DigestSHA256:
		return crypto.SHA256, true
	case DigestSHA384:
		return crypto.SHA384, true
	case DigestSHA512:
		return crypto.SHA512, true
	case DigestSHA1:
		return crypto.SHA1, true
	}
	return 0, false
}

// Bounds of RSA keys, in bits.
const (
	minRSA = 2048
	maxRSA = 8192
)

// fits tells whether a public key may serve with the scheme. The key's type
// decides: an algorithm cannot make of it what it is not.
func (s scheme) fits(key crypto.PublicKey) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k == nil || k.N == nil {
			return false
		}
		bits := k.N.BitLen()
		return (s.family == familyRSA || s.family == familyPSS) && bits >= minRSA && bits <= maxRSA && k.E >= 3 && k.E%2 == 1
	case *ecdsa.PublicKey:
		return s.family == familyECDSA && k != nil && k.Curve != nil && curveBytes(k) > 0
	case ed25519.PublicKey:
		return s.family == familyEd25519 && len(k) == ed25519.PublicKeySize
	}
	return false
}

// curveBytes is the length of r and of s, or 0 for other curves.
func curveBytes(k *ecdsa.PublicKey) int {
	switch k.Curve.Params().Name {
	case "P-256", "P-384", "P-521":
		return (k.Curve.Params().BitSize + 7) / 8
	}
	return 0
}

// sum is what is signed: the message itself with Ed25519, else its digest.
func (s scheme) sum(message []byte) []byte {
	if s.hash == 0 {
		return message
	}
	h := s.hash.New()
	h.Write(message)
	return h.Sum(nil)
}

// verify checks a signature over sum by a key that fits.
func (s scheme) verify(key crypto.PublicKey, sum, signature []byte) bool {
	switch s.family {
	case familyRSA:
		return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), s.hash, sum, signature) == nil
	case familyPSS:
		// RFC 9231 section 2.3.10: the salt is as long as the digest.
		o := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return rsa.VerifyPSS(key.(*rsa.PublicKey), s.hash, sum, signature, &o) == nil
	case familyECDSA:
		return verifyECDSA(key.(*ecdsa.PublicKey), sum, signature)
	case familyEd25519:
		return ed25519.Verify(key.(ed25519.PublicKey), sum, signature)
	}
	return false
}

// verifyECDSA takes r and s as XMLDSig 6.4.3 writes them: each as long as the
// curve's order, one after the other.
func verifyECDSA(key *ecdsa.PublicKey, sum, signature []byte) bool {
	n := curveBytes(key)
	if len(signature) != 2*n {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
	order := key.Curve.Params().N
	if r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(order) >= 0 || s.Cmp(order) >= 0 {
		return false
	}
	return ecdsa.Verify(key, sum, r, s)
}
