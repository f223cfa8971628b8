// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfasql

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/push"
)

var _ push.Relay = (*Store)(nil)

// Put implements [push.Relay].
func (s *Store) Put(ctx context.Context, id string, answer []byte, expires time.Time) error {
	return s.must(ctx, mfa.ErrExists, `INSERT INTO mfa_push_answers (id, answer, expires_at)
		VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, id, bytes(answer), micros(expires))
}

// Get implements [push.Relay].
func (s *Store) Get(ctx context.Context, id string, now time.Time) ([]byte, error) {
	var answer []byte
	err := s.q(ctx).QueryRowContext(ctx, `SELECT answer FROM mfa_push_answers
		WHERE id = $1 AND expires_at > $2`, id, micros(now)).Scan(&answer)
	return answer, notFound(err)
}
