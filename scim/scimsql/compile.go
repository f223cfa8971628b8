// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimsql

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/scim"
	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// maxOrder is how much of a text is compared and sorted by.
const maxOrder = 256

// order encodes a value so that bytes compare as values do.
func order(kind filter.Kind, text string, v filter.Value) []byte {
	switch kind {
	case filter.Bool:
		if v.Bool {
			return []byte{1}
		}
		return []byte{0}
	case filter.Number:
		bits := math.Float64bits(v.Num)
		if bits>>63 == 1 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		return binary.BigEndian.AppendUint64(nil, bits)
	case filter.Time:
		return binary.BigEndian.AppendUint64(nil, uint64(v.Time.UnixMicro())^1<<63)
	}
	return []byte(text[:min(len(text), maxOrder)])
}

// compiler makes SQL of a filter. r is the resource in scim_resources; $1 is
// the tenant and $2 the type.
type compiler struct {
	kind   string
	schema string // URN of the core schema
	subs   func(filter.Path) []string
	unique func(filter.Path) bool
	args   []any
	n      int // of subqueries
}

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

func unserved(path string) error {
	return &scim.Error{Check: scim.CheckInvalidFilter, Public: "the filter cannot be used: " + path + " is not served so"}
}

// where is a condition on r.
func (c *compiler) where(e filter.Expr) (string, error) {
	switch e := e.(type) {
	case *filter.And:
		return c.list(e.Terms, " AND ")
	case *filter.Or:
		return c.list(e.Terms, " OR ")
	case *filter.Not:
		s, err := c.where(e.Term)
		return "NOT (" + s + ")", err
	case *filter.Compare:
		if s, ok, err := c.column(e); ok || err != nil {
			return s, err
		}
		if e.Path.Name == "schemas" && e.Path.URN == "" {
			return c.schemas(e)
		}
		return c.compare(e)
	case *filter.Present:
		switch e.Path.Name {
		case "id", "meta", "schemas":
			return "1 = 1", nil
		}
		s, err := c.owners(e)
		return "r.id IN (" + s + ")", err
	case *filter.Within:
		s, err := c.owners(e)
		return "r.id IN (" + s + ")", err
	}
	return "", unserved("it")
}

func (c *compiler) list(terms []filter.Expr, op string) (string, error) {
	parts := make([]string, len(terms))
	for i, t := range terms {
		s, err := c.where(t)
		if err != nil {
			return "", err
		}
		parts[i] = s
	}
	return "(" + strings.Join(parts, op) + ")", nil
}

// column serves what is a column of r itself.
func (c *compiler) column(e *filter.Compare) (string, bool, error) {
	var col string
	var arg any
	switch path := e.Path.String(); path {
	case "id":
		col, arg = "r.id", e.Value.Text
	case "meta.version":
		col, arg = "CAST(r.version AS TEXT)", strings.Trim(strings.TrimPrefix(e.Value.Text, "W/"), `"`)
	case "meta.created":
		col, arg = "r.created", micros(e.Value.Time)
	case "meta.lastModified":
		col, arg = "r.modified", micros(e.Value.Time)
	case "meta.resourceType":
		col, arg = "r.kind", e.Value.Text
	case "meta.location":
		return "", true, unserved(path)
	default:
		return "", false, nil
	}
	if e.Value.Kind == filter.Null {
		return map[filter.Op]string{filter.Eq: "1 = 0", filter.Ne: "1 = 1"}[e.Op], true, nil
	}
	op, ok := sqlOps[e.Op]
	if !ok || e.Value.Kind == filter.Text && op != "=" && op != "<>" {
		return "", true, unserved(e.Path.String())
	}
	if col == "r.created" {
		return "(" + c.created(e.Op, arg.(int64)) + ")", true, nil
	}
	return col + " " + op + " " + c.arg(arg), true, nil
}

func micros(t time.Time) int64 { return t.UnixMicro() }

