// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/access"
)

var _ access.Store = (*Store)(nil)

func accessError(err error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return access.ErrNotFound
	case sqltx.IsUnique(err):
		return access.ErrConflict
	}
	return err
}

const (
	accountColumns = "a.id, a.name, a.email, a.environment, a.partition_id, a.region, a.sign_in_url, a.provider_arn, a.roles, a.source_identity, a.owner"
	setColumns     = "p.id, p.name, p.description, p.session_duration, p.relay_state, p.no_device_code, p.mfa, p.owner"
	assignColumns  = "x.id, x.account_id, x.permission_set_id, x.principal_kind, x.principal_id, x.owner"
)

func accountFields(a *access.Account, roles *string) []any {
	return []any{&a.ID, &a.Name, &a.Email, &a.Environment, &a.Partition, &a.Region, &a.SignInURL, &a.ProviderARN, roles, &a.SourceIdentity, &a.Owner}
}

func setFields(p *access.PermissionSet, seconds *int64) []any {
	return []any{&p.ID, &p.Name, &p.Description, seconds, &p.RelayState, &p.NoDeviceCode, &p.MFA, &p.Owner}
}

func assignFields(x *access.Assignment) []any {
	return []any{&x.ID, &x.AccountID, &x.PermissionSetID, &x.PrincipalKind, &x.PrincipalID, &x.Owner}
}

func scanAccount(scan func(...any) error) (access.Account, error) {
	var a access.Account
	var roles string
	if err := scan(accountFields(&a, &roles)...); err != nil {
		return a, accessError(err)
	}
	return a, json.Unmarshal([]byte(roles), &a.Roles)
}

// Accounts implements [access.Store].
func (s *Store) Accounts(ctx context.Context) ([]access.Account, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+accountColumns+" FROM portal_accounts a ORDER BY a.name, a.id")
	return collect(rows, err, scanAccount)
}

// Account implements [access.Store].
func (s *Store) Account(ctx context.Context, id string) (*access.Account, error) {
	a, err := scanAccount(s.q(ctx).QueryRowContext(ctx, "SELECT "+accountColumns+" FROM portal_accounts a WHERE a.id = $1", id).Scan)
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// PutAccount implements [access.Store].
func (s *Store) PutAccount(ctx context.Context, a *access.Account) error {
	_, err := s.exec(ctx, `INSERT INTO portal_accounts (id, name, email, environment, partition_id, region, sign_in_url, provider_arn, roles, source_identity, owner)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, environment = excluded.environment, partition_id = excluded.partition_id,
		region = excluded.region, sign_in_url = excluded.sign_in_url, provider_arn = excluded.provider_arn, roles = excluded.roles,
		source_identity = excluded.source_identity, owner = excluded.owner`,
		a.ID, a.Name, a.Email, a.Environment, a.Partition, a.Region, a.SignInURL, a.ProviderARN, toJSON(a.Roles), a.SourceIdentity, a.Owner)
	return accessError(err)
}

// DeleteAccount implements [access.Store].
func (s *Store) DeleteAccount(ctx context.Context, id string) error {
	return s.one(ctx, access.ErrNotFound, "DELETE FROM portal_accounts WHERE id = $1", id)
}

// PermissionSets implements [access.Store].
func (s *Store) PermissionSets(ctx context.Context) ([]access.PermissionSet, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+setColumns+" FROM portal_permission_sets p ORDER BY p.name")
	return collect(rows, err, func(scan func(...any) error) (access.PermissionSet, error) {
		var p access.PermissionSet
		var seconds int64
		err := scan(setFields(&p, &seconds)...)
		p.SessionDuration = time.Duration(seconds) * time.Second
		return p, err
	})
}

// PutPermissionSet implements [access.Store].
func (s *Store) PutPermissionSet(ctx context.Context, p *access.PermissionSet) error {
	_, err := s.exec(ctx, `INSERT INTO portal_permission_sets (id, name, description, session_duration, relay_state, no_device_code, mfa, owner)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, session_duration = excluded.session_duration,
		relay_state = excluded.relay_state, no_device_code = excluded.no_device_code, mfa = excluded.mfa, owner = excluded.owner`,
		p.ID, p.Name, p.Description, int64(p.SessionDuration/time.Second), p.RelayState, p.NoDeviceCode, p.MFA, p.Owner)
	return accessError(err)
}

// DeletePermissionSet implements [access.Store].
func (s *Store) DeletePermissionSet(ctx context.Context, id string) error {
	return s.one(ctx, access.ErrNotFound, "DELETE FROM portal_permission_sets WHERE id = $1", id)
}

// Assignments implements [access.Store].
func (s *Store) Assignments(ctx context.Context) ([]access.Assignment, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+assignColumns+" FROM portal_assignments x ORDER BY x.account_id, x.permission_set_id, x.principal_kind, x.principal_id")
	return collect(rows, err, func(scan func(...any) error) (x access.Assignment, err error) { return x, scan(assignFields(&x)...) })
}

// PutAssignment implements [access.Store]. What a declarative file keeps stays
// its own.
func (s *Store) PutAssignment(ctx context.Context, x *access.Assignment) error {
	return s.q(ctx).QueryRowContext(ctx, `INSERT INTO portal_assignments (id, account_id, permission_set_id, principal_kind, principal_id, owner)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (principal_kind, principal_id, account_id, permission_set_id)
		DO UPDATE SET owner = CASE WHEN portal_assignments.owner = 'apply' THEN 'apply' ELSE excluded.owner END RETURNING id`,
		x.ID, x.AccountID, x.PermissionSetID, x.PrincipalKind, x.PrincipalID, x.Owner).Scan(&x.ID)
}

// DeleteAssignment implements [access.Store].
func (s *Store) DeleteAssignment(ctx context.Context, id string) error {
	return s.one(ctx, access.ErrNotFound, "DELETE FROM portal_assignments WHERE id = $1", id)
}

// GrantsOf implements [access.Store].
func (s *Store) GrantsOf(ctx context.Context, personID, accountID string) ([]access.Grant, error) {
	rows, err := s.often.From(ctx).QueryContext(ctx, `WITH mine AS (
			SELECT 'USER' AS kind, CAST($1 AS TEXT) AS id, '' AS name
			UNION ALL
			SELECT 'GROUP', g.id, g.display_name FROM portal_members m JOIN portal_groups g ON g.id = m.group_id WHERE m.person_id = $1
		)
		SELECT `+assignColumns+", "+accountColumns+", "+setColumns+`, mine.name FROM mine
		JOIN portal_assignments x ON x.principal_kind = mine.kind AND x.principal_id = mine.id
		JOIN portal_accounts a ON a.id = x.account_id
		JOIN portal_permission_sets p ON p.id = x.permission_set_id
		WHERE $2 = '' OR a.id = $2
		ORDER BY a.name, a.id, p.name, mine.kind DESC, mine.name`, personID, accountID)
	return collect(rows, err, func(scan func(...any) error) (g access.Grant, err error) {
		var roles string
		var seconds int64
		fields := append(assignFields(&g.Assignment), accountFields(&g.Account, &roles)...)
		fields = append(append(fields, setFields(&g.PermissionSet, &seconds)...), &g.GroupName)
		if err := scan(fields...); err != nil {
			return g, err
		}
		g.PermissionSet.SessionDuration = time.Duration(seconds) * time.Second
		return g, json.Unmarshal([]byte(roles), &g.Account.Roles)
	})
}
