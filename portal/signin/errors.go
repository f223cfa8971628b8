// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"errors"
	"time"
)

// Check names what refused a sign-in.
type Check string

// The checks.
const (
	CheckRate        Check = "signin-rate"        // too many failures (NIST SP 800-63B 5.2.2)
	CheckCredentials Check = "signin-credentials" // unknown name, wrong password, or no password here: not told apart
	CheckDisabled    Check = "signin-disabled"    // the person is inactive or blocked
	CheckFlow        Check = "signin-flow"        // the sign-in expired, was finished, or is another browser's
	CheckFactor      Check = "signin-factor"      // policy asks for a factor that the person does not have
	CheckTicket      Check = "signin-ticket"      // a single-use ticket is unknown, spent or expired
	CheckSource      Check = "signin-source"      // an external source named somebody who is not in it
)

// Error is a refused sign-in.
type Error struct {
	Check      Check
	Public     string        // for people; the same for every cause that must not be told apart
	Err        error         // for logs
	RetryAfter time.Duration // with CheckRate
	Person     string        // whose account it was, if a credential proved it
}

// Error describes the refusal for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return "signin: " + string(e.Check) + ": " + e.Err.Error()
	}
	return "signin: " + string(e.Check)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// publicCredentials is said for every cause of a refused password.
const publicCredentials = "That name and password do not match an account that can sign in here."

func flowError(cause string) *Error {
	return &Error{Check: CheckFlow, Public: "This sign-in has expired. Please begin again.", Err: errors.New(cause)}
}
