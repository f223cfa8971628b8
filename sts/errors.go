// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Check names what refused.
type Check string

// The checks. Those of the service stand for its error codes, as the AWS STS
// API Reference lists them for AssumeRoleWithSAML and the IAM User Guide
// explains them ("Troubleshoot SAML federation").
const (
	// CheckInput: a value that this package was given cannot be used.
	CheckInput Check = "input"
	// CheckExpired: the assertion was redeemed too late (ExpiredTokenException).
	CheckExpired Check = "expired"
	// CheckSignature: STS does not take the signature (InvalidIdentityToken).
	CheckSignature Check = "signature"
	// CheckIssuer: the provider's metadata names another issuer.
	CheckIssuer Check = "issuer"
	// CheckProvider: the account has no such SAML provider.
	CheckProvider Check = "provider"
	// CheckAudience: the assertion is for somebody else.
	CheckAudience Check = "audience"
	// CheckSessionName: RoleSessionName or SourceIdentity is missing or
	// malformed.
	CheckSessionName Check = "session-name"
	// CheckAssertion: STS refuses the assertion for another reason
	// (InvalidIdentityToken).
	CheckAssertion Check = "assertion"
	// CheckRejected: the identity provider itself said no (IDPRejectedClaim).
	CheckRejected Check = "rejected"
	// CheckDenied: the role does not trust this (AccessDenied).
	CheckDenied Check = "denied"
	// CheckDuration: more time was asked for than the role allows.
	CheckDuration Check = "duration"
	// CheckPolicy: the session policy is malformed or too large.
	CheckPolicy Check = "policy"
	// CheckRegion: STS is not active in the region (RegionDisabledException).
	CheckRegion Check = "region"
	// CheckThrottled: too many calls.
	CheckThrottled Check = "throttled"
	// CheckUnavailable: STS cannot be reached or fails.
	CheckUnavailable Check = "unavailable"
	// CheckCanceled: the caller gave up.
	CheckCanceled Check = "canceled"
	// CheckService: any other answer of the service.
	CheckService Check = "service"
	// CheckDestination: a console destination that is none.
	CheckDestination Check = "destination"
	// CheckCache: credentials at rest cannot be read or written.
	CheckCache Check = "cache"
	// CheckProfile: a profile file cannot be merged.
	CheckProfile Check = "profile"
)

// Error is a refusal. Error() is for logs; Public is a sentence for people that
// says what to change. Code is the service's own, if it answered.
type Error struct {
	Check     Check
	Public    string
	Err       error
	Code      string
	RequestID string
	Region    string
}

// Error is for logs: check, service code, region, cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("sts: " + string(e.Check))
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Region != "" {
		b.WriteString(" in " + e.Region)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
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

// advice is the sentence for each check of the service.
var advice = map[Check]string{
	CheckExpired:     "The sign-in took too long, or a clock is wrong. Sign in again; if it happens every time, compare the identity provider's clock.",
	CheckSignature:   "AWS does not know the key that signed. Upload the current metadata of the identity provider to the IAM SAML provider.",
	CheckIssuer:      "The IAM SAML provider holds the metadata of another identity provider. Upload the right one, or use the right provider ARN.",
	CheckProvider:    "The account has no SAML provider with this ARN. Create it, or correct the ARN.",
	CheckAudience:    "The assertion is not made for AWS in this partition. Correct the audience of the account's partition.",
	CheckSessionName: "The session name or source identity is missing or has characters that AWS refuses. Use 2 to 64 of letters, digits and _+=,.@-.",
	CheckAssertion:   "AWS refuses the assertion. Check it with the linter.",
	CheckRejected:    "The identity provider reported that the sign-in failed. Sign in again.",
	CheckDenied:      "The role does not allow this. Its trust policy must name the SAML provider and the sign-in endpoint, and allow sts:TagSession and sts:SetSourceIdentity where tags or a source identity are sent.",
	CheckDuration:    "The role allows shorter sessions only. Ask for less, or raise the role's maximum session duration.",
	CheckPolicy:      "The session policy is malformed or too large. Correct or shorten it.",
	CheckRegion:      "STS is not active in this region. Activate it in the account's settings, or use another region.",
	CheckThrottled:   "AWS is throttling. Wait a moment and try again.",
	CheckUnavailable: "AWS STS cannot be reached. Check network and proxy, or try again later.",
	CheckCanceled:    "The request was given up.",
	CheckService:     "AWS STS refused the request.",
}

// classify makes an Error of what the SDK returned.
func classify(region string, err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	e := &Error{Err: err, Region: region}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code = api.ErrorCode()
		e.Check = checkOfCode(e.Code, api.ErrorMessage())
	}
	if resp, ok := errors.AsType[interface {
		ServiceRequestID() string
		error
	}](err); ok {
		e.RequestID = resp.ServiceRequestID()
	}
	if e.Check == "" {
		e.Check = checkOfTransport(err)
	}
	e.Public = advice[e.Check]
	return e
}

func checkOfCode(code, message string) Check {
	switch code {
	case "ExpiredTokenException", "ExpiredToken":
		return CheckExpired
	case "InvalidIdentityToken", "InvalidIdentityTokenException":
		return checkOfMessage(message)
	case "IDPRejectedClaim", "IDPRejectedClaimException":
		return CheckRejected
	case "AccessDenied", "AccessDeniedException":
		return CheckDenied
	case "MalformedPolicyDocument", "MalformedPolicyDocumentException", "PackedPolicyTooLarge", "PackedPolicyTooLargeException":
		return CheckPolicy
	case "RegionDisabledException":
		return CheckRegion
	case "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException":
		return CheckThrottled
	case "IDPCommunicationError", "InternalFailure", "InternalError", "ServiceUnavailable":
		return CheckUnavailable
	case "ValidationError":
		if strings.Contains(message, "DurationSeconds exceeds") {
			return CheckDuration
		}
	}
	return ""
}

// checkOfMessage tells the causes of InvalidIdentityToken apart by the texts
// of the IAM User Guide; the code alone does not.
func checkOfMessage(m string) Check {
	for _, t := range []struct {
		text  string
		check Check
	}{
		{"signature invalid", CheckSignature},
		{"Issuer not present", CheckIssuer},
		{"provider doesn't exist", CheckProvider},
		{"required audience", CheckAudience},
		{"RoleSessionName", CheckSessionName},
		{"Source Identity", CheckSessionName},
	} {
		if strings.Contains(m, t.text) {
			return t.check
		}
	}
	return CheckAssertion
}

func checkOfTransport(err error) Check {
	if errors.Is(err, context.Canceled) {
		return CheckCanceled
	}
	if _, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok || errors.Is(err, context.DeadlineExceeded) {
		return CheckUnavailable
	}
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		switch code := resp.HTTPStatusCode(); {
		case code == http.StatusTooManyRequests:
			return CheckThrottled
		case code == 0 || code >= 500:
			return CheckUnavailable
		}
	}
	return CheckService
}
