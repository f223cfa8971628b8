// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"errors"
	"time"
)

// Check names what refused. Factors add their own.
type Check string

// The flow's checks.
const (
	// CheckInput: the request is malformed or too large.
	CheckInput Check = "input"
	// CheckKind: no such factor is configured, or it cannot do this.
	CheckKind Check = "kind"
	// CheckChallenge: the challenge is unknown, expired, used up or replaced
	// by a newer one. Which one is not told.
	CheckChallenge Check = "challenge"
	// CheckBinding: the challenge was begun in another browser session.
	CheckBinding Check = "binding"
	// CheckFirstFactor: nothing has been proved yet and this factor cannot
	// be the first (moving its counter would let strangers lock people out).
	CheckFirstFactor Check = "first-factor"
	// CheckLocked: too many failures of this person with this factor.
	CheckLocked Check = "locked"
	// CheckCredential: the person has no such credential. To whoever named
	// somebody before any proof it is [CheckWrong].
	CheckCredential Check = "credential"
	// CheckWrong: the answer is wrong.
	CheckWrong Check = "wrong"
	// CheckReused: the answer was right but has been used (RFC 6238 5.2).
	CheckReused Check = "reused"
	// CheckStrength: the proof is weaker than was asked for.
	CheckStrength Check = "strength"
	// CheckRounds: the factor asked more questions than are allowed.
	CheckRounds Check = "rounds"
	// CheckFresh: the change needs a factor proved just now.
	CheckFresh Check = "fresh"
	// CheckTicket: the enrolment ticket is unknown, expired or used, or is
	// another person's.
	CheckTicket Check = "ticket"
	// CheckLimit: the person has as many credentials of the kind as allowed.
	CheckLimit Check = "limit"
	// CheckDuplicate: the credential is registered already, here or with
	// another person.
	CheckDuplicate Check = "duplicate"
	// CheckIdentify: the handler's Identify refused the HTTP request.
	CheckIdentify Check = "identify"
	// CheckUpstream: an outside service (RADIUS server, message gateway)
	// failed.
	CheckUpstream Check = "upstream"
)

// Error is a refusal. Error() is for logs, Public for the person; a wrong and
// a reused answer have the same Public text.
type Error struct {
	Check  Check
	Public string
	Err    error
	// Until is when a locked factor may be tried again; zero otherwise.
	Until time.Time
}

// Error is for logs: it names the check.
func (e *Error) Error() string {
	s := "mfa: " + string(e.Check)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Public texts that several checks share, so that they tell nothing apart.
const (
	// PublicWrong is shown for wrong and reused answers alike.
	PublicWrong = "That did not work. Check it and try again."
	// PublicAgain is shown when a challenge is gone.
	PublicAgain = "This request has ended. Start again."
)

// CheckOf returns the check that refused, or "" if err is no refusal.
func CheckOf(err error) Check {
	var e *Error
	if errors.As(err, &e) {
		return e.Check
	}
	return ""
}

func refuse(c Check, public, cause string) *Error {
	return &Error{Check: c, Public: public, Err: errors.New(cause)}
}
