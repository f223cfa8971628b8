// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimsql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
)

// CreateToken implements scim.TokenStore. Transactions are serializable, so
// that counting and writing are one.
func (s *Store) CreateToken(ctx context.Context, t scim.Token, max int, now time.Time) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		res, err := s.q(ctx).ExecContext(ctx, `INSERT INTO scim_tokens (id, hash, tenant, name, read_only, profile, created, expires, last_used)
			SELECT CAST($1 AS TEXT), $2, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS TEXT), CAST($7 AS BIGINT), CAST($8 AS BIGINT), 0
			WHERE (SELECT COUNT(*) FROM scim_tokens WHERE tenant = $3 AND (expires = 0 OR expires > $9)) < $10`,
			t.ID, t.Hash[:], t.Tenant, t.Name, flag(t.ReadOnly), string(t.Profile), toMicros(t.Created), toMicros(t.Expires), now.UnixMicro(), max)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return scim.ErrConflict
	})
}

func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return fromMicros(us)
}

const tokenColumns = `id, hash, tenant, name, read_only, profile, created, expires, last_used`

func scanToken(scan func(...any) error) (scim.Token, error) {
	var t scim.Token
	var hash []byte
	var readOnly, created, expires, used int64
	var profile string
	err := scan(&t.ID, &hash, &t.Tenant, &t.Name, &readOnly, &profile, &created, &expires, &used)
	copy(t.Hash[:], hash)
	t.ReadOnly, t.Profile = readOnly == 1, scim.Profile(profile)
	t.Created, t.Expires, t.LastUsed = timeOf(created), timeOf(expires), timeOf(used)
	return t, err
}

// TokenByHash implements scim.TokenStore.
func (s *Store) TokenByHash(ctx context.Context, hash [32]byte) (scim.Token, error) {
	t, err := scanToken(s.q(ctx).QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM scim_tokens WHERE hash = $1`, hash[:]).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return scim.Token{}, scim.ErrNotFound
	}
	return t, busy(err)
}

// UseToken implements scim.TokenStore.
func (s *Store) UseToken(ctx context.Context, id string, at time.Time) error {
	_, err := s.q(ctx).ExecContext(ctx, `UPDATE scim_tokens SET last_used = $1 WHERE id = $2 AND last_used < $1`, at.UnixMicro(), id)
	return busy(err)
}

// TokensOf implements scim.TokenStore.
func (s *Store) TokensOf(ctx context.Context, tenant string) ([]scim.Token, error) {
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT `+tokenColumns+` FROM scim_tokens WHERE tenant = $1 ORDER BY created, id`, tenant)
	if err != nil {
		return nil, busy(err)
	}
	defer rows.Close()
	var out []scim.Token
	for rows.Next() {
		t, err := scanToken(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, busy(rows.Err())
}

// DeleteToken implements scim.TokenStore.
func (s *Store) DeleteToken(ctx context.Context, tenant, id string) error {
	res, err := s.q(ctx).ExecContext(ctx, `DELETE FROM scim_tokens WHERE tenant = $1 AND id = $2`, tenant, id)
	if err != nil {
		return busy(err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return scim.ErrNotFound
}
