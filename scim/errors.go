// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Check names what refused a request. Sections are of RFC 7644 unless said
// otherwise.
type Check string

// The checks. Each has a status and, where section 3.12 gives one, a scimType.
const (
	CheckInvalidFilter Check = "invalidFilter" // 400, 3.12: bad filter, or an attribute that cannot be filtered by
	CheckTooMany       Check = "tooMany"       // 400, 3.12: more results than the server is willing to work through
	CheckUniqueness    Check = "uniqueness"    // 409, 3.12: a unique value is taken
	CheckMutability    Check = "mutability"    // 400, 3.12: readOnly, immutable, or vetoed by the application
	CheckInvalidSyntax Check = "invalidSyntax" // 400, 3.12: not JSON, not the message expected
	CheckInvalidPath   Check = "invalidPath"   // 400, 3.12: a PATCH path that is malformed or names nothing
	CheckNoTarget      Check = "noTarget"      // 400, 3.12: a PATCH path that selects nothing
	CheckInvalidValue  Check = "invalidValue"  // 400, 3.12: a required value is missing or a value has the wrong type
	CheckInvalidVers   Check = "invalidVers"   // 400, 3.12: not the protocol version spoken here
	CheckSensitive     Check = "sensitive"     // 403, 3.12: personal data in a request URI

	CheckInvalidCursor Check = "invalidCursor" // 400, RFC 9865 section 2.1: not a cursor of this query
	CheckExpiredCursor Check = "expiredCursor" // 400, RFC 9865 section 2.1
	CheckInvalidCount  Check = "invalidCount"  // 400, RFC 9865 section 2.1

	CheckUnauthorized Check = "unauthorized" // 401, section 2: no token, or not a good one
	CheckForbidden    Check = "forbidden"    // 403: a read token that writes, or vetoed by the application
	CheckNotFound     Check = "notFound"     // 404, 3.12
	CheckMethod       Check = "method"       // 405
	CheckVersion      Check = "version"      // 412, 3.14: If-Match or If-None-Match did not hold
	CheckTooLarge     Check = "tooLarge"     // 413, 3.7.4: body, operations or values over the limit
	CheckMediaType    Check = "mediaType"    // 415, 3.1
	CheckThrottled    Check = "throttled"    // 429, with Retry-After
	CheckInternal     Check = "internal"     // 500: the store failed; the cause is for the log only
	CheckUnsupported  Check = "unsupported"  // 501
	CheckBusy         Check = "busy"         // 503, with Retry-After: the database is locked or keeps conflicting
)

var statusOf = map[Check]int{
	CheckUniqueness: http.StatusConflict, CheckSensitive: http.StatusForbidden,
	CheckUnauthorized: http.StatusUnauthorized, CheckForbidden: http.StatusForbidden,
	CheckNotFound: http.StatusNotFound, CheckMethod: http.StatusMethodNotAllowed,
	CheckVersion: http.StatusPreconditionFailed, CheckTooLarge: http.StatusRequestEntityTooLarge,
	CheckMediaType: http.StatusUnsupportedMediaType, CheckThrottled: http.StatusTooManyRequests,
	CheckInternal: http.StatusInternalServerError, CheckUnsupported: http.StatusNotImplemented,
	CheckBusy: http.StatusServiceUnavailable,
}

// Error is a refusal. Stores and hooks return one, wrapped or not, to choose
// the answer: the status and scimType follow from Check, the detail is Public,
// and Err is for the log only.
type Error struct {
	Check  Check
	Public string
	Err    error

	// RetryAfter is sent with [CheckThrottled] and [CheckBusy].
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	s := "scim: " + string(e.Check)
	if e.Public != "" {
		s += ": " + e.Public
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Status is the HTTP status of the refusal.
func (e *Error) Status() int {
	if s, ok := statusOf[e.Check]; ok {
		return s
	}
	return http.StatusBadRequest
}

// ScimType is the scimType of the error message, or "" where the standard
// defines none.
func (e *Error) ScimType() string {
	switch e.Check {
	case CheckInvalidFilter, CheckTooMany, CheckUniqueness, CheckMutability, CheckInvalidSyntax, CheckInvalidPath,
		CheckNoTarget, CheckInvalidValue, CheckInvalidVers, CheckSensitive,
		CheckInvalidCursor, CheckExpiredCursor, CheckInvalidCount:
		return string(e.Check)
	}
	return ""
}

// Errors of a [Store]. ErrBusy says that it has waited for as long as it will,
// for a lock or a connection, and that nothing was written: the answer is 503
// with Retry-After, without another try.
var (
	ErrNotFound = errors.New("scim: no such resource")
	ErrConflict = errors.New("scim: a unique value is taken")
	ErrVersion  = errors.New("scim: the resource was changed in the meantime")
	ErrFull     = errors.New("scim: the store is full")
	ErrBusy     = errors.New("scim: the store is busy")
)

// asError turns what a store or hook returned into the refusal it means.
func asError(err error) *Error {
	var e *Error
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, ErrNotFound):
		return &Error{Check: CheckNotFound, Public: "no such resource", Err: err}
	case errors.Is(err, ErrConflict):
		return &Error{Check: CheckUniqueness, Public: "a value that must be unique is taken", Err: err}
	case errors.Is(err, ErrVersion):
		return &Error{Check: CheckVersion, Public: "the resource was changed in the meantime", Err: err}
	case errors.Is(err, ErrFull):
		return &Error{Check: CheckBusy, Public: "the store is full", Err: err, RetryAfter: time.Minute}
	case errors.Is(err, ErrBusy):
		return &Error{Check: CheckBusy, Public: "the store is busy", Err: err, RetryAfter: time.Second}
	case errors.As(err, &tooLong):
		return &Error{Check: CheckTooLarge, Public: "the request body is too large", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Check: CheckBusy, Public: "the request was given up", Err: err, RetryAfter: time.Second}
	}
	return &Error{Check: CheckInternal, Public: "the request could not be served", Err: err}
}

func refuse(c Check, public string) *Error { return &Error{Check: c, Public: public} }
