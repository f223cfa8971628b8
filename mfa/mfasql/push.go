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
func (s *Store) Put(ctx context.Context, id string, value []byte, now, expires time.Time) error {
	return s.must(ctx, mfa.ErrExists, `INSERT INTO mfa_push_answers (id, answer, expires_at)
		VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at
		WHERE mfa_push_answers.expires_at <= $4`, id, bytes(value), micros(expires), micros(now))
}

// Get implements [push.Relay].
func (s *Store) Get(ctx context.Context, id string, now time.Time) ([]byte, error) {
	var value []byte
	err := s.q(ctx).QueryRowContext(ctx, `SELECT answer FROM mfa_push_answers
		WHERE id = $1 AND expires_at > $2`, id, micros(now)).Scan(&value)
	return value, notFound(err)
}
