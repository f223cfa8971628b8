// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package testkeys makes throw-away signing keys for tests. Nothing outside of
// tests and test kits imports it.
package testkeys

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"
)

// Pair is a key with a self-signed certificate.
type Pair struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
}

var (
	mu    sync.Mutex
	pairs = map[string]Pair{}
)

// RSA returns the RSA-2048 key of a name, the same one through the process: to
// make one takes longer than most tests.
func RSA(tb testing.TB, name string) Pair {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	if p, ok := pairs[name]; ok {
		return p
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	p := Pair{Key: key, Certificate: selfSigned(tb, name, key, key.Public())}
	pairs[name] = p
	return p
}

func selfSigned(tb testing.TB, name string, key, public any) *x509.Certificate {
	tb.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}
