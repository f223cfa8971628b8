// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/directory"
)

var _ directory.Store = (*Store)(nil)

const personColumns = "p.id, p.source_id, p.subject, p.external_id, p.user_name, p.display_name, p.given_name, p.family_name, p.email, p.active, p.blocked, p.attributes, p.raw, p.owner, p.version, p.created, p.modified"

func scanPerson(scan func(...any) error) (directory.Person, error) {
	var p directory.Person
	var attributes, raw string
	var created, modified int64
	err := scan(&p.ID, &p.SourceID, &p.Subject, &p.ExternalID, &p.UserName, &p.DisplayName, &p.GivenName, &p.FamilyName,
		&p.Email, &p.Active, &p.Blocked, &attributes, &raw, &p.Owner, &p.Version, &created, &modified)
	if err != nil {
		return p, directoryError(err)
	}
	p.Created, p.Modified = fromMicros(created), fromMicros(modified)
	if raw != "" {
		p.Raw = []byte(raw)
	}
	return p, json.Unmarshal([]byte(attributes), &p.Attributes)
}

func directoryError(err error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return directory.ErrNotFound
	case sqltx.IsUnique(err):
		return directory.ErrConflict
	}
	return err
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // unreachable: maps, slices and structs of strings
	}
	return string(b)
}

// Sources implements [directory.Store].
func (s *Store) Sources(ctx context.Context) ([]directory.Source, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT id, kind, name, domains, owner, config FROM portal_sources ORDER BY name, id")
	return collect(rows, err, scanSource)
}

// Source implements [directory.Store].
func (s *Store) Source(ctx context.Context, id string) (*directory.Source, error) {
	src, err := scanSource(s.q(ctx).QueryRowContext(ctx, "SELECT id, kind, name, domains, owner, config FROM portal_sources WHERE id = $1", id).Scan)
	if err != nil {
		return nil, err
	}
	return &src, nil
}

func scanSource(scan func(...any) error) (directory.Source, error) {
	var src directory.Source
	var domains, config string
	if err := scan(&src.ID, &src.Kind, &src.Name, &domains, &src.Owner, &config); err != nil {
		return src, directoryError(err)
	}
	if err := json.Unmarshal([]byte(domains), &src.Domains); err != nil {
		return src, err
	}
	return src, json.Unmarshal([]byte(config), &src.SAML)
}

// PutSource implements [directory.Store].
func (s *Store) PutSource(ctx context.Context, src *directory.Source) error {
	_, err := s.exec(ctx, `INSERT INTO portal_sources (id, kind, name, domains, owner, config) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, domains = excluded.domains, owner = excluded.owner, config = excluded.config`,
		src.ID, src.Kind, src.Name, toJSON(src.Domains), src.Owner, toJSON(src.SAML))
	return directoryError(err)
}

// DeleteSource implements [directory.Store]. A source that has people or
// groups stays: the database refuses.
func (s *Store) DeleteSource(ctx context.Context, id string) error {
	return s.one(ctx, directory.ErrNotFound, "DELETE FROM portal_sources WHERE id = $1", id)
}

// one runs a statement that must change exactly one row.
func (s *Store) one(ctx context.Context, none error, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err != nil {
		return directoryError(err)
	}
	if n == 0 {
		return none
	}
	return nil
}

// Person implements [directory.Store].
func (s *Store) Person(ctx context.Context, id string) (*directory.Person, error) {
	return s.person(ctx, "p.id = $1", id)
}

// PersonByLogin implements [directory.Store].
func (s *Store) PersonByLogin(ctx context.Context, folded string) (*directory.Person, error) {
	return s.person(ctx, "p.login = $1", folded)
}

// PersonBySubject implements [directory.Store].
func (s *Store) PersonBySubject(ctx context.Context, sourceID, subject string) (*directory.Person, error) {
	return s.person(ctx, "p.source_id = $1 AND p.subject = $2", sourceID, subject)
}

func (s *Store) person(ctx context.Context, where string, args ...any) (*directory.Person, error) {
	p, err := scanPerson(s.often.From(ctx).QueryRowContext(ctx, "SELECT "+personColumns+" FROM portal_people p WHERE "+where, args...).Scan)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// People implements [directory.Store].
func (s *Store) People(ctx context.Context, sourceID, search string, offset, limit int) ([]directory.Person, int, error) {
	const where = ` FROM portal_people p WHERE ($1 = '' OR p.source_id = $1)
		AND ($2 = '' OR p.login LIKE $3 ESCAPE '!' OR LOWER(p.display_name) LIKE $3 ESCAPE '!' OR LOWER(p.email) LIKE $3 ESCAPE '!')`
	args := []any{sourceID, search, like(search)}
	var total int
	if err := s.q(ctx).QueryRowContext(ctx, "SELECT COUNT(*)"+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+personColumns+where+" ORDER BY p.login LIMIT $4 OFFSET $5", append(args, limit, offset)...)
	people, err := collect(rows, err, scanPerson)
	return people, total, err
}

// like is a LIKE pattern for a substring, with ! as the escape character.
func like(search string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(search)) + "%"
}

