// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"sync/atomic"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Meet returns the factor with its first n verifications ending together, so
// that each of those answers holds a proof that was right when it was made and
// all but one must fail when they commit. No more than the tries before a lock
// can meet. It enrols and provisions nobody: use it in a second flow over the
// same store.
func Meet(f mfa.Factor, n int) mfa.Factor {
	return &meeting{Factor: f, n: int64(n), met: make(chan struct{})}
}

type meeting struct {
	mfa.Factor
	n        int64
	verified atomic.Int64
	met      chan struct{}
}

// Verify implements [mfa.Factor].
func (m *meeting) Verify(ctx context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	v, err := m.Factor.Verify(ctx, r)
	if m.verified.Add(1) == m.n {
		close(m.met)
	}
	select {
	case <-m.met:
	case <-ctx.Done():
		return v, ctx.Err()
	}
	return v, err
}
