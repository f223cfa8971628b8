// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

// The keys are made once in a process: RSA keys take their time, and tests
// need no secret.
var (
	idpKey   = sync.OnceValue(func() saml.KeyPair { return newRSA("samltest IdP") })
	spKey    = sync.OnceValue(func() saml.KeyPair { return newRSA("samltest SP") })
	otherKey = sync.OnceValue(func() saml.KeyPair { return newRSA("samltest stranger") })
	ecKey    = sync.OnceValue(func() saml.KeyPair {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err) // crypto/rand does not fail
		}
		return saml.KeyPair{Signer: k, Certificate: certificate("samltest P-256", k)}
	})
)

// Key returns the identity provider's key, the same for the whole process.
func Key() saml.KeyPair { return idpKey() }

// SPKey returns the service provider's key, for signing and decrypting.
func SPKey() saml.KeyPair { return spKey() }

// OtherKey returns a key that nobody trusts.
func OtherKey() saml.KeyPair { return otherKey() }

// ECKey returns a P-256 key.
func ECKey() saml.KeyPair { return ecKey() }

func newRSA(name string) saml.KeyPair {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return saml.KeyPair{Signer: k, Certificate: certificate(name, k)}
}

func certificate(name string, k crypto.Signer) *x509.Certificate {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		panic(err) // the template is constant
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err) // made above
	}
	return c
}

func newID(prefix string) string { return "_" + prefix + rand.Text() }

func decrypter(k saml.KeyPair) crypto.Decrypter {
	d, _ := k.Signer.(crypto.Decrypter) // the RSA keys above are
	return d
}
