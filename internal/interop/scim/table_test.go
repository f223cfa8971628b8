// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
	"github.com/gatehouse-id/gatehouse/scim/scimtest"
)

// usersTable is what an application with a users table of its own writes to
// have SCIM: a scim.Store[scim.User] over that table.
type usersTable struct{ db *sql.DB }

const usersSchema = `CREATE TABLE users (
	id INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT NOT NULL, login TEXT NOT NULL, login_key TEXT NOT NULL, name TEXT NOT NULL, external_id TEXT NOT NULL,
	enabled BOOLEAN NOT NULL, version BIGINT NOT NULL, created BIGINT NOT NULL, modified BIGINT NOT NULL, UNIQUE (org, login_key))`

var userColumns = filter.Columns{
	"id":          {Expr: "CAST(id AS TEXT)"},
	"userName":    {Expr: "login_key", Folded: true},
	"displayName": {Expr: "name"},
	"externalId":  {Expr: "external_id"},
	"active":      {Expr: "enabled", Kind: filter.Bool},
}

const userSelect = `SELECT id, login, name, external_id, enabled, version, created, modified FROM users WHERE org = $1`

func scanUser(scan func(...any) error) (*scim.User, error) {
	var u scim.User
	var id, version, created, modified int64
	var active bool
	err := scan(&id, &u.UserName, &u.DisplayName, &u.ExternalID, &active, &version, &created, &modified)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, scim.ErrNotFound
	}
	u.ID, u.Active = strconv.FormatInt(id, 10), &active
	u.Meta = scim.Meta{Version: strconv.FormatInt(version, 10), Created: time.UnixMicro(created).UTC(), LastModified: time.UnixMicro(modified).UTC()}
	return &u, err
}

func (s usersTable) InTx(ctx context.Context, fn func(context.Context) error) error {
	return sqltx.InTx(ctx, s.db, fn)
}

func (s usersTable) one(ctx context.Context, query string, args ...any) (*scim.User, error) {
	u, err := scanUser(sqltx.From(ctx, s.db).QueryRowContext(ctx, query, args...).Scan)
	if sqltx.IsUnique(err) {
		return nil, scim.ErrConflict
	}
	return u, err
}

const returning = ` RETURNING id, login, name, external_id, enabled, version, created, modified`

func (s usersTable) Create(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	return s.one(ctx, `INSERT INTO users (org, login, login_key, name, external_id, enabled, version, created, modified)
		VALUES ($1, $2, $3, $4, $5, $6, abs(random()), $7, $7)`+returning,
		tenant, u.UserName, filter.Fold(u.UserName), u.DisplayName, u.ExternalID, u.IsActive(), time.Now().UnixMicro())
}

func (s usersTable) Get(ctx context.Context, tenant, id string, _ scim.Omit) (*scim.User, error) {
	return s.one(ctx, userSelect+` AND CAST(id AS TEXT) = $2`, tenant, id)
}

func (s usersTable) Replace(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	made, err := s.one(ctx, `UPDATE users SET login = $1, login_key = $2, name = $3, external_id = $4, enabled = $5, version = version + 1, modified = $6
		WHERE org = $7 AND CAST(id AS TEXT) = $8 AND CAST(version AS TEXT) = $9`+returning,
		u.UserName, filter.Fold(u.UserName), u.DisplayName, u.ExternalID, u.IsActive(), time.Now().UnixMicro(), tenant, u.ID, u.Meta.Version)
	if errors.Is(err, scim.ErrNotFound) {
		return nil, s.missing(ctx, tenant, u.ID)
	}
	return made, err
}

// missing says why nothing was changed.
func (s usersTable) missing(ctx context.Context, tenant, id string) error {
	if _, err := s.Get(ctx, tenant, id, 0); err != nil {
		return err
	}
	return scim.ErrVersion
}

func (s usersTable) Delete(ctx context.Context, tenant, id, version string) error {
	res, err := sqltx.From(ctx, s.db).ExecContext(ctx, `DELETE FROM users WHERE org = $1 AND CAST(id AS TEXT) = $2 AND ($3 = '' OR CAST(version AS TEXT) = $3)`, tenant, id, version)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return s.missing(ctx, tenant, id)
}

func (s usersTable) Query(ctx context.Context, tenant string, q scim.Query) (scim.Page[scim.User], error) {
	var page scim.Page[scim.User]
	where, args, err := filter.SQL(q.Filter, userColumns, 2)
	if err != nil {
		return page, &scim.Error{Check: scim.CheckInvalidFilter, Public: "users cannot be filtered so", Err: err}
	}
	if q.Sort.By.Name != "" || q.After != "" {
		return page, &scim.Error{Check: scim.CheckInvalidPath, Public: "users have one order"}
	}
	args = append([]any{tenant}, args...)
	db := sqltx.From(ctx, s.db)
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM users WHERE org = $1 AND `+where, args...).Scan(&page.Total); err != nil {
		return page, err
	}
	n := len(args)
	rows, err := db.QueryContext(ctx, userSelect+` AND `+where+` ORDER BY id LIMIT $`+strconv.Itoa(n+1)+` OFFSET $`+strconv.Itoa(n+2), append(args, q.Count, q.Start-1)...)
	if err != nil {
		return page, err
	}
	defer rows.Close()
	for rows.Next() {
		u, err := scanUser(rows.Scan)
		if err != nil {
			return page, err
		}
		page.Resources = append(page.Resources, u)
	}
	return page, rows.Err()
}

func TestUsersTable(t *testing.T) {
	t.Parallel()
	for _, c := range scimtest.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			db := sqlite(t)
			if _, err := db.Exec(usersSchema); err != nil {
				t.Fatal(err)
			}
			if err := c.Run(t.Context(), scimtest.Stores{Users: usersTable{db}, Tenant: "acme", Other: "other"}); err != nil {
				t.Error(err)
			}
		})
	}
}
