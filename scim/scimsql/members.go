// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimsql

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim"
)

// memberRows is how many members one statement deals with.
const memberRows = 200

// placeholders makes "$n,$n+1,…".
func placeholders(n, count int) string {
	var b strings.Builder
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("$" + strconv.Itoa(n+i))
	}
	return b.String()
}

// ChangeMembers implements scim.MemberStore.
func (s *resources[R]) ChangeMembers(ctx context.Context, tenant, groupID, version string, add []scim.Member, remove []string) (scim.Meta, error) {
	var meta scim.Meta
	if strings.ContainsRune(groupID, 0) {
		return meta, scim.ErrNotFound
	}
	err := s.InTx(ctx, func(ctx context.Context) error {
		added, err := s.addMembers(ctx, tenant, groupID, add)
		if err != nil {
			return err
		}
		removed, err := s.removeMembers(ctx, tenant, groupID, remove)
		if err != nil {
			return err
		}
		meta, err = s.touch(ctx, tenant, groupID, version, added || removed)
		return err
	})
	return meta, err
}

// touch gives a group a new version if it changed. It fails for a group that
// is not there, which undoes what was written before.
func (s *resources[R]) touch(ctx context.Context, tenant, id, version string, changed bool) (scim.Meta, error) {
	var v, created, modified int64
	var err error
	if changed {
		modified = s.micros()
		err = s.q(ctx).QueryRowContext(ctx, `UPDATE scim_resources SET version = version + 1, modified = $1
			WHERE tenant = CAST($2 AS TEXT) AND kind = 'Group' AND id = $3 RETURNING version, created`, modified, tenant, id).Scan(&v, &created)
	} else {
		err = s.q(ctx).QueryRowContext(ctx, `SELECT version, created, modified FROM scim_resources WHERE tenant = CAST($1 AS TEXT) AND kind = 'Group' AND id = $2`,
			tenant, id).Scan(&v, &created, &modified)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return scim.Meta{}, scim.ErrNotFound
	}
	if err != nil {
		return scim.Meta{}, err
	}
	if before := v - flag(changed); version != "" && version != format(before) {
		return scim.Meta{}, scim.ErrVersion
	}
	return scim.Meta{ResourceType: "Group", Created: fromMicros(created), LastModified: fromMicros(modified), Version: format(v)}, nil
}

// addMembers adds who is not a member yet; who is not in the tenant is refused.
func (s *resources[R]) addMembers(ctx context.Context, tenant, group string, members []scim.Member) (changed bool, err error) {
	if len(members) == 1 {
		return s.addMember(ctx, tenant, group, members[0])
	}
	seq := s.micros()
	for chunk := range slices.Chunk(members, memberRows) {
		kinds, err := s.kinds(ctx, tenant, chunk)
		if err != nil {
			return false, err
		}
		var b strings.Builder
		b.WriteString(`INSERT INTO scim_members (tenant, group_id, member, kind, display, seq) VALUES `)
		args := []any{tenant, group}
		for i, m := range chunk {
			kind, ok := kinds[m.Value]
			if !ok {
				return false, noMember(m.Value)
			}
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`($1,$2,` + placeholders(len(args)+1, 4) + `)`)
			args = append(args, m.Value, kind, m.Display, seq)
			seq++
		}
		b.WriteString(` ON CONFLICT (tenant, group_id, member) DO NOTHING`)
		res, err := s.q(ctx).ExecContext(ctx, b.String(), args...)
		if err != nil {
			return false, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return false, err
		}
		changed = changed || n > 0
	}
	return changed, nil
}

func noMember(id string) error {
	if len(id) > 100 {
		id = id[:100]
	}
	return &scim.Error{Check: scim.CheckInvalidValue, Public: "members: there is no resource " + strconv.Quote(id)}
}

