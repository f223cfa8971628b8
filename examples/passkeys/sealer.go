// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/aes"
	"crypto/cipher"
)

// sealer encrypts what mfa stores, under one key. An application that keeps
// its store keeps the key elsewhere, names it in what it seals, and can so
// replace it.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

func (s sealer) Seal(plain, aad []byte) ([]byte, error) {
	return s.aead.Seal(nil, nil, plain, aad), nil
}

func (s sealer) Open(sealed, aad []byte) ([]byte, error) { return s.aead.Open(nil, nil, sealed, aad) }
