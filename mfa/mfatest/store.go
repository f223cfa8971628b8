// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestStore runs every case of the store contract as a subtest. open returns
// an empty store, or one whose rows are not those of the cases: they use
// random subjects.
func TestStore(t *testing.T, open func(t *testing.T) mfa.Store) {
	for _, c := range StoreCases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(t.Context(), open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// StoreCase is one clause of the contract of [mfa.Store].
type StoreCase struct {
	// Name names the clause.
	Name string
	// Check returns what is broken, nil if nothing is.
	Check func(ctx context.Context, s mfa.Store) error
}

// StoreCases returns the contract, clause by clause.
func StoreCases() []StoreCase {
	return []StoreCase{
		{"record round trip", recordRoundTrip},
		{"record key unique over people", recordKeyUnique},
		{"record compare and swap", recordSwap},
		{"record of another person", recordOfAnother},
		{"records in pages", recordPages},
		{"parallel updates of one version", parallelUpdates},
		{"challenge taken once", challengeTakenOnce},
		{"challenge expiry and tries", challengeExpiry},
		{"challenge spent once", challengeSpentOnce},
		{"challenge dropped by newer", challengeDropped},
		{"counter locks", counterLocks},
		{"parallel charges each count", parallelCharges},
		{"counter of another person or kind", counterOfAnother},
		{"transaction rolls back", rollsBack},
		{"transaction joins", joins},
		{"transaction ends", ends},
		{"transaction is told", told},
		{"ticket spent once", ticketSpentOnce},
		{"device list and removal", deviceList},
		{"sightings newest kept", sightings},
		{"expired rows deleted", deleteExpired},
	}
}