func (s *resources[R]) addMember(ctx context.Context, tenant, group string, m scim.Member) (bool, error) {
	if strings.ContainsRune(m.Value, 0) {
		return false, noMember(m.Value)
	}
	res, err := s.q(ctx).ExecContext(ctx, `INSERT INTO scim_members (tenant, group_id, member, kind, display, seq)
		SELECT $1, $2, r.id, r.kind, $4, $5 FROM scim_resources r WHERE r.tenant = CAST($1 AS TEXT) AND r.kind IN ('User', 'Group') AND r.id = $3
		ON CONFLICT (tenant, group_id, member) DO NOTHING`, tenant, group, m.Value, m.Display, s.micros())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil || n > 0 {
		return n > 0, err
	}
	kinds, err := s.kinds(ctx, tenant, []scim.Member{m})
	if err == nil && kinds[m.Value] == "" {
		err = noMember(m.Value)
	}
	return false, err
}

// kinds finds which of the members are in the tenant, and what they are.
func (s *resources[R]) kinds(ctx context.Context, tenant string, members []scim.Member) (map[string]string, error) {
	args := []any{tenant}
	for _, m := range members {
		if strings.ContainsRune(m.Value, 0) {
			return nil, noMember(m.Value)
		}
		args = append(args, m.Value)
	}
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT id, kind FROM scim_resources WHERE tenant = CAST($1 AS TEXT) AND kind IN ('User', 'Group') AND id IN (`+placeholders(2, len(members))+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[string]string, len(members))
	for rows.Next() {
		var id, kind string
		if err := rows.Scan(&id, &kind); err != nil {
			return nil, err
		}
		out[id] = kind
	}
	return out, rows.Err()
}

func (s *resources[R]) removeMembers(ctx context.Context, tenant, group string, ids []string) (changed bool, err error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.ContainsRune(id, 0) })
	for chunk := range slices.Chunk(ids, memberRows) {
		args := []any{tenant, group}
		for _, id := range chunk {
			args = append(args, id)
		}
		res, err := s.q(ctx).ExecContext(ctx, `DELETE FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND group_id = $2 AND member IN (`+placeholders(3, len(chunk))+`)`, args...)
		if err != nil {
			return false, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return false, err
		}
		changed = changed || n > 0
	}
	return changed, nil
}

// replaceMembers makes the members those of the list.
func (s *resources[R]) replaceMembers(ctx context.Context, tenant, group string, members []scim.Member) error {
	keep := make(map[string]bool, len(members))
	for _, m := range members {
		keep[m.Value] = true
	}
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT member FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND group_id = $2`, tenant, group)
	if err != nil {
		return err
	}
	defer rows.Close()
	var gone []string
	there := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		there[id] = true
		if !keep[id] {
			gone = append(gone, id)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if _, err := s.removeMembers(ctx, tenant, group, gone); err != nil {
		return err
	}
	var added []scim.Member
	for _, m := range members {
		if !there[m.Value] {
			added = append(added, m)
		}
	}
	_, err = s.addMembers(ctx, tenant, group, added)
	return err
}

func (s *resources[R]) fillMembers(ctx context.Context, tenant string, groups []*scim.Group) error {
	byID := make(map[string]*scim.Group, len(groups))
	args := []any{tenant}
	for _, g := range groups {
		byID[g.ID] = g
		args = append(args, g.ID)
	}
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT group_id, member, kind, display FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND group_id IN (`+placeholders(2, len(groups))+`) ORDER BY seq, member`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var group string
		var m scim.Member
		if err := rows.Scan(&group, &m.Value, &m.Type, &m.Display); err != nil {
			return err
		}
		byID[group].Members = append(byID[group].Members, m)
	}
	return rows.Err()
}

// fillGroups adds the groups that users are in, through groups too. Circles
// end, because a group is followed once.
func (s *resources[R]) fillGroups(ctx context.Context, tenant string, users []*scim.User, run bool) error {
	g := parents{of: map[string][]string{}, names: map[string]string{}}
	var err error
	if run && len(users) > 1 {
		err = s.parents(ctx, &g, "m.member >= CAST($2 AS TEXT) AND m.member <= CAST($3 AS TEXT)", tenant, users[0].ID, users[len(users)-1].ID)
	} else {
		ids := make([]string, len(users))
		for i, u := range users {
			ids[i] = u.ID
		}
		err = s.parentsOf(ctx, &g, tenant, ids, false)
	}
	if err != nil || len(g.names) == 0 {
		return err
	}
	if err := s.above(ctx, &g, tenant); err != nil {
		return err
	}
	for _, u := range users {
		u.Groups = g.memberships(u.ID)
	}
	return nil
}

// parents is the groups that resources are members of, and their names.
type parents struct {
	of    map[string][]string
	names map[string]string
}

// above finds the groups that the groups are in, if any group of the tenant is
// in another.
func (s *resources[R]) above(ctx context.Context, g *parents, tenant string) error {
	nested := false
	if err := s.q(ctx).QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND kind = 'Group')`, tenant).Scan(&nested); err != nil || !nested {
		return err
	}
	for level := slices.Collect(maps.Keys(g.names)); len(level) > 0; {
		more := parents{of: g.of, names: map[string]string{}}
		if err := s.parentsOf(ctx, &more, tenant, level, true); err != nil {
			return err
		}
		level = nil
		for id, name := range more.names {
			if _, seen := g.names[id]; !seen {
				g.names[id] = name
				level = append(level, id)
			}
		}
	}
	return nil
}