// schemas compares with the core schema, which every resource has and no row
// says, and with the others.
func (c *compiler) schemas(e *filter.Compare) (string, error) {
	switch {
	case filter.Match(e, core(c.schema)):
		return "1 = 1", nil
	case e.Value.Kind == filter.Null:
		return "1 = 0", nil
	}
	s, err := c.owners(e)
	return "r.id IN (" + s + ")", err
}

// core is the schemas of a resource without extensions.
type core string

func (u core) Values(filter.Path) []filter.Value { return []filter.Value{filter.TextValue(string(u))} }

func (core) Elements(filter.Path) []filter.Source { return nil }

// created says of the time of creation what the order of ids can answer.
func (c *compiler) created(op filter.Op, at int64) string {
	switch op {
	case filter.Eq:
		return "r.created = " + c.arg(at) + " AND r.id >= " + c.arg(idBound(at, false)) + " AND r.id <= " + c.arg(idBound(at, true))
	case filter.Gt, filter.Ge:
		return "r.created " + sqlOps[op] + " " + c.arg(at) + " AND r.id >= " + c.arg(idBound(at, false))
	case filter.Lt, filter.Le:
		return "r.created " + sqlOps[op] + " " + c.arg(at) + " AND r.id <= " + c.arg(idBound(at, true))
	}
	return "r.created <> " + c.arg(at)
}

var sqlOps = map[filter.Op]string{filter.Eq: "=", filter.Ne: "<>", filter.Gt: ">", filter.Ge: ">=", filter.Lt: "<", filter.Le: "<="}

func (c *compiler) compare(e *filter.Compare) (string, error) {
	if e.Value.Kind == filter.Null {
		s, err := c.owners(&filter.Present{Path: e.Path})
		if e.Op == filter.Eq {
			return "r.id NOT IN (" + s + ")", err
		}
		return "r.id IN (" + s + ")", err
	}
	s, err := c.owners(e)
	if err != nil || e.Op != filter.Ne {
		return "r.id IN (" + s + ")", err
	}
	some, err := c.owners(&filter.Present{Path: e.Path})
	return "(r.id IN (" + s + ") OR r.id NOT IN (" + some + "))", err
}

// owners is a query for the ids of the resources that a leaf matches.
func (c *compiler) owners(e filter.Expr) (string, error) {
	switch e := e.(type) {
	case *filter.Compare:
		if s, ok, err := c.related(e.Path, e); ok || err != nil {
			return s, err
		}
		cond, err := c.condition(e)
		return "SELECT owner FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND path = " + c.arg(e.Path.String()) + " AND " + cond + c.index(e.Path), err
	case *filter.Present:
		if s, ok, err := c.related(e.Path, nil); ok || err != nil {
			return s, err
		}
		return "SELECT owner FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND path IN (" + c.paths(e.Path) + ")" + c.someText(e.Path) + c.index(e.Path), nil
	case *filter.Within:
		if e.Path.Name == "members" || e.Path.Name == "groups" {
			if cmp, ok := e.Filter.(*filter.Compare); ok {
				if s, ok, err := c.related(filter.Path{Name: e.Path.Name, Sub: cmp.Path.Name}, cmp); ok || err != nil {
					return s, err
				}
			}
			if e.Path.Name == "members" && c.kind == "Group" || e.Path.Name == "groups" && c.kind == "User" {
				return "", unserved(e.String())
			}
		}
		s, err := c.elements(e.Path, e.Filter)
		return "SELECT owner FROM (" + s + ") AS " + c.alias(), err
	}
	return "", unserved(e.String())
}

func (c *compiler) alias() string {
	c.n++
	return "s" + strconv.Itoa(c.n)
}

// index says which of the two indexes has the values.
func (c *compiler) index(p filter.Path) string {
	if c.unique(p) {
		return " AND uniq = 1"
	}
	return " AND uniq = 0"
}

// paths lists the paths that say that an attribute has a value.
func (c *compiler) paths(p filter.Path) string {
	list := []string{p.String()}
	if p.Sub == "" {
		if subs := c.subs(p); subs != nil {
			list = subs
		}
	}
	for i := range list {
		list[i] = c.arg(list[i])
	}
	return strings.Join(list, ",")
}

