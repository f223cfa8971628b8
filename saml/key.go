// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
)

// KeyPair signs, and is published with its certificate. The Signer may live
// in a KMS or HSM. RSA keys have 2048 bits or more; ECDSA (P-256, P-384,
// P-521) and Ed25519 serve too, but many peers know RSA only.
type KeyPair struct {
	Signer      crypto.Signer
	Certificate *x509.Certificate
}

// DecryptionKey decrypts what peers encrypt for us. Decrypter is an
// *rsa.PrivateKey or stands in for one.
type DecryptionKey struct {
	Decrypter   crypto.Decrypter
	Certificate *x509.Certificate
}

func (k KeyPair) check() error {
	if k.Signer == nil || k.Certificate == nil {
		return errors.New("a signer and its certificate are needed")
	}
	if !sameKey(k.Signer.Public(), k.Certificate.PublicKey) {
		return errors.New("the certificate is not the signer's")
	}
	return checkPublicKey(k.Certificate.PublicKey)
}

func (k DecryptionKey) check() error {
	if k.Decrypter == nil || k.Certificate == nil {
		return errors.New("a decrypter and its certificate are needed")
	}
	if !sameKey(k.Decrypter.Public(), k.Certificate.PublicKey) {
		return errors.New("the certificate is not the decrypter's")
	}
	if _, ok := k.Certificate.PublicKey.(*rsa.PublicKey); !ok {
		return fmt.Errorf("a %T cannot decrypt", k.Certificate.PublicKey)
	}
	return checkPublicKey(k.Certificate.PublicKey)
}

func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// checkPublicKey refuses keys that no signature of ours or a peer's may rest on.
func checkPublicKey(k crypto.PublicKey) error {
	switch k := k.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < 2048 || n > 8192 {
			return fmt.Errorf("an RSA key of %d bits", n)
		}
		if k.E < 3 || k.E%2 == 0 {
			return errors.New("an RSA key with an unusable exponent")
		}
	case *ecdsa.PublicKey:
		switch k.Curve.Params().Name {
		case "P-256", "P-384", "P-521":
		default:
			return fmt.Errorf("an ECDSA key on %s", k.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("a key of type %T", k)
	}
	return nil
}
