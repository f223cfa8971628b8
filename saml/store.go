// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml

import (
	"context"
	"errors"
	"time"
)

// Errors of stores.
var (
	// ErrNotFound: there is no such row, or it has expired.
	ErrNotFound = errors.New("saml: not found")
	// ErrExists: the key is taken.
	ErrExists = errors.New("saml: already exists")
	// ErrFull: a memory store has no room and forgets nothing unexpired.
	ErrFull = errors.New("saml: store is full")
)

// Kind tells what a record is for. A record of one kind is never found as
// another.
type Kind string

// The kinds of records.
const (
	// KindRequest: an AuthnRequest of ours that waits for its Response.
	KindRequest Kind = "request"
	// KindReplay: an assertion or logout request that has been used.
	KindReplay Kind = "replay"
	// KindTicket: a verified Assertion that waits for its browser.
	KindTicket Kind = "ticket"
	// KindLogout: a LogoutRequest of ours that waits for its LogoutResponse.
	KindLogout Kind = "logout"
	// KindParked: a peer's verified AuthnRequest that waits for a sign-in.
	KindParked Kind = "parked"
	// KindArtifact: a login whose Response comes as an artifact, by RelayState.
	KindArtifact Kind = "artifact"
	// KindMessage: a message of ours that waits for its artifact to be
	// resolved, sealed; by the artifact's MessageHandle.
	KindMessage Kind = "message"
	// KindFailure: a decryption that failed; they are capped per content key.
	KindFailure Kind = "failure"
)

// Record is one thing that expires. Data is opaque to stores, at most 1 MiB.
type Record struct {
	Kind       Kind
	Key        string // at most 128 bytes, printable ASCII
	Connection string // whose it is; for looking at, not a key
	Data       []byte
	Expires    time.Time
}

// Store keeps what must outlive one HTTP request. Every method is atomic, safe
// for concurrent use and joins the transaction that its context carries from
// InTx. Whether a record is expired is decided with the now of the call:
// it is gone when now is not before Expires. Times have at least microsecond
// precision. An error other than the documented ones says that nothing is
// known about the effect. All replicas share one store; the suite
// samltest.TestStore proves an implementation.
type Store interface {
	// InTx runs fn in a transaction that commits if and only if fn returns
	// nil. Calls with fn's context join it, nested InTx calls too; fn may run
	// again after a serialization failure. A context used after its
	// transaction fails.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	// Put inserts r. It returns ErrExists if there is an unexpired record of
	// the same kind and key, which is then unchanged; of parallel calls for
	// one key exactly one succeeds. An expired record gives way.
	Put(ctx context.Context, r Record, now time.Time) error

	// Get returns the record, or ErrNotFound.
	Get(ctx context.Context, kind Kind, key string, now time.Time) (*Record, error)

	// Take removes the record and returns it, or returns ErrNotFound; of
	// parallel calls exactly one gets it.
	Take(ctx context.Context, kind Kind, key string, now time.Time) (*Record, error)

	// DeleteExpired removes at most limit expired rows and returns how many.
	// Nothing depends on its being called but the size of the store.
	DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error)
}

// Participant is a service provider's share in one session at the identity
// provider: what must be named when that session ends.
type Participant struct {
	Session      string // the application's session ID
	SP           string // entityID
	NameID       NameID
	NameKey      string // equal for equal names; at most 128 bytes
	SessionIndex string
	Expires      time.Time
}

// ParticipantStore keeps the participants of an identity provider's sessions,
// for single logout. Its methods keep the rules of [Store].
type ParticipantStore interface {
	// AddParticipant inserts p; ErrExists if its SP has that SessionIndex.
	AddParticipant(ctx context.Context, p Participant, now time.Time) error

	// Participants returns the unexpired participants of a session in the
	// order in which they were added; none is no error.
	Participants(ctx context.Context, session string, now time.Time) ([]Participant, error)

	// FindParticipants returns the unexpired participants of the service
	// provider with the NameKey, of any session, in the order in which they
	// were added.
	FindParticipants(ctx context.Context, sp, nameKey string, now time.Time) ([]Participant, error)

	// RemoveParticipant removes p by SP and SessionIndex; ErrNotFound if it
	// is not there.
	RemoveParticipant(ctx context.Context, sp, sessionIndex string) error
}