// someText leaves out what says nothing: primary, which is false by default.
func (c *compiler) someText(p filter.Path) string {
	if p.Sub == "" && c.subs(p) != nil {
		return " AND ord <> " + c.arg([]byte{0})
	}
	return ""
}

// elements is a query for the elements (owner, elem) of an attribute that
// match a value filter.
func (c *compiler) elements(p filter.Path, e filter.Expr) (string, error) {
	combine := func(terms []filter.Expr, op string) (string, error) {
		parts := make([]string, len(terms))
		for i, t := range terms {
			s, err := c.elements(p, t)
			if err != nil {
				return "", err
			}
			parts[i] = "SELECT owner, elem FROM (" + s + ") AS " + c.alias()
		}
		return strings.Join(parts, op), nil
	}
	at := func(sub filter.Path) string { return filter.Path{URN: p.URN, Name: p.Name, Sub: sub.Name}.String() }
	from := "SELECT owner, elem FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND kind = $2 AND uniq = 0 AND "
	switch e := e.(type) {
	case *filter.And:
		terms, s, err := c.driven(p, e.Terms)
		if err != nil || len(terms) == 0 {
			return s, err
		}
		rest, err := combine(terms, " INTERSECT ")
		if s != "" {
			rest += " INTERSECT " + s
		}
		return rest, err
	case *filter.Or:
		return combine(e.Terms, " UNION ")
	case *filter.Not:
		s, err := c.elements(p, e.Term)
		return from + "path IN (" + c.paths(p) + ") EXCEPT SELECT owner, elem FROM (" + s + ") AS " + c.alias(), err
	case *filter.Present:
		return from + "path = " + c.arg(at(e.Path)), nil
	case *filter.Compare:
		switch {
		case e.Value.Kind == filter.Null:
			present := filter.Expr(&filter.Present{Path: e.Path})
			if e.Op == filter.Eq {
				present = &filter.Not{Term: present}
			}
			return c.elements(p, present)
		case e.Op == filter.Ne:
			equal := *e
			equal.Op = filter.Eq
			return c.elements(p, &filter.Not{Term: &equal})
		}
		cond, err := c.condition(e)
		return from + "path = " + c.arg(at(e.Path)) + " AND " + cond, err
	}
	return "", unserved(e.String())
}

// driven serves an equality of a conjunction within elements, and has the other
// comparisons look at the elements that it finds: most elements are of type
// work. It returns the terms that are left, and "" without such an equality.
func (c *compiler) driven(p filter.Path, terms []filter.Expr) (rest []filter.Expr, s string, err error) {
	first := slices.IndexFunc(terms, func(t filter.Expr) bool {
		cmp, ok := t.(*filter.Compare)
		return ok && drives(cmp) && cmp.Path.Name != "type"
	})
	if first < 0 {
		return terms, "", nil
	}
	if s, err = c.elements(p, terms[first]); err != nil {
		return nil, "", err
	}
	of := c.alias()
	s = "SELECT " + of + ".owner, " + of + ".elem FROM (" + s + ") AS " + of + " WHERE 1 = 1"
	for i, t := range terms {
		cmp, ok := t.(*filter.Compare)
		switch {
		case i == first:
		case ok && cmp.Value.Kind != filter.Null && cmp.Op != filter.Ne:
			cond, err := c.condition(cmp)
			if err != nil {
				return nil, "", err
			}
			path := filter.Path{URN: p.URN, Name: p.Name, Sub: cmp.Path.Name}.String()
			s += " AND EXISTS (SELECT 1 FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND owner = " + of + ".owner AND path = " + c.arg(path) +
				" AND elem = " + of + ".elem AND " + cond + ")"
		default:
			rest = append(rest, t)
		}
	}
	return rest, s, nil
}

