// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"cmp"
	"strings"
)

// Source is a resource, or an element of a multi-valued complex attribute,
// that a filter is evaluated over.
type Source interface {
	// Values returns the values at the path: of a sub-attribute, those of all
	// elements. Null values are not returned.
	Values(p Path) []Value
	// Elements returns the elements of a complex attribute. The paths within
	// them are names of sub-attributes.
	Elements(p Path) []Source
}

// Match reports whether the source matches the filter; a nil filter matches
// all. Values of different kinds never match.
func Match(e Expr, s Source) bool {
	switch e := e.(type) {
	case nil:
		return true
	case *Compare:
		return e.match(s.Values(e.Path))
	case *Present:
		return present(s.Values(e.Path)) || len(s.Elements(e.Path)) > 0
	case *And:
		for _, t := range e.Terms {
			if !Match(t, s) {
				return false
			}
		}
		return true
	case *Or:
		for _, t := range e.Terms {
			if Match(t, s) {
				return true
			}
		}
		return false
	case *Not:
		return !Match(e.Term, s)
	case *Within:
		for _, element := range s.Elements(e.Path) {
			if Match(e.Filter, element) {
				return true
			}
		}
	}
	return false
}

func present(values []Value) bool {
	for _, v := range values {
		if v.Kind != Null && (v.Kind != Text || v.Text != "") {
			return true
		}
	}
	return false
}

func (c *Compare) match(values []Value) bool {
	if c.Value.Kind == Null {
		return (c.Op == Eq) != present(values)
	}
	if c.Op == Ne && len(values) == 0 {
		return true
	}
	for _, v := range values {
		if c.one(v) {
			return true
		}
	}
	return false
}

func (c *Compare) one(v Value) bool {
	if v.Kind != c.Value.Kind {
		return c.Op == Ne
	}
	a, b := v.Text, c.Value.Text
	if v.Kind == Text && !c.CaseExact {
		a, b = Fold(a), Fold(b)
	}
	switch c.Op {
	case Co:
		return strings.Contains(a, b)
	case Sw:
		return strings.HasPrefix(a, b)
	case Ew:
		return strings.HasSuffix(a, b)
	}
	var order int
	switch v.Kind {
	case Text:
		order = strings.Compare(a, b)
	case Number:
		order = cmp.Compare(v.Num, c.Value.Num)
	case Time:
		order = v.Time.Compare(c.Value.Time)
	case Bool:
		if v.Bool != c.Value.Bool {
			order = 1
		}
	}
	return c.Op.holds(order)
}

// holds reports whether the operator allows the order of value and argument.
func (o Op) holds(order int) bool {
	switch o {
	case Eq:
		return order == 0
	case Ne:
		return order != 0
	case Gt:
		return order > 0
	case Ge:
		return order >= 0
	case Lt:
		return order < 0
	case Le:
		return order <= 0
	}
	return false
}
