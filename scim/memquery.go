// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

func (m *memory[R, P]) Query(ctx context.Context, tenant string, q Query) (Page[R], error) {
	return m.page(ctx, tenant, q, func(list []*record, out []*R) {
		for i, rec := range list {
			out[i] = m.load(tenant, rec, q.Omit)
		}
	})
}

// Documents answers a query without what the documents say.
func (m *memory[R, P]) Documents(ctx context.Context, tenant string, q Query) (Page[R], []string, error) {
	var docs []string
	page, err := m.page(ctx, tenant, q, func(list []*record, out []*R) {
		shells := make([]R, len(list))
		docs = make([]string, len(list))
		for i, rec := range list {
			out[i], docs[i] = &shells[i], rec.doc
			m.head(tenant, rec, q.Omit, &shells[i])
		}
	})
	return page, docs, err
}

// page finds the records of a page and has fill make resources of them, while
// nobody writes. Marks are sequence numbers.
func (m *memory[R, P]) page(ctx context.Context, tenant string, q Query, fill func(list []*record, out []*R)) (Page[R], error) {
	var page Page[R]
	var after int64
	if q.After != "" {
		var err error
		if after, err = strconv.ParseInt(q.After, 10, 64); err != nil || after < 0 || q.Sort.By.Name != "" {
			return page, &Error{Check: CheckInvalidCursor, Public: "the cursor is not one of this query", Err: err}
		}
	}
	err := m.view(ctx, func() {
		all := m.find(tenant, q)
		page.Total = len(all)
		if q.After != "" {
			q.Start = 1
			from, _ := slices.BinarySearchFunc(all, after+1, func(r *record, seq int64) int { return cmp.Compare(r.seq, seq) })
			all = all[from:]
		}
		list := window(all, q.Start, q.Count)
		page.Resources = make([]*R, len(list))
		fill(list, page.Resources)
		if n := len(list); n > 0 && q.Sort.By.Name == "" && list[n-1] != all[len(all)-1] {
			page.Next = strconv.FormatInt(list[n-1].seq, 10)
		}
	})
	return page, err
}

// find returns the records of all pages.
func (m *memory[R, P]) find(tenant string, q Query) []*record {
	t := m.tenants[tenant]
	if t == nil || t.tables[m.t.name] == nil {
		return nil
	}
	tab := t.tables[m.t.name]
	if q.Filter == nil && q.Sort.By.Name == "" {
		return tab.order
	}
	list := tab.order
	if narrowed, ok := narrow(tab, q.Filter); ok {
		list = narrowed
	}
	matches := m.matches(tenant, list, q)
	m.sort(tenant, matches, q.Sort)
	return matches
}

func window(list []*record, start, count int) []*record {
	from := min(max(start-1, 0), len(list))
	return list[from : from+min(count, len(list)-from)]
}

// narrow finds the records that an equality of the filter leaves.
func narrow(tab *memTable, e filter.Expr) ([]*record, bool) {
	switch e := e.(type) {
	case *filter.And:
		for _, t := range e.Terms {
			if list, ok := narrow(tab, t); ok {
				return list, true
			}
		}
	case *filter.Compare:
		if e.Op != filter.Eq || e.Value.Kind != filter.Text || e.Path.URN != "" || e.Path.Sub != "" {
			return nil, false
		}
		switch e.Path.Name {
		case "id":
			if rec := tab.byID[e.Value.Text]; rec != nil {
				return []*record{rec}, true
			}
			return nil, true
		case "userName", "displayName", "externalId":
			list := slices.Clone(tab.index[indexKey(e.Path.Name, e.Value.Text, e.CaseExact)])
			slices.SortFunc(list, func(a, b *record) int { return cmp.Compare(a.seq, b.seq) })
			return list, true
		}
	}
	return nil, false
}

func (m *memory[R, P]) matches(tenant string, list []*record, q Query) []*record {
	omit := OmitMembers | OmitGroups
	if q.Filter != nil {
		if text := q.Filter.String(); strings.Contains(text, "members") || strings.Contains(text, "groups") {
			omit = 0
		}
	}
	var out []*record
	for _, rec := range list {
		if filter.Match(q.Filter, source{m.t, m.full(tenant, rec, omit)}) {
			out = append(out, rec)
		}
	}
	return out
}

func (m *memory[R, P]) sort(tenant string, list []*record, s Sort) {
	if s.By.Name == "" {
		return
	}
	type keyed struct {
		rec *record
		key filter.Value
	}
	keys := make([]keyed, len(list))
	for i, rec := range list {
		keys[i] = keyed{rec, sortKey(m.t, m.full(tenant, rec, 0), s)}
	}
	slices.SortStableFunc(keys, func(a, b keyed) int {
		order := compareKeys(a.key, b.key)
		if s.Descending {
			return -order
		}
		return order
	})
	for i := range keys {
		list[i] = keys[i].rec
	}
}

// sortKey is the value to sort by: of a multi-valued attribute the primary or
// first one (RFC 7644 section 3.4.2.3).
func sortKey(t *resourceType, o *object, s Sort) filter.Value {
	src := source{t, o}
	values := src.Values(s.By)
	if s.By.Sub != "" {
		for _, e := range src.Elements(filter.Path{URN: s.By.URN, Name: s.By.Name}) {
			p := e.Values(filter.Path{Name: "primary"})
			if len(p) == 1 && p[0].Bool {
				values = e.Values(filter.Path{Name: s.By.Sub})
				break
			}
		}
	}
	if len(values) == 0 {
		return filter.Value{}
	}
	v := values[0]
	if v.Kind == filter.Text && !s.CaseExact {
		v.Text = filter.Fold(v.Text)
	}
	return v
}

// compareKeys orders values, the missing ones last.
func compareKeys(a, b filter.Value) int {
	if a.Kind == filter.Null || b.Kind == filter.Null {
		return cmp.Compare(int(b.Kind), int(a.Kind))
	}
	switch a.Kind {
	case filter.Number:
		return cmp.Compare(a.Num, b.Num)
	case filter.Time:
		return a.Time.Compare(b.Time)
	case filter.Bool:
		if a.Bool == b.Bool {
			return 0
		}
		if b.Bool {
			return -1
		}
		return 1
	}
	return strings.Compare(a.Text, b.Text)
}
