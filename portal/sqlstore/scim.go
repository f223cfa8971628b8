// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

func timeArg(v filter.Value) any { return micros(v.Time) }

var personFilter = filter.Columns{
	"id":                {Expr: "p.id"},
	"externalId":        {Expr: "p.external_id"},
	"userName":          {Expr: "p.login", Folded: true, Arg: func(v filter.Value) any { return directory.FoldLogin(v.Text) }},
	"displayName":       {Expr: "p.display_name"},
	"name.givenName":    {Expr: "p.given_name"},
	"name.familyName":   {Expr: "p.family_name"},
	"active":            {Expr: "p.active", Kind: filter.Bool},
	"meta.created":      {Expr: "p.created", Kind: filter.Time, Arg: timeArg},
	"meta.lastModified": {Expr: "p.modified", Kind: filter.Time, Arg: timeArg},
	"emails":            {In: "p.id", Exists: "SELECT m.person_id FROM portal_emails m WHERE"},
	"emails.value":      {Expr: "m.value", Folded: true},
	"emails.type":       {Expr: "m.type", Folded: true},
	"emails.primary":    {Expr: "m.is_primary", Kind: filter.Bool},
	"groups":            {Exists: "SELECT 1 FROM portal_members m WHERE m.person_id = p.id AND"},
	"groups.value":      {Expr: "m.group_id"},
}

var groupFilter = filter.Columns{
	"id":                {Expr: "g.id"},
	"externalId":        {Expr: "g.external_id"},
	"displayName":       {Expr: "g.display_name"},
	"meta.created":      {Expr: "g.created", Kind: filter.Time, Arg: timeArg},
	"meta.lastModified": {Expr: "g.modified", Kind: filter.Time, Arg: timeArg},
	"members":           {Exists: "SELECT 1 FROM portal_members m WHERE m.group_id = g.id AND"},
	"members.value":     {Expr: "m.person_id"},
}

// selection is a SCIM query as SQL behind FROM.
type selection struct {
	where, order string
	args         []any
}

func compile(sourceID, alias string, columns filter.Columns, q scim.Query) (selection, error) {
	where, args, err := filter.SQL(q.Filter, columns, 2)
	var unmapped *filter.UnmappedError
	if errors.As(err, &unmapped) {
		return selection{}, &scim.Error{Check: scim.CheckInvalidFilter, Public: unmapped.Error(), Err: err}
	}
	if err != nil {
		return selection{}, err
	}
	for _, a := range args {
		if text, ok := a.(string); ok && !httpx.Text(text) {
			return selection{}, &scim.Error{Check: scim.CheckInvalidFilter, Public: "a value of the filter holds NUL or is not UTF-8"}
		}
	}
	s := selection{where: "WHERE " + alias + ".source_id = $1 AND (" + where + ")", order: "ORDER BY " + alias + ".id", args: append([]any{sourceID}, args...)}
	if by := q.Sort.By.String(); by != "" {
		column, ok := columns[by]
		if !ok || column.Expr == "" || strings.HasPrefix(column.Expr, "m.") {
			return selection{}, &scim.Error{Check: scim.CheckInvalidPath, Public: "cannot sort by " + by}
		}
		direction := ""
		if q.Sort.Descending {
			direction = " DESC"
		}
		s.order = fmt.Sprintf("ORDER BY %s%s, %s.id", column.Expr, direction, alias)
	}
	return s, nil
}

// FindPeople implements [directory.Store].
func (s *Store) FindPeople(ctx context.Context, sourceID string, q scim.Query) ([]directory.Person, int, error) {
	sel, err := compile(sourceID, "p", personFilter, q)
	if err != nil {
		return nil, 0, err
	}
	return find(ctx, s, personColumns, "portal_people p", sel, q, scanPerson)
}

// FindGroups implements [directory.Store].
func (s *Store) FindGroups(ctx context.Context, sourceID string, q scim.Query) ([]directory.Group, int, error) {
	sel, err := compile(sourceID, "g", groupFilter, q)
	if err != nil {
		return nil, 0, err
	}
	return find(ctx, s, groupColumns, "portal_groups g", sel, q, scanGroup)
}

func find[T any](ctx context.Context, s *Store, columns, table string, sel selection, q scim.Query, scan func(func(...any) error) (T, error)) ([]T, int, error) {
	var total int
	if err := s.q(ctx).QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table+" "+sel.where, sel.args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	if q.Count <= 0 || q.Start > total {
		return nil, total, nil
	}
	n := len(sel.args)
	page := fmt.Sprintf(" LIMIT $%d OFFSET $%d", n+1, n+2)
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT "+columns+" FROM "+table+" "+sel.where+" "+sel.order+page, append(sel.args, q.Count, max(q.Start-1, 0))...)
	out, err := collect(rows, err, scan)
	return out, total, err
}

// setEmails makes the addresses that a person is looked up by those that the
// person has.
func (s *Store) setEmails(ctx context.Context, p *directory.Person, before bool) error {
	emails, err := p.Emails()
	if err != nil {
		return err
	}
	if before {
		if _, err := s.exec(ctx, "DELETE FROM portal_emails WHERE person_id = $1", p.ID); err != nil {
			return err
		}
	}
	for _, e := range emails {
		if _, err := s.exec(ctx, "INSERT INTO portal_emails (person_id, value, type, is_primary) VALUES ($1, $2, $3, $4)",
			p.ID, filter.Fold(e.Value), filter.Fold(e.Type), e.Primary); err != nil {
			return err
		}
	}
	return nil
}

// AreMembers implements [directory.Store].
func (s *Store) AreMembers(ctx context.Context, groupID string, personIDs []string) (map[string]bool, error) {
	out := make(map[string]bool, len(personIDs))
	for _, id := range personIDs {
		var n int
		if err := s.q(ctx).QueryRowContext(ctx, "SELECT COUNT(*) FROM portal_members WHERE group_id = $1 AND person_id = $2", groupID, id).Scan(&n); err != nil {
			return nil, err
		}
		out[id] = n > 0
	}
	return out, nil
}
