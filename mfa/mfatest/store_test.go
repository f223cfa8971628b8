// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest_test

import (
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	mfatest.TestStore(t, func(*testing.T) mfa.Store { return mfa.NewMemoryStore(1000) })
}

// TestBrokenStores shows that the suite names every fault.
func TestBrokenStores(t *testing.T) {
	t.Parallel()
	for _, b := range mfatest.BrokenStores() {
		t.Run(b.Fault, func(t *testing.T) {
			failed := map[string]error{}
			for _, c := range mfatest.StoreCases() {
				if err := c.Check(t.Context(), b.Wrap(mfa.NewMemoryStore(1000))); err != nil {
					failed[c.Name] = err
				}
			}
			if failed[b.Case] == nil {
				t.Errorf("case %q passed; failed: %v", b.Case, failed)
			}
		})
	}
}
