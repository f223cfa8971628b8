// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"errors"

	"github.com/gatehouse-id/gatehouse/saml/internal/dsig"
	"github.com/gatehouse-id/gatehouse/saml/internal/xmltree"
)

// Check names what refused.
type Check string

// The checks, in about the order in which they happen.
const (
	// CheckXML: the document is not acceptable XML: not well-formed, not
	// UTF-8, a document type declaration, a processing instruction, a
	// repeated ID (XML 1.0, Namespaces in XML 1.0).
	CheckXML Check = "xml"
	// CheckLimit: the document exceeds a bound of Limits.
	CheckLimit Check = "limit"
	// CheckUnsigned: there is no such element, or it has no signature.
	CheckUnsigned Check = Check(dsig.CheckUnsigned)
	// CheckPosition: the signature is neither first nor right after Issuer, or
	// there are two (SAML Core 5.4).
	CheckPosition Check = Check(dsig.CheckPosition)
	// CheckShape: the signature has parts that a SAML signature has not
	// (XMLDSig 4).
	CheckShape Check = Check(dsig.CheckShape)
	// CheckReference: it refers to something else than the element that it
	// stands in (SAML Core 5.4.2).
	CheckReference Check = Check(dsig.CheckReference)
	// CheckTransform: a transform that is not allowed (SAML Core 5.4.4).
	CheckTransform Check = Check(dsig.CheckTransform)
	// CheckAlgorithm: an algorithm that is not allowed (XMLDSig 6, RFC 9231).
	CheckAlgorithm Check = Check(dsig.CheckAlgorithm)
	// CheckKey: no key of Options fits the algorithm.
	CheckKey Check = Check(dsig.CheckKey)
	// CheckCanonical: the canonical form is unreasonably large (Exclusive XML
	// Canonicalization 3).
	CheckCanonical Check = Check(dsig.CheckCanonical)
	// CheckSignature: none of the keys made the signature (XMLDSig 3.2.2).
	CheckSignature Check = Check(dsig.CheckSignature)
	// CheckDigest: the element is not what was signed (XMLDSig 3.2.1).
	CheckDigest Check = Check(dsig.CheckDigest)
	// CheckSign: what is asked of Sign cannot be signed.
	CheckSign Check = Check(dsig.CheckSign)
)

// Error is a refusal. Error() is for logs, Public for people.
type Error struct {
	Check  Check
	Public string
	Err    error
}

// Error is for logs.
func (e *Error) Error() string { return "xmldsig: " + string(e.Check) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

const (
	publicVerify = "The document could not be verified."
	publicSign   = "The document could not be signed."
)

// wrap makes an Error of an engine's.
func wrap(err error, public string) *Error {
	e := &Error{Check: CheckXML, Public: public, Err: err}
	var d *dsig.Error
	switch {
	case errors.As(err, &d):
		e.Check, e.Err = Check(d.Check), d.Err
	case xmltree.CheckOf(err) == xmltree.CheckLimit:
		e.Check = CheckLimit
	}
	return e
}
