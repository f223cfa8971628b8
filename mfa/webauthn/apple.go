// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package webauthn

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
)

var oidAppleNonce = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 8, 2}

// verifyApple verifies an Apple anonymous attestation statement (8.8): a
// certificate made for this ceremony, over the credential's key and a nonce.
func (a *attested) verifyApple(stmt map[string]any) error {
	leaf, err := a.leaf(stmt)
	if err != nil {
		return err
	}
	value, err := extension(leaf, oidAppleNonce)
	if err != nil {
		return err
	}
	var nonce struct {
		Value []byte `asn1:"tag:1,explicit"`
	}
	if rest, err := asn1.Unmarshal(value, &nonce); err != nil || len(rest) > 0 {
		return errors.New("the nonce extension is malformed")
	}
	h := sha256.New()
	h.Write(a.rawAuthData)
	h.Write(a.clientDataHash)
	if !bytes.Equal(nonce.Value, h.Sum(nil)) {
		return errors.New("the certificate has another nonce")
	}
	return nil
}

// leaf returns the first certificate, which is over the credential's key.
func (a *attested) leaf(stmt map[string]any) (*x509.Certificate, error) {
	chain, err := certificates(stmt)
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate")
	}
	if !a.key.equal(chain[0].PublicKey) {
		return nil, errors.New("the certificate is over another key")
	}
	return chain[0], nil
}

// extension returns the one extension with the id.
func extension(c *x509.Certificate, id asn1.ObjectIdentifier) ([]byte, error) {
	for _, e := range c.Extensions { // crypto/x509 refuses repeated ones
		if e.Id.Equal(id) {
			return e.Value, nil
		}
	}
	return nil, errors.New("the certificate lacks extension " + id.String())
}
