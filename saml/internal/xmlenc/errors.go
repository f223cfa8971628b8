// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmlenc

import (
	"errors"
	"fmt"
)

// Check names the rule by which an encrypted element was refused.
type Check string

const (
	// CheckShape: it is not one EncryptedData with its EncryptedKeys
	// (SAML Core 6.1).
	CheckShape Check = "shape"
	// CheckAlgorithm: an algorithm that is not allowed; RSA 1.5 never is.
	CheckAlgorithm Check = "algorithm"
	// CheckDecrypt: it cannot be decrypted. Whatever the cause, the error is
	// the same.
	CheckDecrypt Check = "decrypt"
	// CheckPlaintext: what was decrypted by an authenticated algorithm is not
	// acceptable XML. With other algorithms that is CheckDecrypt.
	CheckPlaintext Check = "plaintext"
	// CheckEncrypt: the parameters are not fit for encrypting.
	CheckEncrypt Check = "encrypt"
)

// Error is a refusal.
type Error struct {
	Check Check
	Err   error
}

// Error is for logs.
func (e *Error) Error() string { return "xmlenc: " + string(e.Check) + ": " + e.Err.Error() }

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

var errDecrypt = errors.New("it cannot be decrypted")

// failed is the one error of decryption: it tells nothing that would help to
// decrypt by asking (Bleichenbacher, Vaudenay).
func failed() *Error { return &Error{Check: CheckDecrypt, Err: errDecrypt} }