// CreatePerson implements [directory.Store].
func (s *Store) CreatePerson(ctx context.Context, p *directory.Person, folded string) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if err := s.insertPerson(ctx, p, folded); err != nil {
			return err
		}
		return s.setEmails(ctx, p, false)
	})
}

func (s *Store) insertPerson(ctx context.Context, p *directory.Person, folded string) error {
	p.Version = 1
	n, err := s.exec(ctx, `INSERT INTO portal_people (id, source_id, subject, external_id, login, user_name, display_name, given_name,
		family_name, email, active, blocked, attributes, raw, owner, version, created, modified)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`,
		p.ID, p.SourceID, p.Subject, p.ExternalID, folded, p.UserName, p.DisplayName, p.GivenName,
		p.FamilyName, p.Email, p.Active, p.Blocked, toJSON(p.Attributes), string(p.Raw), p.Owner, p.Version, micros(p.Created), micros(p.Modified))
	if err == nil && n == 0 {
		return directory.ErrConflict
	}
	return directoryError(err)
}

// UpdatePerson implements [directory.Store].
func (s *Store) UpdatePerson(ctx context.Context, p *directory.Person, folded string) error {
	version := p.Version
	return s.InTx(ctx, func(ctx context.Context) error {
		p.Version = version // the transaction may be repeated
		if err := s.updatePerson(ctx, p, folded); err != nil {
			return err
		}
		return s.setEmails(ctx, p, true)
	})
}

func (s *Store) updatePerson(ctx context.Context, p *directory.Person, folded string) error {
	err := s.one(ctx, directory.ErrVersion, `UPDATE portal_people SET external_id = $1, login = $2, user_name = $3, display_name = $4,
		given_name = $5, family_name = $6, email = $7, active = $8, blocked = $9, attributes = $10, raw = $11, owner = $12, modified = $13,
		version = version + 1 WHERE id = $14 AND version = $15`,
		p.ExternalID, folded, p.UserName, p.DisplayName, p.GivenName, p.FamilyName, p.Email, p.Active, p.Blocked,
		toJSON(p.Attributes), string(p.Raw), p.Owner, micros(p.Modified), p.ID, p.Version)
	if err == nil {
		p.Version++
		return nil
	}
	if errors.Is(err, directory.ErrVersion) {
		if _, lookup := s.Person(ctx, p.ID); lookup != nil {
			return lookup
		}
	}
	return err
}

// DeletePerson implements [directory.Store].
func (s *Store) DeletePerson(ctx context.Context, sourceID, id string) error {
	if err := s.one(ctx, directory.ErrNotFound, "DELETE FROM portal_people WHERE source_id = $1 AND id = $2", sourceID, id); err != nil {
		return err
	}
	return s.forget(ctx, id)
}

// forget removes what refers to a principal without a foreign key, so that
// nothing is left for an id that might be made again.
func (s *Store) forget(ctx context.Context, principalID string) error {
	for _, q := range []string{
		"DELETE FROM portal_assignments WHERE principal_id = $1",
		"DELETE FROM portal_app_assignments WHERE principal_id = $1",
		"DELETE FROM portal_administrators WHERE principal_id = $1",
	} {
		if _, err := s.exec(ctx, q, principalID); err != nil {
			return err
		}
	}
	return nil
}

const groupColumns = "g.id, g.source_id, g.external_id, g.display_name, g.owner, g.version, g.created, g.modified"

func scanGroup(scan func(...any) error) (directory.Group, error) {
	var g directory.Group
	var created, modified int64
	err := scan(&g.ID, &g.SourceID, &g.ExternalID, &g.DisplayName, &g.Owner, &g.Version, &created, &modified)
	g.Created, g.Modified = fromMicros(created), fromMicros(modified)
	return g, directoryError(err)
}

// Group implements [directory.Store].
func (s *Store) Group(ctx context.Context, id string) (*directory.Group, error) {
	return s.group(ctx, "g.id = $1", id)
}

// GroupByName implements [directory.Store].
func (s *Store) GroupByName(ctx context.Context, sourceID, displayName string) (*directory.Group, error) {
	return s.group(ctx, "g.source_id = $1 AND g.display_name = $2", sourceID, displayName)
}

