// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

var _ scim.TokenStore = (*Store)(nil)

const tokenColumns = "id, hash, source_id, name, read_only, profile, created, expires, last_used"

func scanToken(scan func(...any) error) (scim.Token, error) {
	var t scim.Token
	var hash string
	var created, expires, used int64
	err := scan(&t.ID, &hash, &t.Tenant, &t.Name, &t.ReadOnly, &t.Profile, &created, &expires, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return t, scim.ErrNotFound
	}
	if err != nil {
		return t, err
	}
	t.Created, t.Expires, t.LastUsed = fromMicros(created), fromMicros(expires), fromMicros(used)
	raw, err := hex.DecodeString(hash)
	copy(t.Hash[:], raw)
	return t, err
}

// CreateToken implements [scim.TokenStore].
func (s *Store) CreateToken(ctx context.Context, t scim.Token, max int, now time.Time) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		var n int
		err := s.q(ctx).QueryRowContext(ctx, "SELECT COUNT(*) FROM portal_scim_tokens WHERE source_id = $1 AND (expires = 0 OR expires > $2)", t.Tenant, micros(now)).Scan(&n)
		if err != nil {
			return err
		}
		if n >= max {
			return scim.ErrConflict
		}
		_, err = s.exec(ctx, "INSERT INTO portal_scim_tokens ("+tokenColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			t.ID, hex.EncodeToString(t.Hash[:]), t.Tenant, t.Name, t.ReadOnly, t.Profile, micros(t.Created), micros(t.Expires), micros(t.LastUsed))
		return err
	})
}

// TokenByHash implements [scim.TokenStore].
func (s *Store) TokenByHash(ctx context.Context, hash [32]byte) (scim.Token, error) {
	return scanToken(s.q(ctx).QueryRowContext(ctx, "SELECT "+tokenColumns+" FROM portal_scim_tokens WHERE hash = $1", hex.EncodeToString(hash[:])).Scan)
}

// UseToken implements [scim.TokenStore].
func (s *Store) UseToken(ctx context.Context, id string, at time.Time) error {
	_, err := s.exec(ctx, "UPDATE portal_scim_tokens SET last_used = $1 WHERE id = $2 AND last_used < $1", micros(at), id)
	return err
}

// TokensOf implements [scim.TokenStore].
func (s *Store) TokensOf(ctx context.Context, tenant string) ([]scim.Token, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+tokenColumns+" FROM portal_scim_tokens WHERE source_id = $1 ORDER BY created, id", tenant)
	return collect(rows, err, scanToken)
}

// DeleteToken implements [scim.TokenStore].
func (s *Store) DeleteToken(ctx context.Context, tenant, id string) error {
	return s.one(ctx, scim.ErrNotFound, "DELETE FROM portal_scim_tokens WHERE source_id = $1 AND id = $2", tenant, id)
}
