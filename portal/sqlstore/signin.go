// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/signin"
)

var _ signin.Store = (*Store)(nil)

// CreateFlow implements [signin.Store].
func (s *Store) CreateFlow(ctx context.Context, hash string, state []byte, expires time.Time) error {
	_, err := s.exec(ctx, "INSERT INTO portal_flows (hash, state, expires) VALUES ($1, $2, $3)", hash, string(state), micros(expires))
	return err
}

// Flow implements [signin.Store].
func (s *Store) Flow(ctx context.Context, hash string, now time.Time) ([]byte, error) {
	return s.text(ctx, "SELECT state FROM portal_flows WHERE hash = $1 AND expires > $2", hash, micros(now))
}

// TakeFlow implements [signin.Store].
func (s *Store) TakeFlow(ctx context.Context, hash string, now time.Time) ([]byte, error) {
	return s.text(ctx, "DELETE FROM portal_flows WHERE hash = $1 AND expires > $2 RETURNING state", hash, micros(now))
}

func (s *Store) text(ctx context.Context, query string, args ...any) ([]byte, error) {
	var text string
	err := s.q(ctx).QueryRowContext(ctx, query, args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, signin.ErrNotFound
	}
	return []byte(text), err
}

// TakeLimit implements [signin.Store]. The row holds the theoretical arrival
// time of the next event (GCRA); it moves only if that is less than
// burst*interval ahead.
func (s *Store) TakeLimit(ctx context.Context, key string, now time.Time, interval time.Duration, burst int) (bool, time.Duration, error) {
	step, at := interval.Microseconds(), micros(now)
	n, err := s.exec(ctx, `INSERT INTO portal_limits (limit_key, tat) VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT)) ON CONFLICT (limit_key) DO UPDATE
		SET tat = CASE WHEN portal_limits.tat > $2 THEN portal_limits.tat ELSE $2 END + $3
		WHERE portal_limits.tat + $3 - $2 <= $4`, key, at, step, step*int64(burst))
	if err != nil || n > 0 {
		return n > 0, 0, err
	}
	var tat int64
	if err := s.q(ctx).QueryRowContext(ctx, "SELECT tat FROM portal_limits WHERE limit_key = $1", key).Scan(&tat); err != nil {
		return false, interval, err
	}
	return false, max(time.Duration(tat+step-at-step*int64(burst))*time.Microsecond, time.Second), nil
}

// RefundLimit implements [signin.Store].
func (s *Store) RefundLimit(ctx context.Context, key string, interval time.Duration) error {
	_, err := s.exec(ctx, "UPDATE portal_limits SET tat = tat - $1 WHERE limit_key = $2", interval.Microseconds(), key)
	return err
}

// CreateTicket implements [signin.Store].
func (s *Store) CreateTicket(ctx context.Context, hash, personID, purpose string, expires time.Time) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.exec(ctx, "DELETE FROM portal_tickets WHERE person_id = $1 AND purpose = $2", personID, purpose); err != nil {
			return err
		}
		_, err := s.exec(ctx, "INSERT INTO portal_tickets (hash, person_id, purpose, expires) VALUES ($1, $2, $3, $4)", hash, personID, purpose, micros(expires))
		return err
	})
}

// TakeTicket implements [signin.Store].
func (s *Store) TakeTicket(ctx context.Context, hash, purpose string, now time.Time) (string, error) {
	id, err := s.text(ctx, "DELETE FROM portal_tickets WHERE hash = $1 AND purpose = $2 AND expires > $3 RETURNING person_id", hash, purpose, micros(now))
	return string(id), err
}

// DeleteExpiredSignIns implements [signin.Store].
func (s *Store) DeleteExpiredSignIns(ctx context.Context, now time.Time, limit int) (int, error) {
	total := 0
	for _, q := range []string{
		"DELETE FROM portal_flows WHERE hash IN (SELECT hash FROM portal_flows WHERE expires <= $1 LIMIT $2)",
		"DELETE FROM portal_tickets WHERE hash IN (SELECT hash FROM portal_tickets WHERE expires <= $1 LIMIT $2)",
		"DELETE FROM portal_limits WHERE limit_key IN (SELECT limit_key FROM portal_limits WHERE tat <= $1 LIMIT $2)",
	} {
		n, err := s.exec(ctx, q, micros(now), limit)
		if err != nil {
			return total, err
		}
		total += int(n)
	}
	return total, nil
}
