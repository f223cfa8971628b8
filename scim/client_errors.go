// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// The checks that only a [Client] makes.
const (
	CheckConnection Check = "connection" // no answer: refused, dropped or too late
	CheckAnswer     Check = "answer"     // the answer is not SCIM, contradicts itself or is over the bound
)

// AnswerError is a server's refusal, as the cause of an [*Error]. It is
// [ErrNotFound], [ErrConflict] or [ErrVersion] to errors.Is where the status
// says so.
type AnswerError struct {
	Status    int
	ScimType  string
	Detail    string // the server's words, shortened; for logs
	RequestID string
}

func (e *AnswerError) Error() string {
	s := "the server answered " + strconv.Itoa(e.Status)
	if e.ScimType != "" {
		s += " " + strconv.Quote(e.ScimType)
	}
	if e.Detail != "" {
		s += ": " + strconv.Quote(e.Detail)
	}
	if e.RequestID != "" {
		s += " (request " + strconv.Quote(e.RequestID) + ")"
	}
	return s
}

// Is maps the status to the errors of a [Store].
func (e *AnswerError) Is(target error) bool {
	switch e.Status {
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusPreconditionFailed:
		return target == ErrVersion
	}
	return false
}

var checkOfStatus = map[int]Check{
	http.StatusUnauthorized: CheckUnauthorized, http.StatusForbidden: CheckForbidden, http.StatusNotFound: CheckNotFound,
	http.StatusMethodNotAllowed: CheckMethod, http.StatusConflict: CheckUniqueness, http.StatusPreconditionFailed: CheckVersion,
	http.StatusRequestEntityTooLarge: CheckTooLarge, http.StatusUnsupportedMediaType: CheckMediaType,
	http.StatusTooManyRequests: CheckThrottled, http.StatusNotImplemented: CheckUnsupported, http.StatusServiceUnavailable: CheckBusy,
}

// refusal reads an error message leniently (RFC 7644 section 3.12): AWS sends
// a schema key beside schemas, status as text, and its own request id.
func refusal(status int, h http.Header, body []byte) *Error {
	a := &AnswerError{Status: status}
	if v, err := parseJSON(body, Limits{Depth: 8, Values: 1000, Text: 64 << 10}); err == nil {
		if o, ok := v.(*object); ok {
			a.ScimType = shorten(o.text("scimType"), 64)
			a.Detail = shorten(o.text("detail"), 300)
			if a.Detail == "" {
				a.Detail = shorten(o.text("message"), 300)
			}
			a.RequestID = shorten(o.text("exceptionRequestId"), 100)
		}
	}
	if a.RequestID == "" {
		for _, name := range []string{"X-Amzn-Requestid", "X-Request-Id", "X-Okta-Request-Id"} {
			if a.RequestID = shorten(h.Get(name), 100); a.RequestID != "" {
				break
			}
		}
	}
	e := &Error{Check: CheckAnswer, Public: "the server refused the request", Err: a}
	switch {
	case checkOfStatus[status] != "":
		e.Check = checkOfStatus[status]
	case status >= 500:
		e.Check = CheckInternal
	case status == http.StatusBadRequest:
		e.Check = CheckInvalidSyntax
		if named := (&Error{Check: Check(a.ScimType)}); named.ScimType() != "" {
			e.Check = named.Check
		}
	case status/100 == 3:
		e.Public = "the server answered with a redirect, which is not followed"
	}
	return e
}

func shorten(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

func hasCheck(err error, c Check) bool {
	var e *Error
	return errors.As(err, &e) && e.Check == c
}
