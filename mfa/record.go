// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"encoding/json"
	"time"
)

// Record is one enrolled credential as a store keeps it: metadata that may be
// listed, and the factor's secrets sealed.
type Record struct {
	// ID is random and unique over all records.
	ID      string
	Subject Subject
	Kind    Kind
	// Key is unique over all records of the kind, over all people and
	// tenants: a WebAuthn credential id, a token's serial number. Empty for
	// kinds that have none.
	Key string
	// Name is what the person calls it.
	Name string
	// Public is the factor's metadata for listings, without secrets; nil or
	// one JSON value.
	Public json.RawMessage
	// Strength is the most that an answer with it can be worth.
	Strength  Strength
	CreatedAt time.Time
	// UsedAt is the last time it passed; zero if never.
	UsedAt time.Time
	// ExpiresAt is when it ends to be of use; zero is never.
	ExpiresAt time.Time
	// Version counts changes of Public and Sealed: compare-and-swap.
	Version int64
	// Sealed is the factor's secret state, sealed by the flow's [Sealer].
	Sealed []byte

	proof *Evidence
}

// Proof returns what enrolling the credential proved, in the Record that
// [Flow.FinishEnrol] returns: the person who confirmed a new authenticator by
// a code from it need not give another. ok is false for every other Record,
// and for kinds whose enrolment proves nothing, such as recovery codes.
func (r Record) Proof() (e Evidence, ok bool) {
	if r.proof == nil {
		return Evidence{}, false
	}
	return *r.proof, true
}

func (r Record) live(now time.Time) bool { return r.ExpiresAt.IsZero() || r.ExpiresAt.After(now) }

// Credential is a record opened for its factor.
type Credential struct {
	Record
	// Secret is what the factor returned when it enrolled or last updated
	// the credential.
	Secret []byte
}
