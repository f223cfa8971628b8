// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package dsig

import (
	"errors"
	"fmt"
)

// Check names the rule by which a signature was refused.
type Check string

const (
	// CheckUnsigned: the element has no signature of its own.
	CheckUnsigned Check = "unsigned"
	// CheckPosition: the signature is not where the SAML schemas put it, the
	// first child or right after Issuer, or there are two (SAML Core 5.4).
	CheckPosition Check = "position"
	// CheckShape: the signature has other parts than a SAML signature has
	// (XMLDSig 4; SAML Core 5.4).
	CheckShape Check = "shape"
	// CheckReference: it does not refer to exactly the element that it stands
	// in, by its ID attribute (SAML Core 5.4.2).
	CheckReference Check = "reference"
	// CheckTransform: another transform or canonicalisation than those
	// allowed (SAML Core 5.4.3, 5.4.4).
	CheckTransform Check = "transform"
	// CheckAlgorithm: a signature or digest algorithm that is not allowed.
	CheckAlgorithm Check = "algorithm"
	// CheckKey: no key of Options fits the algorithm.
	CheckKey Check = "key"
	// CheckCanonical: what is signed has no acceptable canonical form.
	CheckCanonical Check = "canonical"
	// CheckDigest: the element is not what was signed (XMLDSig 3.2.1).
	CheckDigest Check = "digest"
	// CheckSignature: the signature was made by none of the keys
	// (XMLDSig 3.2.2).
	CheckSignature Check = "signature"
	// CheckSign: the parameters or the document are not fit for signing.
	CheckSign Check = "sign"
)

// Error is a refusal.
type Error struct {
	Check Check
	Err   error
}

// Error is for logs.
func (e *Error) Error() string { return "dsig: " + string(e.Check) + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CheckOf returns the check of a refusal, or "" for other errors.
func CheckOf(err error) Check {
	var e *Error
	if errors.As(err, &e) {
		return e.Check
	}
	return ""
}

func refuse(c Check, format string, args ...any) *Error {
	return &Error{Check: c, Err: fmt.Errorf(format, args...)}
}
