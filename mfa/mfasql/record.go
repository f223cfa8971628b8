// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfasql

import (
	"context"
	"database/sql"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

const recordColumns = `id, tenant, subject, kind, ukey, name, public, strength, created_at, used_at, expires_at, version, sealed`

func scanRecord(r row) (mfa.Record, error) {
	var out mfa.Record
	var key, public sql.NullString
	var created, used, expires int64
	err := r.Scan(&out.ID, &out.Subject.Tenant, &out.Subject.ID, &out.Kind, &key, &out.Name, &public,
		&out.Strength, &created, &used, &expires, &out.Version, &out.Sealed)
	out.Key = key.String
	if public.Valid {
		out.Public = []byte(public.String)
	}
	out.CreatedAt, out.UsedAt, out.ExpiresAt = fromMicros(created), fromMicros(used), fromMicros(expires)
	return out, notFound(err)
}

func nullable(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// AddRecord implements [mfa.RecordStore].
func (s *Store) AddRecord(ctx context.Context, r mfa.Record) error {
	return s.must(ctx, mfa.ErrExists, `INSERT INTO mfa_records (`+recordColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		r.ID, r.Subject.Tenant, r.Subject.ID, string(r.Kind), nullable(r.Key), r.Name, nullable(string(r.Public)),
		int64(r.Strength), micros(r.CreatedAt), micros(r.UsedAt), micros(r.ExpiresAt), r.Version, bytes(r.Sealed))
}

// bytes is never NULL.
func bytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Records implements [mfa.RecordStore].
func (s *Store) Records(ctx context.Context, p mfa.Subject) ([]mfa.Record, error) {
	return list(ctx, s, scanRecord, `SELECT `+recordColumns+` FROM mfa_records
		WHERE tenant = $1 AND subject = $2 ORDER BY created_at, id`, p.Tenant, p.ID)
}

// RecordsAfter implements [mfa.RecordStore], in the order of the database's
// collation.
func (s *Store) RecordsAfter(ctx context.Context, id string, limit int) ([]mfa.Record, error) {
	return list(ctx, s, scanRecord, `SELECT `+recordColumns+` FROM mfa_records
		WHERE id > $1 ORDER BY id LIMIT $2`, id, limit)
}

// RecordByKey implements [mfa.RecordStore].
func (s *Store) RecordByKey(ctx context.Context, k mfa.Kind, key string) (mfa.Record, error) {
	return scanRecord(s.q(ctx).QueryRowContext(ctx, `SELECT `+recordColumns+` FROM mfa_records
		WHERE kind = $1 AND ukey = $2`, string(k), nullable(key)))
}

// UpdateRecord implements [mfa.RecordStore].
func (s *Store) UpdateRecord(ctx context.Context, r mfa.Record) error {
	return s.must(ctx, mfa.ErrConflict, `UPDATE mfa_records
		SET name = $1, public = $2, strength = $3, sealed = $4, used_at = $5, version = version + 1
		WHERE id = $6 AND tenant = $7 AND subject = $8 AND version = $9`,
		r.Name, nullable(string(r.Public)), int64(r.Strength), bytes(r.Sealed), micros(r.UsedAt),
		r.ID, r.Subject.Tenant, r.Subject.ID, r.Version)
}

// TouchRecord implements [mfa.RecordStore].
func (s *Store) TouchRecord(ctx context.Context, p mfa.Subject, id string, at time.Time) error {
	return s.must(ctx, mfa.ErrNotFound, `UPDATE mfa_records
		SET used_at = CASE WHEN used_at < $1 THEN $1 ELSE used_at END
		WHERE id = $2 AND tenant = $3 AND subject = $4`, micros(at), id, p.Tenant, p.ID)
}

// DeleteRecord implements [mfa.RecordStore].
func (s *Store) DeleteRecord(ctx context.Context, p mfa.Subject, id string) error {
	return s.must(ctx, mfa.ErrNotFound, `DELETE FROM mfa_records WHERE id = $1 AND tenant = $2 AND subject = $3`,
		id, p.Tenant, p.ID)
}
