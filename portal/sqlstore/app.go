// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/app"
)

var _ app.Store = (*Store)(nil)

const appColumns = "a.id, a.name, a.description, a.entity_id, a.metadata, a.name_id, a.attributes, a.idp_initiated, a.relay_state, a.owner"

func scanApp(scan func(...any) error) (app.App, error) {
	var a app.App
	var attributes string
	err := scan(&a.ID, &a.Name, &a.Description, &a.EntityID, &a.Metadata, &a.NameID, &attributes, &a.IdPInitiated, &a.RelayState, &a.Owner)
	if errors.Is(err, sql.ErrNoRows) {
		return a, app.ErrNotFound
	}
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(attributes), &a.Attributes)
}

// Apps implements [app.Store].
func (s *Store) Apps(ctx context.Context) ([]app.App, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+appColumns+" FROM portal_apps a ORDER BY a.name, a.id")
	return collect(rows, err, scanApp)
}

// App implements [app.Store].
func (s *Store) App(ctx context.Context, id string) (*app.App, error) {
	return s.app(ctx, "a.id = $1", id)
}

// AppByEntityID implements [app.Store].
func (s *Store) AppByEntityID(ctx context.Context, entityID string) (*app.App, error) {
	return s.app(ctx, "a.entity_id = $1", entityID)
}

func (s *Store) app(ctx context.Context, where, arg string) (*app.App, error) {
	a, err := scanApp(s.q(ctx).QueryRowContext(ctx, "SELECT "+appColumns+" FROM portal_apps a WHERE "+where, arg).Scan)
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// PutApp implements [app.Store].
func (s *Store) PutApp(ctx context.Context, a *app.App) error {
	_, err := s.exec(ctx, `INSERT INTO portal_apps (id, name, description, entity_id, metadata, name_id, attributes, idp_initiated, relay_state, owner)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, entity_id = excluded.entity_id, metadata = excluded.metadata,
		name_id = excluded.name_id, attributes = excluded.attributes, idp_initiated = excluded.idp_initiated, relay_state = excluded.relay_state, owner = excluded.owner`,
		a.ID, a.Name, a.Description, a.EntityID, a.Metadata, a.NameID, toJSON(a.Attributes), a.IdPInitiated, a.RelayState, a.Owner)
	if sqltx.IsUnique(err) {
		return app.ErrConflict
	}
	return err
}

// DeleteApp implements [app.Store].
func (s *Store) DeleteApp(ctx context.Context, id string) error {
	return s.one(ctx, app.ErrNotFound, "DELETE FROM portal_apps WHERE id = $1", id)
}

// AppAssignments implements [app.Store].
func (s *Store) AppAssignments(ctx context.Context, appID string) ([]app.Assignment, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT app_id, principal_id, owner FROM portal_app_assignments WHERE app_id = $1 ORDER BY principal_id", appID)
	return collect(rows, err, func(scan func(...any) error) (x app.Assignment, err error) {
		return x, scan(&x.AppID, &x.PrincipalID, &x.Owner)
	})
}

// PutAppAssignment implements [app.Store]. What a declarative file keeps stays
// its own.
func (s *Store) PutAppAssignment(ctx context.Context, x app.Assignment) error {
	_, err := s.exec(ctx, `INSERT INTO portal_app_assignments (app_id, principal_id, owner) VALUES ($1, $2, $3)
		ON CONFLICT (app_id, principal_id) DO UPDATE SET owner = CASE WHEN portal_app_assignments.owner = 'apply' THEN 'apply' ELSE excluded.owner END`, x.AppID, x.PrincipalID, x.Owner)
	return err
}

// DeleteAppAssignment implements [app.Store].
func (s *Store) DeleteAppAssignment(ctx context.Context, appID, principalID string) error {
	return s.one(ctx, app.ErrNotFound, "DELETE FROM portal_app_assignments WHERE app_id = $1 AND principal_id = $2", appID, principalID)
}

// AppsOf implements [app.Store].
func (s *Store) AppsOf(ctx context.Context, personID string) ([]app.App, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+appColumns+` FROM portal_apps a WHERE a.id IN (
		SELECT x.app_id FROM portal_app_assignments x WHERE x.principal_id = $1
		OR x.principal_id IN (SELECT m.group_id FROM portal_members m WHERE m.person_id = $1)) ORDER BY a.name, a.id`, personID)
	return collect(rows, err, scanApp)
}
