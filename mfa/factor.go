// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"encoding/json"
	"time"
)

// Factor is one way to prove oneself, plugged into a [Flow] by Config.Factors.
// The flow owns what libraries leave to applications: challenges are stored
// sealed, taken once and bound to the browser session; attempts are charged
// before Verify and locked out; credentials are opened, sealed again and
// swapped in the caller's transaction. So a factor is a pure function as far
// as it can be: it keeps no state between calls and is safe for concurrent
// use.
//
// A refusal is an [*Error] whose Check names it; any other error is a fault of
// the system and is not shown to the person. Both cost an attempt.
type Factor interface {
	// Info describes the factor; the same at every call.
	Info() Info

	// Begin makes a challenge. It is called outside of any transaction and
	// may send a message.
	Begin(ctx context.Context, r BeginRequest) (Begun, error)

	// Verify judges an answer against the state that Begin returned. It is
	// called outside of any transaction, after the attempt is charged and the
	// challenge taken. When the credential changed meanwhile it is called
	// again with the newer one, so it must not consume anything itself.
	Verify(ctx context.Context, r VerifyRequest) (Verified, error)
}

// Enroller is a [Factor] that people enrol for themselves.
type Enroller interface {
	Factor

	// BeginEnrol makes what the client needs to enrol: a secret to show,
	// creation options, a code sent to an address.
	BeginEnrol(ctx context.Context, r EnrolRequest) (Begun, error)

	// FinishEnrol checks the person's answer and returns the credential to
	// keep. Whatever the answer spent (a TOTP step) is spent in it.
	FinishEnrol(ctx context.Context, r FinishEnrolRequest) (Enrolled, error)
}

// Provisioner is a [Factor] whose credentials an administrator makes, with
// [Flow.Provision].
type Provisioner interface {
	Factor

	// Provision returns the credential to keep, and what the administrator is
	// shown once; nil if nothing.
	Provision(ctx context.Context, r EnrolRequest) (Enrolled, json.RawMessage, error)
}

// Availability is an Implicit [Factor] that does not reach everybody, such as
// codes to people without an address. Without it policy takes it that
// everybody has the factor.
type Availability interface {
	// Available says whether the person can use the factor.
	Available(ctx context.Context, s Subject) (bool, error)
}

// Discoverer is a [Factor] whose answers name their credential, so that a
// challenge may be begun before the person is known (usernameless).
type Discoverer interface {
	// Discover returns the [Record].Key that the answer names, without
	// judging the answer. read is the answer as the factor reads it, for its
	// Verify, so that one answer is read once; it may be nil.
	Discover(answer []byte) (key string, read any, err error)
}

// Info describes a factor to the flow and to pages.
type Info struct {
	Kind Kind
	// Strength is the most an answer can be worth.
	Strength Strength
	// FirstFactor says that the factor may be begun before any other proof.
	// Its attempts are then not charged against the person, so that strangers
	// lock nobody out; it must not be guessable.
	FirstFactor bool
	// Implicit says that people need no enrolled record, such as codes to an
	// address from the directory, or RADIUS. Everybody whom it reaches has the
	// factor (see [Availability]): unless it is a fallback, rules that name no
	// Factors count it for them, and nobody among them is asked to enrol.
	Implicit bool
	// Fallback marks proofs that count only where a rule names the kind.
	Fallback bool
	// Tries is how many answers one challenge takes, 1 if zero. Answers are
	// charged against the person all the same.
	Tries int
	// TTL is how long a challenge lives, 5 minutes if zero.
	TTL time.Duration
	// Newest says that a new challenge ends the person's older ones, but not
	// before any proof: a stranger could then end the person's.
	Newest bool
	// Sends says that Begin sends a message: beginning is rate-limited too.
	Sends bool
	// BrowserOptions says that options may come from the person's browser: they
	// choose among what is the person's, and weaken no check.
	BrowserOptions bool
	// MaxRecords caps the records of this kind per person, 10 if zero.
	MaxRecords int
}

// Purpose is what a proof is for.
type Purpose string

const (
	// First is sign-in by this factor alone.
	First Purpose = "first"
	// Second is the second factor at sign-in.
	Second Purpose = "second"
	// StepUp is a fresh proof inside a session.
	StepUp Purpose = "step-up"
	// Enrol marks challenges of enrolments.
	Enrol Purpose = "enrol"
)

