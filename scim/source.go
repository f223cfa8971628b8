// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// source is a resource as what a bound filter is evaluated over.
type source struct {
	t *resourceType
	o *object
}

func (s source) at(p filter.Path) (any, target, bool) {
	to, ok := s.t.resolve(p)
	if !ok || to.attr == nil {
		return nil, to, false
	}
	o := s.o
	if to.ext != nil {
		if o, ok = s.o.get(to.ext.ID).(*object); !ok {
			return nil, to, false
		}
	}
	if to.attr.Name == "schemas" && to.ext == nil {
		return s.t.schemasOf(s.o), to, true
	}
	v := o.get(to.attr.Name)
	return v, to, v != nil
}

// Values implements [filter.Source].
func (s source) Values(p filter.Path) []filter.Value {
	v, to, ok := s.at(p)
	if !ok {
		return nil
	}
	if to.sub == nil {
		if to.attr.Type == Complex {
			return nil
		}
		return appendValues(nil, to.attr, v)
	}
	var out []filter.Value
	for _, e := range elements(v) {
		out = appendSub(out, to.sub, e)
	}
	return out
}

// Elements implements [filter.Source].
func (s source) Elements(p filter.Path) []filter.Source {
	v, to, ok := s.at(p)
	if !ok || to.attr.Type != Complex {
		return nil
	}
	var out []filter.Source
	for _, e := range elements(v) {
		out = append(out, element{to.attr, e})
	}
	return out
}

// element is one element of a complex attribute.
type element struct {
	attr *Attribute
	o    *object
}

func (e element) Values(p filter.Path) []filter.Value {
	if sub := e.attr.sub(p.Name); sub != nil {
		return appendSub(nil, sub, e.o)
	}
	return nil
}

func (e element) Elements(filter.Path) []filter.Source { return nil }

func elements(v any) []*object {
	switch v := v.(type) {
	case *object:
		return []*object{v}
	case []any:
		out := make([]*object, 0, len(v))
		for _, e := range v {
			if o, ok := e.(*object); ok {
				out = append(out, o)
			}
		}
		return out
	}
	return nil
}

// appendSub adds the value of a sub-attribute. "primary" is false where it is
// not said (RFC 7643 section 2.4).
func appendSub(out []filter.Value, sub *Attribute, e *object) []filter.Value {
	v := e.get(sub.Name)
	if v == nil && sub.Type == Boolean && sub.Name == "primary" {
		v = false
	}
	return appendValues(out, sub, v)
}

func appendValues(out []filter.Value, a *Attribute, v any) []filter.Value {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = appendValues(out, a, e)
		}
	case string:
		if a.Type == DateTime {
			if t, err := time.Parse(time.RFC3339, v); err == nil {
				return append(out, filter.TimeValue(t))
			}
			return out
		}
		return append(out, filter.TextValue(v))
	case bool:
		return append(out, filter.BoolValue(v))
	case number:
		if n, ok := filter.NumberValue(string(v)); ok {
			return append(out, n)
		}
	}
	return out
}

// schemasOf lists the core schema and the extensions that have values.
func (t *resourceType) schemasOf(o *object) []any {
	out := []any{t.schema.ID}
	for i := range t.extensions {
		if o.get(t.extensions[i].Schema.ID) != nil {
			out = append(out, t.extensions[i].Schema.ID)
		}
	}
	for _, f := range o.fields {
		if len(f.name) > 4 && strings.EqualFold(f.name[:4], "urn:") && t.extension(f.name) == nil {
			out = append(out, f.name)
		}
	}
	return out
}