// memberships lists the groups of one resource, sorted by name.
func (g *parents) memberships(id string) []scim.Membership {
	direct := g.of[id]
	if len(direct) == 0 {
		return nil
	}
	out := make([]scim.Membership, 0, len(direct))
	seen := func(id string) bool {
		return slices.ContainsFunc(out, func(m scim.Membership) bool { return m.Value == id })
	}
	if len(direct) > 16 {
		known := make(map[string]bool, len(direct))
		seen = func(id string) bool { was := known[id]; known[id] = true; return was }
	}
	kind := "direct"
	for level := direct; len(level) > 0; kind = "indirect" {
		var next []string
		for _, id := range level {
			if !seen(id) {
				out = append(out, scim.Membership{Value: id, Display: g.names[id], Type: kind})
				next = append(next, g.of[id]...)
			}
		}
		level = next
	}
	slices.SortFunc(out, func(a, b scim.Membership) int {
		return cmp.Or(strings.Compare(a.Display, b.Display), strings.Compare(a.Value, b.Value))
	})
	return out
}

// parentsOf finds the groups that have one of the ids for a member. nested says
// that the members are groups.
func (s *resources[R]) parentsOf(ctx context.Context, g *parents, tenant string, ids []string, nested bool) error {
	for chunk := range slices.Chunk(ids, memberRows) {
		args := padded(tenant, chunk)
		where := "m.member IN (" + placeholders(2, len(args)-1) + ")"
		if nested {
			where += " AND m.kind = 'Group'"
		}
		if err := s.parents(ctx, g, where, args...); err != nil {
			return err
		}
	}
	return nil
}

// padded lists arguments, the last one again until their number is one of few,
// so that few statements do.
func padded(tenant string, ids []string) []any {
	n := 1
	for n < len(ids) {
		n *= 4
	}
	n = min(n, memberRows)
	args := append(make([]any, 0, n+1), tenant)
	for i := range n {
		args = append(args, ids[min(i, len(ids)-1)])
	}
	return args
}

func (s *resources[R]) parents(ctx context.Context, g *parents, where string, args ...any) error {
	rows, err := s.q(ctx).QueryContext(ctx, `SELECT m.member, m.group_id, g.name FROM scim_members m CROSS JOIN scim_resources g
		WHERE m.tenant = CAST($1 AS TEXT) AND `+where+` AND g.tenant = CAST($1 AS TEXT) AND g.id = m.group_id AND g.name IS NOT NULL`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var member, group, name string
		if err := rows.Scan(&member, &group, &name); err != nil {
			return err
		}
		g.of[member] = append(g.of[member], group)
		g.names[group] = name
	}
	return rows.Err()
}
