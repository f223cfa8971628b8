// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awsrole

import (
	"errors"
	"fmt"
)

// Check names the rule that a value breaks.
type Check string

// The checks. Sections are of the IAM User Guide, "Configure SAML assertions
// for the authentication response", unless another is named.
const (
	// CheckPartition: no such partition, or the region is of another one.
	CheckPartition Check = "partition"
	// CheckRole: a Role value is not one role ARN and one SAML provider ARN
	// of the same account.
	CheckRole Check = "role"
	// CheckSessionName: RoleSessionName is missing or does not match
	// [a-zA-Z_0-9+=,.@-]{2,64}.
	CheckSessionName Check = "role-session-name"
	// CheckDuration: SessionDuration is not 900 to 43200 seconds.
	CheckDuration Check = "session-duration"
	// CheckTag: a session tag breaks the rules of "Passing session tags in
	// AWS STS".
	CheckTag Check = "principal-tag"
	// CheckTransitive: TransitiveTagKeys names a key that is no session tag.
	CheckTransitive Check = "transitive-tag-keys"
	// CheckSourceIdentity: SourceIdentity does not match
	// [a-zA-Z_0-9+=,.@-]{2,64}.
	CheckSourceIdentity Check = "source-identity"
	// CheckAttribute: an attribute of the AWS namespace is unknown, repeated,
	// or has a number of values that it cannot have.
	CheckAttribute Check = "attribute"
	// CheckDestination: a console destination is not on the partition's
	// console hosts.
	CheckDestination Check = "destination"
	// CheckDocument: the bytes are no SAML Response that can be read.
	CheckDocument Check = "document"
	// CheckStatus: the Response tells of no success (SAML Core 3.2.2.2).
	CheckStatus Check = "status"
	// CheckSignature: neither Response nor Assertion is signed.
	CheckSignature Check = "signature"
	// CheckIssuer: the assertion has no Issuer, or not the provider's.
	CheckIssuer Check = "issuer"
	// CheckSubject: there is no NameID.
	CheckSubject Check = "subject"
	// CheckConfirmation: there is not exactly one bearer SubjectConfirmation
	// with NotOnOrAfter and Recipient.
	CheckConfirmation Check = "subject-confirmation"
	// CheckRecipient: Recipient or Destination is no AWS sign-in endpoint.
	CheckRecipient Check = "recipient"
	// CheckAudience: no audience of AWS in the AudienceRestriction.
	CheckAudience Check = "audience"
	// CheckTime: the assertion is not valid now.
	CheckTime Check = "time"
	// CheckSize: the encoded Response is longer than AWS takes.
	CheckSize Check = "size"
)

// Error is a refusal. Error() is for logs, Public for people.
type Error struct {
	Check  Check
	Public string
	Err    error
}

// Error is for logs: it names the check and the cause.
func (e *Error) Error() string {
	return fmt.Sprintf("awsrole: %s: %v", e.Check, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CheckOf returns the check that refused, or "" if err is no refusal.
func CheckOf(err error) Check {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Check
	}
	return ""
}

func refuse(c Check, public, format string, args ...any) *Error {
	return &Error{Check: c, Public: public, Err: fmt.Errorf(format, args...)}
}
