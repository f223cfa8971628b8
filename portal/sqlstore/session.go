// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/session"
)

var _ session.Store = (*Store)(nil)

const sessionColumns = "s.id, s.person_id, s.source_id, s.level, s.auth_time, s.mfa_time, s.amr, s.evidence, s.unsolicited, s.device_id, s.network, s.user_agent, s.created, s.last_seen, s.expires, s.upstream, s.upstream_index, s.epoch"

// liveSession joins what a session must meet but for time: not revoked, of the
// current epoch, of an enabled person.
const liveSession = ` FROM portal_sessions s JOIN portal_people p ON p.id = s.person_id
	WHERE s.revoked = 0 AND p.active AND NOT p.blocked
	AND s.epoch = (SELECT CAST(value AS BIGINT) FROM portal_settings WHERE name = 'epoch')`

func scanSession(scan func(...any) error) (session.Session, error) {
	var x session.Session
	var amr, evidence string
	var auth, mfa, created, seen, expires int64
	err := scan(&x.ID, &x.PersonID, &x.SourceID, &x.Level, &auth, &mfa, &amr, &evidence, &x.Unsolicited, &x.DeviceID, &x.Network,
		&x.UserAgent, &created, &seen, &expires, &x.Upstream, &x.Index, &x.Epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return x, session.ErrNotFound
	}
	if err != nil {
		return x, err
	}
	x.Evidence = []byte(evidence)
	x.AuthTime, x.MFATime, x.Created, x.LastSeen, x.Expires = fromMicros(auth), fromMicros(mfa), fromMicros(created), fromMicros(seen), fromMicros(expires)
	return x, json.Unmarshal([]byte(amr), &x.AMR)
}

// CreateSession implements [session.Store].
func (s *Store) CreateSession(ctx context.Context, x *session.Session, hash string) error {
	_, err := s.exec(ctx, `INSERT INTO portal_sessions (id, hash, person_id, source_id, level, auth_time, mfa_time, amr, evidence, unsolicited, device_id,
		network, user_agent, created, last_seen, expires, upstream, upstream_index, epoch, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0)`,
		x.ID, hash, x.PersonID, x.SourceID, x.Level, micros(x.AuthTime), micros(x.MFATime), toJSON(x.AMR), string(x.Evidence), x.Unsolicited, x.DeviceID,
		x.Network, x.UserAgent, micros(x.Created), micros(x.LastSeen), micros(x.Expires), x.Upstream, x.Index, x.Epoch)
	return err
}

// LookupSession implements [session.Store].
func (s *Store) LookupSession(ctx context.Context, hash string) (*session.Session, error) {
	return s.session(ctx, "s.hash = $1", hash)
}

// SessionByID implements [session.Store].
func (s *Store) SessionByID(ctx context.Context, id string) (*session.Session, error) {
	return s.session(ctx, "s.id = $1", id)
}

func (s *Store) session(ctx context.Context, where, arg string) (*session.Session, error) {
	x, err := scanSession(s.often.From(ctx).QueryRowContext(ctx, "SELECT "+sessionColumns+liveSession+" AND "+where, arg).Scan)
	if err != nil {
		return nil, err
	}
	return &x, nil
}

// RotateSession implements [session.Store].
func (s *Store) RotateSession(ctx context.Context, oldHash, newHash string, x *session.Session) error {
	return s.one(ctx, session.ErrNotFound, `UPDATE portal_sessions SET hash = $1, level = $2, auth_time = $3, mfa_time = $4, amr = $5, evidence = $6, device_id = $7, last_seen = $8
		WHERE hash = $9 AND id = $10 AND revoked = 0`,
		newHash, x.Level, micros(x.AuthTime), micros(x.MFATime), toJSON(x.AMR), string(x.Evidence), x.DeviceID, micros(x.LastSeen), oldHash, x.ID)
}

// TouchSession implements [session.Store].
func (s *Store) TouchSession(ctx context.Context, id string, now time.Time) error {
	_, err := s.exec(ctx, "UPDATE portal_sessions SET last_seen = $1 WHERE id = $2 AND last_seen < $1", micros(now), id)
	return err
}

// SessionsOf implements [session.Store].
func (s *Store) SessionsOf(ctx context.Context, personID string) ([]session.Session, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+sessionColumns+liveSession+" AND s.person_id = $1 ORDER BY s.created DESC", personID)
	return collect(rows, err, scanSession)
}

// SessionsOfUpstream implements [session.Store].
func (s *Store) SessionsOfUpstream(ctx context.Context, upstream string) ([]session.Session, error) {
	if upstream == "" {
		return nil, nil
	}
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+sessionColumns+liveSession+" AND s.upstream = $1 ORDER BY s.created DESC", upstream)
	return collect(rows, err, scanSession)
}

// RevokeSession implements [session.Store].
func (s *Store) RevokeSession(ctx context.Context, personID, id string, now time.Time) error {
	return s.one(ctx, session.ErrNotFound, "UPDATE portal_sessions SET revoked = $1 WHERE id = $2 AND person_id = $3 AND revoked = 0", micros(now), id, personID)
}

// RevokeSessions implements [session.Store].
func (s *Store) RevokeSessions(ctx context.Context, personID, except string, now time.Time) (int, error) {
	n, err := s.exec(ctx, "UPDATE portal_sessions SET revoked = $1 WHERE person_id = $2 AND id <> $3 AND revoked = 0", micros(now), personID, except)
	return int(n), err
}

// DeleteExpiredSessions implements [session.Store].
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time, limit int) (int, error) {
	n, err := s.exec(ctx, "DELETE FROM portal_sessions WHERE id IN (SELECT id FROM portal_sessions WHERE expires < $1 LIMIT $2)", micros(now), limit)
	return int(n), err
}

// Epoch implements [session.Store].
func (s *Store) Epoch(ctx context.Context) (int64, error) {
	v, err := s.Setting(ctx, "epoch")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(v, 10, 64)
}

// RaiseEpoch implements [session.Store].
func (s *Store) RaiseEpoch(ctx context.Context) (int64, error) {
	var v string
	err := s.InTx(ctx, func(ctx context.Context) error {
		// Nothing that the latest time had expired outlives the epoch.
		if _, err := s.exec(ctx, "DELETE FROM portal_settings WHERE name = 'clock'"); err != nil {
			return err
		}
		return s.q(ctx).QueryRowContext(ctx, "UPDATE portal_settings SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'epoch' RETURNING value").Scan(&v)
	})
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(v, 10, 64)
}
