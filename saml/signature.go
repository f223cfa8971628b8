// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"bytes"
	"errors"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// verifyEnveloped verifies the signature that is a child of root and returns
// the view of what it covers: claims are read from there.
func verifyEnveloped(root xmltree.Node, keys []dsig.Key, sha1 bool) (xmltree.Node, error) {
	v, err := dsig.Verify(root, dsig.Options{Keys: keys, InsecureAllowSHA1: sha1})
	if err != nil {
		return xmltree.Node{}, signatureError(err)
	}
	return v.Element(), nil
}

// verifyOctets verifies a Redirect query's signature.
func verifyOctets(keys []dsig.Key, alg string, octets, sig []byte, sha1 bool) error {
	if _, err := dsig.VerifyBytes(alg, octets, sig, dsig.Options{Keys: keys, InsecureAllowSHA1: sha1}); err != nil {
		return signatureError(err)
	}
	return nil
}

func signatureError(err error) error {
	var e *dsig.Error
	if errors.As(err, &e) {
		switch e.Check {
		case dsig.CheckAlgorithm:
			return refuse(CheckAlgorithm, "%w", err)
		case dsig.CheckUnsigned:
			return refuse(CheckUnsigned, "%w", err)
		}
	}
	return refuse(CheckSignature, "%w", err)
}

// signMessage signs a document's root element. What is signed has been parsed
// by the parser that peers' messages go through.
func signMessage(doc []byte, key KeyPair) ([]byte, error) {
	return dsig.Sign(doc, dsig.SignOptions{Signer: key.Signer, Certificate: key.Certificate})
}

// signWritten signs what a writer wrote from values alone: its root element,
// which has the ID and begins with its Issuer. Writers write canonically, so
// nothing is parsed.
func signWritten(doc []byte, id string, key KeyPair) ([]byte, error) {
	const end = "</saml:Issuer>"
	at := bytes.Index(doc, []byte(end)) + len(end)
	return dsig.SignCanonical(doc, id, at, dsig.SignOptions{Signer: key.Signer, Certificate: key.Certificate})
}

func signatureAlgorithm(key KeyPair) string { return dsig.Algorithm(key.Signer) }

// signOctets signs a Redirect query.
func signOctets(key KeyPair, b []byte) ([]byte, error) {
	_, sig, err := dsig.SignBytes(b, dsig.SignOptions{Signer: key.Signer})
	return sig, err
}