// condition compares the value of a row of scim_values.
func (c *compiler) condition(e *filter.Compare) (string, error) {
	text := e.Value.Text
	if e.Value.Kind == filter.Text && !e.CaseExact {
		text = filter.Fold(text)
	}
	ord := order(e.Value.Kind, text, e.Value)
	long := e.Value.Kind == filter.Text && len(text) >= maxOrder
	switch e.Op {
	case filter.Eq:
		s := "ord = " + c.arg(ord)
		if long {
			s += " AND fold = " + c.arg(text)
		}
		return s, nil
	case filter.Ne:
		if long {
			return "(ord <> " + c.arg(ord) + " OR fold <> " + c.arg(text) + ")", nil
		}
		return "ord <> " + c.arg(ord), nil
	case filter.Gt, filter.Ge, filter.Lt, filter.Le:
		return "ord " + sqlOps[e.Op] + " " + c.arg(ord), nil
	case filter.Sw:
		return c.prefix(ord, text, long), nil
	case filter.Co:
		if text == "" {
			return "1 = 1", nil
		}
		return "replace(fold, " + c.arg(text) + ", '') <> fold", nil
	case filter.Ew:
		n := c.arg(int64(utf8.RuneCountInString(text)))
		return "(length(fold) >= " + n + " AND substr(fold, CAST(length(fold) - " + n + " + 1 AS INTEGER)) = " + c.arg(text) + ")", nil
	}
	return "", unserved(e.Path.String())
}

func (c *compiler) prefix(ord []byte, text string, long bool) string {
	s := "ord >= " + c.arg(ord)
	end := append([]byte(nil), ord...)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) > 0 {
		end[len(end)-1]++
		s += " AND ord < " + c.arg(end)
	}
	if long {
		s += " AND substr(fold, 1, " + strconv.Itoa(utf8.RuneCountInString(text)) + ") = " + c.arg(text)
	}
	return s
}

// related serves members of groups and groups of users, which have a table of
// their own. e is nil for a question whether there are any.
func (c *compiler) related(p filter.Path, e *filter.Compare) (string, bool, error) {
	attr := p.Name
	if p.URN != "" || !(attr == "members" && c.kind == "Group" || attr == "groups" && c.kind == "User") {
		return "", false, nil
	}
	if e == nil {
		if attr == "members" {
			return "SELECT group_id AS owner FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND $2 <> ''", true, nil
		}
		return "SELECT member AS owner FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND $2 <> ''", true, nil
	}
	if e.Op != filter.Eq {
		return "", true, unserved(p.String())
	}
	if attr == "members" {
		col := map[string]string{"value": "member", "type": "kind"}[p.Sub]
		if col == "" {
			return "", true, unserved(p.String())
		}
		value := e.Value.Text
		if p.Sub == "type" {
			for _, kind := range []string{"User", "Group"} {
				if strings.EqualFold(kind, value) {
					value = kind
				}
			}
		}
		return "SELECT group_id AS owner FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND $2 <> '' AND " + col + " = " + c.arg(value), true, nil
	}
	var groups string
	switch p.Sub {
	case "value":
		groups = "group_id = " + c.arg(e.Value.Text)
	case "display":
		groups = "group_id IN (SELECT owner FROM scim_values WHERE tenant = CAST($1 AS TEXT) AND kind = 'Group' AND path = 'displayName' AND uniq = 0 AND ord = " +
			c.arg(order(filter.Text, filter.Fold(e.Value.Text), e.Value)) + " AND fold = " + c.arg(filter.Fold(e.Value.Text)) + ")"
	default:
		return "", true, unserved(p.String())
	}
	down := c.alias()
	return "WITH RECURSIVE " + down + " (id) AS (SELECT member FROM scim_members WHERE tenant = CAST($1 AS TEXT) AND $2 <> '' AND " + groups +
		" UNION SELECT m.member FROM " + down + " CROSS JOIN scim_members m WHERE m.tenant = CAST($1 AS TEXT) AND m.group_id = " + down + ".id) SELECT id AS owner FROM " + down, true, nil
}
