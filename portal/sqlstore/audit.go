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
	_, err := s.often.From(ctx).ExecContext(ctx, "INSERT INTO portal_events (id, event, person_id) VALUES ($1, $2, $3)", e.ID, string(e.Canonical()), e.Person)
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

// Strangers implements [audit.Store].
func (s *Store) Strangers(ctx context.Context, from, to string, limit int) (int, error) {
	var n int
	err := s.q(ctx).QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM portal_refusals WHERE refusal_key >= $1 AND refusal_key < $2 LIMIT $3) AS counted`,
		from, to, limit).Scan(&n)
	return n, err
}

// DeleteEvents implements [audit.Store].
func (s *Store) DeleteEvents(ctx context.Context, before string, limit int) (int, error) {
	var n int64
	err := s.InTx(ctx, func(ctx context.Context) (err error) {
		const old = " IN (SELECT id FROM portal_events WHERE id < $1 ORDER BY id LIMIT $2)"
		if _, err = s.exec(ctx, "DELETE FROM portal_refusals WHERE event_id"+old, before, limit); err != nil {
			return err
		}
		n, err = s.exec(ctx, "DELETE FROM portal_events WHERE id"+old, before, limit)
		return err
	})
	return int(n), err
}

// Events implements [audit.Store].
func (s *Store) Events(ctx context.Context, before string, limit int) ([]audit.Event, error) {
	// What sorts behind every id depends on the database's collation, so the
	// first page has no bound.
	where, args := "", []any{limit}
	if before != "" {
		where, args = "WHERE e.id < $2", append(args, before)
	}
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT e.event, COALESCE(r.refusals, 1) FROM portal_events e
		LEFT JOIN portal_refusals r ON r.event_id = e.id `+where+` ORDER BY e.id DESC LIMIT $1`, args...)
	return collect(rows, err, scanEvent)
}

// EventsOf implements [audit.Store]. Rows of a release that did not write
// person_id are searched for the id.
func (s *Store) EventsOf(ctx context.Context, personID, from, before string, limit int) ([]audit.Event, error) {
	older, args := "", []any{personID, from, limit}
	if before != "" {
		older, args = " AND id < $4", append(args, before)
	}
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT e.event, COALESCE(r.refusals, 1) FROM (
			SELECT id, event FROM portal_events WHERE person_id = $1 AND id >= $2`+older+`
			UNION ALL
			SELECT id, event FROM portal_events WHERE person_id IS NULL AND id >= $2`+older+` AND event LIKE '%"person":"' || $1 || '"%'
		) e LEFT JOIN portal_refusals r ON r.event_id = e.id ORDER BY e.id DESC LIMIT $3`, args...)
	return collect(rows, err, scanEvent)
}

func scanEvent(scan func(...any) error) (audit.Event, error) {
	var e audit.Event
	var text string
	var n int
	if err := scan(&text, &n); err != nil {
		return e, err
	}
	err := json.Unmarshal([]byte(text), &e)
	e.Count = n
	return e, err
}