// BeginRequest is what [Factor.Begin] is asked.
type BeginRequest struct {
	// Subject has an empty ID when the person is not known (yet), and when
	// there were too many messages before any proof: a factor that sends then
	// answers alike and sends nothing.
	Subject Subject
	// Hint is what an unknown person typed as their name. A factor that
	// lists credentials in its challenge derives a plausible fake from it,
	// the same every time, so that challenges do not tell who exists.
	Hint string
	// Credentials are the person's of this kind, oldest first.
	Credentials []Credential
	Purpose     Purpose
	// Strength is what the caller will ask of the result.
	Strength Strength
	// Client is who asks; its Browser is fit to be shown: up to 100 bytes
	// without control characters and those that change direction.
	Client Client
	// Options are the factor's own, from the application; nil if none.
	Options json.RawMessage
	Now     time.Time
}

// Begun is a challenge as a factor makes it.
type Begun struct {
	// State is handed to Verify or FinishEnrol; the client never sees it. It
	// is sealed at rest.
	State []byte
	// Public is one JSON value for the client; nil if none.
	Public json.RawMessage
}

// VerifyRequest is what [Factor.Verify] is asked.
type VerifyRequest struct {
	// Subject is the person of the challenge, or of the credential that the
	// answer named.
	Subject Subject
	// Credentials are the person's of this kind now, oldest first; exactly
	// the named one if the factor is a [Discoverer] and the challenge was
	// begun without a subject.
	Credentials []Credential
	Purpose     Purpose
	Strength    Strength
	Client      Client
	// State is from Begin.
	State []byte
	// Answer is from the client, bounded by [MaxAnswer].
	Answer []byte
	// Read is what Discover made of Answer, if the challenge was begun without
	// a subject; otherwise nil.
	Read any
	Now  time.Time
}

// Verified says that an answer is right and what must be recorded of it.
type Verified struct {
	// RecordID is the credential that passed; empty only for Implicit
	// factors.
	RecordID string
	// Secret replaces the credential's secret if not nil, and Public its
	// metadata: compare-and-swap, in the caller's transaction. If either is
	// set and another answer was faster, Verify is asked again. If both are
	// nil only UsedAt moves.
	Secret []byte
	Public json.RawMessage
	// Strength is what this proof is worth.
	Strength Strength
	// UserVerified says the authenticator verified the person (WebAuthn UV).
	UserVerified bool
	// AMR are RFC 8176 names.
	AMR []string
	// Delete removes the credential: it was good for one use. The [Evidence] then
	// names none, so that it stays good without it.
	Delete bool
	// Notices become events of type [EventNotice] in the same transaction:
	// "recovery codes low", "possible clone".
	Notices []string
	// Next asks another question instead of passing (RADIUS rounds). All
	// other fields are ignored. Every round is an attempt that counts until
	// the last one passes, so an exchange of more rounds than Lockout.Tries
	// locks itself out.
	Next *Begun
}

// EnrolRequest is what [Enroller.BeginEnrol] is asked.
type EnrolRequest struct {
	Subject Subject
	// Account and DisplayName label the credential in the person's
	// authenticator: a login name and a person's name.
	Account, DisplayName string
	// Credentials are the person's of this kind so far.
	Credentials []Credential
	Client      Client
	Options     json.RawMessage
	Now         time.Time
}

// FinishEnrolRequest is what [Enroller.FinishEnrol] is asked.
type FinishEnrolRequest struct {
	EnrolRequest
	State  []byte
	Answer []byte
}

// Enrolled is a credential to keep.
type Enrolled struct {
	// Key is the record's unique key, if the kind has one.
	Key string
	// Name is used if the person gave none.
	Name string
	// Secret is sealed; Public is listed.
	Secret   []byte
	Public   json.RawMessage
	Strength Strength
	// ExpiresAt ends the credential; zero is never.
	ExpiresAt time.Time
	// Proof says that the answer proved the new credential, so that the
	// enrolment is itself a proof by it (see [Record.Proof]), with
	// UserVerified and AMR as in [Verified].
	Proof        bool
	UserVerified bool
	AMR          []string
	// Replace removes the person's other records of the kind in the same
	// transaction (a new set of recovery codes).
	Replace bool
	// Notices become events, as in [Verified].
	Notices []string
}
