// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/portal/audit"
)

var _ audit.Store = (*Store)(nil)

// AppendEvent implements [audit.Store].
func (s *Store) AppendEvent(ctx context.Context, e audit.Event) error {
	_, err := s.exec(ctx, "INSERT INTO portal_events (id, event) VALUES ($1, $2)", e.ID, string(e.Canonical()))
	return err
}

// CountRefusal implements [audit.Store]: the counter's upsert decides who
// stores the event.
func (s *Store) CountRefusal(ctx context.Context, key string, e audit.Event) error {
	var n int64
	err := s.q(ctx).QueryRowContext(ctx, `INSERT INTO portal_refusals (refusal_key, event_id, refusals) VALUES ($1, $2, 1)
		ON CONFLICT (refusal_key) DO UPDATE SET refusals = portal_refusals.refusals + 1 RETURNING refusals`, key, e.ID).Scan(&n)
	if err != nil || n > 1 {
		return err
	}
	return s.AppendEvent(ctx, e)
}

// Events implements [audit.Store].
func (s *Store) Events(ctx context.Context, before string, limit int) ([]audit.Event, error) {
	if before == "" {
		before = "~" // sorts behind every id
	}
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT e.event, COALESCE(r.refusals, 1) FROM portal_events e
		LEFT JOIN portal_refusals r ON r.event_id = e.id WHERE e.id < $1 ORDER BY e.id DESC LIMIT $2`, before, limit)
	return collect(rows, err, func(scan func(...any) error) (audit.Event, error) {
		var e audit.Event
		var text string
		var n int
		if err := scan(&text, &n); err != nil {
			return e, err
		}
		err := json.Unmarshal([]byte(text), &e)
		e.Count = n
		return e, err
	})
}
