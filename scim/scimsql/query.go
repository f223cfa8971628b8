// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimsql

import (
	"context"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

func (s *resources[R]) Query(ctx context.Context, tenant string, q scim.Query) (scim.Page[R], error) {
	page, docs, err := s.Documents(ctx, tenant, q)
	if err != nil {
		return page, err
	}
	for i, r := range page.Resources {
		if err := s.codec.Decode(r, docs[i]); err != nil {
			return page, err
		}
	}
	return page, nil
}

// Documents answers a query without decoding what it finds: the resources have
// what is not in the documents.
func (s *resources[R]) Documents(ctx context.Context, tenant string, q scim.Query) (scim.Page[R], []string, error) {
	c := &compiler{kind: s.codec.Type(), schema: s.codec.Schema(), subs: s.codec.SubAttributes, unique: s.codec.IsUnique, args: []any{tenant, s.codec.Type()}}
	from, err := c.from(q.Filter)
	if err != nil {
		return scim.Page[R]{}, nil, err
	}
	var page scim.Page[R]
	var list []row
	more := false
	if q.Count > 0 {
		if list, more, err = s.page(ctx, c, from, q); err != nil {
			return page, nil, busy(err)
		}
	}
	if page.Total = max(q.Start, 1) - 1 + len(list); more || q.After != "" || len(list) == 0 {
		query, args := "SELECT COUNT(*) FROM "+from.String(), c.args
		if q.Filter == nil {
			query = "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM scim_counts WHERE tenant = CAST($1 AS TEXT) AND kind = $2"
		}
		if err := s.q(ctx).QueryRowContext(ctx, query, args...).Scan(&page.Total); err != nil {
			return page, nil, busy(err)
		}
	}
	if more && q.Sort.By.Name == "" {
		page.Next = list[len(list)-1].id
	}
	shells := make([]R, len(list))
	docs := make([]string, len(list))
	page.Resources = make([]*R, len(list))
	for i := range list {
		page.Resources[i], docs[i] = &shells[i], list[i].doc
		s.head(&shells[i], &list[i])
	}
	return page, docs, busy(s.fill(ctx, tenant, page.Resources, q.Omit, q.Filter == nil && q.Sort.By.Name == ""))
}

// selected is which resources a filter selects.
type selected struct {
	driver string // FROM of what an equality selects, or ""
	where  string
}

func (f selected) tables() string { return f.driver + "scim_resources r" }

func (f selected) String() string { return f.tables() + " WHERE " + f.where }

// from compiles a filter. What an equality of it selects comes first, because
// the database may not know how few that is.
func (c *compiler) from(e filter.Expr) (selected, error) {
	out := selected{where: "r.tenant = CAST($1 AS TEXT) AND r.kind = $2"}
	if e == nil {
		return out, nil
	}
	driver, rest := split(e)
	if rest != nil {
		s, err := c.where(rest)
		if err != nil {
			return out, err
		}
		out.where += " AND " + s
	}
	if driver == nil {
		return out, nil
	}
	s, err := c.owners(driver)
	out.driver = "(SELECT DISTINCT owner FROM (" + s + ") AS d0) AS d CROSS JOIN "
	out.where += " AND r.id = d.owner"
	return out, err
}

// split takes an equality out of a conjunction.
func split(e filter.Expr) (driver, rest filter.Expr) {
	if drives(e) {
		return e, nil
	}
	and, ok := e.(*filter.And)
	if !ok {
		return nil, e
	}
	for i, t := range and.Terms {
		if !drives(t) {
			continue
		}
		others := append(append([]filter.Expr{}, and.Terms[:i]...), and.Terms[i+1:]...)
		if len(others) == 1 {
			return t, others[0]
		}
		return t, &filter.And{Terms: others}
	}
	return nil, e
}

func drives(e filter.Expr) bool {
	switch e := e.(type) {
	case *filter.Compare:
		return e.Op == filter.Eq && e.Value.Kind == filter.Text && e.Path.Name != "id" && e.Path.Name != "meta" && e.Path.Name != "schemas"
	case *filter.Within:
		if and, ok := e.Filter.(*filter.And); ok {
			for _, t := range and.Terms {
				if c, ok := t.(*filter.Compare); ok && drives(c) && c.Path.Name != "type" {
					return true
				}
			}
			return false
		}
		return drives(e.Filter)
	}
	return false
}

// page reads one page, and whether there is more behind it.
func (s *resources[R]) page(ctx context.Context, c *compiler, from selected, q scim.Query) ([]row, bool, error) {
	before := len(c.args)
	defer func() { c.args = c.args[:before] }()
	query, err := c.selection(from, q)
	if err != nil {
		return nil, false, err
	}
	rows, err := s.q(ctx).QueryContext(ctx, query, c.args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	list := make([]row, 0, min(q.Count, 1000))
	for rows.Next() {
		var x row
		if err := rows.Scan(&x.id, &x.version, &x.created, &x.modified, &x.doc); err != nil {
			return nil, false, err
		}
		list = append(list, x)
	}
	if err := rows.Err(); err != nil {
		return nil, false, err
	}
	if len(list) > q.Count {
		return list[:q.Count], true, nil
	}
	return list, false, nil
}

func (c *compiler) selection(from selected, q scim.Query) (string, error) {
	order, tables, dir := "r.id", from.tables(), ""
	if q.Sort.Descending {
		dir = " DESC"
	}
	const join = "s.tenant = CAST($1 AS TEXT) AND s.kind = $2 AND s.owner = r.id AND s.path = "
	switch path := q.Sort.By.String(); {
	case path == "":
	case path == "id" || path == "meta.created": // one order, see newID
		order = "r.id" + dir
	case path == "meta.lastModified":
		order = "r.modified" + dir + ", r.id" + dir
	case path == "userName" && c.kind == "User":
		// Every user has one, and so the index has the order.
		if from.driver == "" {
			tables = "scim_values s CROSS JOIN " + tables
		} else {
			tables += " CROSS JOIN scim_values s"
		}
		from.where += " AND " + join + "'userName' AND s.uniq = 1"
		order = "s.ord" + dir
	default:
		switch q.Sort.By.Name {
		case "members", "groups", "meta", "schemas":
			return "", &scim.Error{Check: scim.CheckInvalidPath, Public: "sortBy: " + path + " gives no order"}
		}
		tables += " LEFT JOIN scim_values s ON " + join + c.arg(path) + " AND s.lead = 1"
		order = "(CASE WHEN s.ord IS NULL THEN 1 ELSE 0 END)" + dir + ", s.ord" + dir + ", r.id"
	}
	query := "SELECT r.id, r.version, r.created, r.modified, r.doc FROM " + tables + " WHERE " + from.where
	if q.After != "" {
		if q.Sort.By.Name != "" || !isID(q.After) {
			return "", &scim.Error{Check: scim.CheckInvalidCursor, Public: "the cursor is not one of this query"}
		}
		query += " AND r.id > CAST(" + c.arg(q.After) + " AS TEXT)"
	}
	query += " ORDER BY " + order + " LIMIT CAST(" + c.arg(int64(q.Count)+1) + " AS BIGINT)"
	if q.Start > 1 && q.After == "" {
		query += " OFFSET CAST(" + c.arg(int64(q.Start)-1) + " AS BIGINT)"
	}
	return query, nil
}
