// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// Key is a key whose signatures are trusted.
type Key struct {
	// Public is an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey; nil
	// is that of the Certificate.
	Public crypto.PublicKey
	// Certificate, if known, helps to choose the key to try first. Its dates,
	// names and issuer are not looked at: that the key is here is the trust.
	Certificate *x509.Certificate
}

// Limits bounds a document. A zero field means its default.
type Limits struct {
	// Bytes of the document; 2 MiB.
	Bytes int
	// Depth of nested elements; 64, at most 10,000.
	Depth int
	// Elements in all; 65,536.
	Elements int
	// Attributes of one element, namespace declarations not counted; 64.
	Attributes int
	// Namespaces is how many declarations may be in scope at one element; 64,
	// at most 1,024.
	Namespaces int
	// Comments and CDATA sections together; 1,024.
	Comments int
	// Signatures anywhere in the document; 32.
	Signatures int
}

// Options says whose signatures are trusted, and on what.
type Options struct {
	// Keys are tried in turn, 32 at most. Required.
	Keys []Key
	// ID is of the element that must be signed; "" is the root.
	ID string
	// Algorithms, if any, are the only signature algorithms accepted, by
	// their identifiers.
	Algorithms []string
	// AllowInclusive accepts Canonical XML 1.0, which also covers the
	// namespaces around the element, beside the exclusive form.
	AllowInclusive bool
	// InsecureAllowSHA1 accepts signatures and digests with SHA-1. It MUST
	// stay false unless the signer cannot be changed: forging one costs a
	// chosen-prefix collision.
	InsecureAllowSHA1 bool
	Limits            Limits
}

// Signed is an element whose signature was verified. Only [Verify] makes one.
type Signed struct {
	xml []byte
	v   *dsig.Verified
	key Key
}

// XML returns the octets that were digested: the element in canonical form
// without its signature. The caller may change them.
func (s *Signed) XML() []byte { return append([]byte(nil), s.xml...) }

// ID returns the element's ID.
func (s *Signed) ID() string { return s.v.ID() }

// Algorithm returns the identifier of the signature algorithm.
func (s *Signed) Algorithm() string { return s.v.Algorithm() }

// Key returns the key that made the signature.
func (s *Signed) Key() Key { return s.key }

// Verify verifies the signature of one element of a document.
func Verify(doc []byte, o Options) (*Signed, error) {
	d, err := xmltree.Parse(doc, xmltree.Limits(o.Limits))
	if err != nil {
		return nil, wrap(err, publicVerify)
	}
	el := d.Root()
	if o.ID != "" {
		var ok bool
		if el, ok = d.ByID(o.ID); !ok {
			return nil, &Error{CheckUnsigned, publicVerify, errors.New("no element has the ID")}
		}
	}
	keys := make([]dsig.Key, len(o.Keys))
	for i, k := range o.Keys {
		keys[i] = dsig.Key{Public: k.Public, Certificate: k.Certificate}
		if k.Public == nil && k.Certificate != nil {
			keys[i].Public = k.Certificate.PublicKey
		}
	}
	v, err := dsig.Verify(el, dsig.Options{
		Keys: keys, Algorithms: o.Algorithms, AllowInclusive: o.AllowInclusive, InsecureAllowSHA1: o.InsecureAllowSHA1,
	})
	if err != nil {
		return nil, wrap(err, publicVerify)
	}
	xml, err := v.Canonical()
	if err != nil {
		return nil, wrap(err, publicVerify)
	}
	return &Signed{xml: xml, v: v, key: Key(v.Key())}, nil
}

// SignOptions says how to sign.
type SignOptions struct {
	// Signer may live in a KMS or HSM. Required.
	Signer crypto.Signer
	// Certificate, if not nil, goes into KeyInfo.
	Certificate *x509.Certificate
	// Algorithm is the identifier of a signature algorithm; "" is RSA with
	// SHA-256, Ed25519, or ECDSA with the hash for the size of the curve.
	Algorithm string
	// Prefixes are namespace prefixes that only values use, such as "xs" in
	// xsi:type="xs:string", to be covered too.
	Prefixes []string
	Limits   Limits
}

// Sign signs the root element by its ID attribute and returns the document
// with the signature in it, right after the Issuer or as first child.
func Sign(doc []byte, o SignOptions) ([]byte, error) {
	signed, err := dsig.Sign(doc, dsig.SignOptions{
		Signer: o.Signer, Certificate: o.Certificate, Algorithm: o.Algorithm, Prefixes: o.Prefixes, Limits: xmltree.Limits(o.Limits),
	})
	if err != nil {
		return nil, wrap(err, publicSign)
	}
	return signed, nil
}