func (s *Store) group(ctx context.Context, where string, args ...any) (*directory.Group, error) {
	g, err := scanGroup(s.q(ctx).QueryRowContext(ctx, "SELECT "+groupColumns+" FROM portal_groups g WHERE "+where, args...).Scan)
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// Groups implements [directory.Store].
func (s *Store) Groups(ctx context.Context, sourceID, search string, offset, limit int) ([]directory.Group, int, error) {
	const where = " FROM portal_groups g WHERE ($1 = '' OR g.source_id = $1) AND ($2 = '' OR LOWER(g.display_name) LIKE $3 ESCAPE '!')"
	args := []any{sourceID, search, like(search)}
	var total int
	if err := s.q(ctx).QueryRowContext(ctx, "SELECT COUNT(*)"+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+groupColumns+where+" ORDER BY g.display_name, g.id LIMIT $4 OFFSET $5", append(args, limit, offset)...)
	groups, err := collect(rows, err, scanGroup)
	return groups, total, err
}

// CreateGroup implements [directory.Store].
func (s *Store) CreateGroup(ctx context.Context, g *directory.Group) error {
	g.Version = 1
	n, err := s.exec(ctx, `INSERT INTO portal_groups (id, source_id, external_id, display_name, owner, version, created, modified)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		g.ID, g.SourceID, g.ExternalID, g.DisplayName, g.Owner, g.Version, micros(g.Created), micros(g.Modified))
	if err == nil && n == 0 {
		return directory.ErrConflict
	}
	return directoryError(err)
}

// UpdateGroup implements [directory.Store].
func (s *Store) UpdateGroup(ctx context.Context, g *directory.Group) error {
	err := s.one(ctx, directory.ErrVersion, `UPDATE portal_groups SET external_id = $1, display_name = $2, owner = $3, modified = $4,
		version = version + 1 WHERE id = $5 AND version = $6`, g.ExternalID, g.DisplayName, g.Owner, micros(g.Modified), g.ID, g.Version)
	if err == nil {
		g.Version++
		return nil
	}
	if errors.Is(err, directory.ErrVersion) {
		if _, lookup := s.Group(ctx, g.ID); lookup != nil {
			return lookup
		}
	}
	return err
}

// DeleteGroup implements [directory.Store].
func (s *Store) DeleteGroup(ctx context.Context, sourceID, id string) error {
	if err := s.one(ctx, directory.ErrNotFound, "DELETE FROM portal_groups WHERE source_id = $1 AND id = $2", sourceID, id); err != nil {
		return err
	}
	return s.forget(ctx, id)
}

// Members implements [directory.Store].
func (s *Store) Members(ctx context.Context, groupID string) ([]string, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT person_id FROM portal_members WHERE group_id = $1 ORDER BY person_id", groupID)
	return collect(rows, err, func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
}

// AddMembers implements [directory.Store]. The source of group and person is
// compared in the statement that inserts.
func (s *Store) AddMembers(ctx context.Context, groupID string, personIDs []string) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		for _, id := range personIDs {
			n, err := s.exec(ctx, `INSERT INTO portal_members (group_id, person_id)
				SELECT g.id, p.id FROM portal_groups g JOIN portal_people p ON p.source_id = g.source_id WHERE g.id = $1 AND p.id = $2
				ON CONFLICT (group_id, person_id) DO UPDATE SET group_id = excluded.group_id`, groupID, id)
			if err != nil {
				return err
			}
			if n == 0 {
				return directory.ErrNotFound
			}
		}
		return nil
	})
}

// RemoveMembers implements [directory.Store].
func (s *Store) RemoveMembers(ctx context.Context, groupID string, personIDs []string) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		for _, id := range personIDs {
			if _, err := s.exec(ctx, "DELETE FROM portal_members WHERE group_id = $1 AND person_id = $2", groupID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// GroupsOf implements [directory.Store].
func (s *Store) GroupsOf(ctx context.Context, personID string) ([]directory.Group, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+groupColumns+` FROM portal_members m JOIN portal_groups g ON g.id = m.group_id
		WHERE m.person_id = $1 ORDER BY g.display_name, g.id`, personID)
	return collect(rows, err, scanGroup)
}

// PasswordHash implements [directory.Store].
func (s *Store) PasswordHash(ctx context.Context, personID string) (string, error) {
	var phc string
	err := s.q(ctx).QueryRowContext(ctx, "SELECT phc FROM portal_passwords WHERE person_id = $1", personID).Scan(&phc)
	return phc, directoryError(err)
}

// SetPasswordHash implements [directory.Store].
func (s *Store) SetPasswordHash(ctx context.Context, personID, phc string) error {
	_, err := s.exec(ctx, "INSERT INTO portal_passwords (person_id, phc) VALUES ($1, $2) ON CONFLICT (person_id) DO UPDATE SET phc = excluded.phc", personID, phc)
	return err
}

// AdministratorPrincipals implements [directory.Store].
func (s *Store) AdministratorPrincipals(ctx context.Context) ([]string, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT principal_id FROM portal_administrators ORDER BY principal_id")
	return collect(rows, err, func(scan func(...any) error) (id string, err error) { return id, scan(&id) })
}

// SetAdministrator implements [directory.Store].
func (s *Store) SetAdministrator(ctx context.Context, principalID string, on bool) error {
	q := "DELETE FROM portal_administrators WHERE principal_id = $1"
	if on {
		q = "INSERT INTO portal_administrators (principal_id) VALUES ($1) ON CONFLICT DO NOTHING"
	}
	_, err := s.exec(ctx, q, principalID)
	return err
}
