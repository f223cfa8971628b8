// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// people is the users table as SCIM sees it: a scim.Store[scim.User].
type people struct{ db *sql.DB }

var columns = filter.Columns{
	"id":          {Expr: "CAST(id AS TEXT)"},
	"userName":    {Expr: "email_key", Folded: true},
	"displayName": {Expr: "name"},
	"externalId":  {Expr: "external_id"},
	"active":      {Expr: "active", Kind: filter.Bool},
}

const fields = `id, email, name, external_id, active, version, created, modified`

func scanPerson(scan func(...any) error) (*scim.User, error) {
	var u scim.User
	var id, created, modified int64
	var active bool
	if err := scan(&id, &u.UserName, &u.DisplayName, &u.ExternalID, &active, &u.Meta.Version, &created, &modified); err != nil {
		return nil, err
	}
	u.ID, u.Active = strconv.FormatInt(id, 10), &active
	u.Meta.Created, u.Meta.LastModified = time.UnixMicro(created).UTC(), time.UnixMicro(modified).UTC()
	return &u, nil
}

func (p people) one(ctx context.Context, query string, args ...any) (*scim.User, error) {
	u, err := scanPerson(p.db.QueryRowContext(ctx, query, args...).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, scim.ErrNotFound
	case err != nil && strings.Contains(err.Error(), "UNIQUE"):
		return nil, scim.ErrConflict
	}
	return u, err
}

func (p people) Create(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	return p.one(ctx, `INSERT INTO users (tenant, email, email_key, name, external_id, active, version, created, modified)
		VALUES ($1, $2, $3, $4, $5, $6, abs(random()), $7, $7) RETURNING `+fields,
		tenant, u.UserName, filter.Fold(u.UserName), u.DisplayName, u.ExternalID, u.IsActive(), time.Now().UnixMicro())
}

func (p people) Get(ctx context.Context, tenant, id string, _ scim.Omit) (*scim.User, error) {
	return p.one(ctx, `SELECT `+fields+` FROM users WHERE tenant = $1 AND CAST(id AS TEXT) = $2`, tenant, id)
}

func (p people) Replace(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	made, err := p.one(ctx, `UPDATE users SET email = $1, email_key = $2, name = $3, external_id = $4, active = $5, version = version + 1, modified = $6
		WHERE tenant = $7 AND CAST(id AS TEXT) = $8 AND CAST(version AS TEXT) = $9 RETURNING `+fields,
		u.UserName, filter.Fold(u.UserName), u.DisplayName, u.ExternalID, u.IsActive(), time.Now().UnixMicro(), tenant, u.ID, u.Meta.Version)
	if errors.Is(err, scim.ErrNotFound) {
		err = p.unchanged(ctx, tenant, u.ID)
	}
	return made, err
}

func (p people) Delete(ctx context.Context, tenant, id, version string) error {
	_, err := p.one(ctx, `DELETE FROM users WHERE tenant = $1 AND CAST(id AS TEXT) = $2 AND ($3 = '' OR CAST(version AS TEXT) = $3) RETURNING `+fields, tenant, id, version)
	if errors.Is(err, scim.ErrNotFound) {
		err = p.unchanged(ctx, tenant, id)
	}
	return err
}

// unchanged tells why a write met no row.
func (p people) unchanged(ctx context.Context, tenant, id string) error {
	_, err := p.Get(ctx, tenant, id, 0)
	return cmp.Or(err, scim.ErrVersion)
}

func (p people) Query(ctx context.Context, tenant string, q scim.Query) (scim.Page[scim.User], error) {
	var page scim.Page[scim.User]
	where, args, err := filter.SQL(q.Filter, columns, 2)
	if err != nil {
		return page, &scim.Error{Check: scim.CheckInvalidFilter, Public: "users cannot be filtered so", Err: err}
	}
	if q.Sort.By.Name != "" {
		return page, &scim.Error{Check: scim.CheckInvalidPath, Public: "users have one order"}
	}
	args = append([]any{tenant}, args...)
	if err := p.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM users WHERE tenant = $1 AND `+where, args...).Scan(&page.Total); err != nil {
		return page, err
	}
	n := len(args)
	rows, err := p.db.QueryContext(ctx, `SELECT `+fields+` FROM users WHERE tenant = $1 AND `+where+` ORDER BY id LIMIT $`+strconv.Itoa(n+1)+` OFFSET $`+strconv.Itoa(n+2),
		append(args, q.Count, q.Start-1)...)
	if err != nil {
		return page, err
	}
	defer rows.Close()
	for rows.Next() {
		u, err := scanPerson(rows.Scan)
		if err != nil {
			return page, err
		}
		page.Resources = append(page.Resources, u)
	}
	return page, rows.Err()
}
