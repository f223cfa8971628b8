// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package xmltree

import (
	"errors"
	"fmt"
)

// Check names the rule by which a document was refused.
type Check string

const (
	// CheckSyntax: the document is not well-formed (XML 1.0 section 2.1).
	CheckSyntax Check = "syntax"
	// CheckEncoding: not UTF-8, or declared to be something else (XML 1.0
	// section 4.3.3).
	CheckEncoding Check = "encoding"
	// CheckDoctype: a document type declaration, or a reference to an entity
	// that only one could declare (XML 1.0 sections 2.8, 4.1).
	CheckDoctype Check = "doctype"
	// CheckInstruction: a processing instruction (XML 1.0 section 2.6).
	CheckInstruction Check = "instruction"
	// CheckNamespace: not namespace-well-formed, or a relative namespace name
	// (Namespaces in XML 1.0 section 7; Canonical XML 1.0 section 1.3).
	CheckNamespace Check = "namespace"
	// CheckAttribute: an attribute occurs twice, also after expanding prefixes
	// (Namespaces in XML 1.0 section 6.3).
	CheckAttribute Check = "attribute"
	// CheckID: two elements have one ID, over ID, Id and xml:id alike.
	CheckID Check = "id"
	// CheckLimit: a bound of Limits is exceeded.
	CheckLimit Check = "limit"
	// CheckContent: an element holds other content than its reader expects.
	CheckContent Check = "content"
	// CheckCanonical: the canonical form is empty or exceeds its bound.
	CheckCanonical Check = "canonical"
)

// Error is a refusal, at a byte offset of the document where that is known.
type Error struct {
	Check  Check
	Offset int
	Err    error
}

// Error is for logs.
func (e *Error) Error() string {
	return fmt.Sprintf("xml: %s at byte %d: %v", e.Check, e.Offset, e.Err)
}

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

func refuse(c Check, offset int, format string, args ...any) *Error {
	return &Error{Check: c, Offset: offset, Err: fmt.Errorf(format, args...)}
}
