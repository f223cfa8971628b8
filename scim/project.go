// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"strings"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// projection says which attributes an answer has (RFC 7644 section 3.9).
type projection struct {
	only    []filter.Path // nil: the default ones
	exclude []filter.Path
}

func (p projection) isDefault() bool { return p.only == nil && p.exclude == nil }

// maxProjection bounds the attributes that a request names.
const maxProjection = 100

// newProjection reads the attributes and excludedAttributes of a request;
// names that no schema has select nothing.
func newProjection(only, exclude []string, strict bool) (projection, error) {
	var p projection
	if len(only) > 0 && len(exclude) > 0 && strict {
		return p, refuse(CheckInvalidValue, "attributes and excludedAttributes exclude each other")
	}
	read := func(names []string) ([]filter.Path, error) {
		out := make([]filter.Path, 0, len(names))
		for _, name := range names {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			path, err := filter.ParsePath(name)
			if err != nil {
				return nil, &Error{Check: CheckInvalidValue, Public: clip(name) + " is no attribute name", Err: err}
			}
			if out = append(out, path); len(out) > maxProjection {
				return nil, refuse(CheckTooLarge, "too many attributes are named")
			}
		}
		return out, nil
	}
	var err error
	if len(only) > 0 {
		if p.only, err = read(only); err != nil || len(p.only) == 0 {
			p.only = nil
			return p, err
		}
		return p, nil
	}
	if len(exclude) > 0 {
		if p.exclude, err = read(exclude); len(p.exclude) == 0 {
			p.exclude = nil
		}
	}
	return p, err
}

// omit says what a store need not load for the projection.
func (p projection) omit(t *resourceType) Omit {
	if p.isDefault() {
		return 0
	}
	var o Omit
	if !p.has(t, "members") {
		o |= OmitMembers
	}
	if !p.has(t, "groups") {
		o |= OmitGroups
	}
	return o
}

func (p projection) has(t *resourceType, name string) bool {
	a := find(t.schema.Attributes, name)
	if a == nil {
		return false
	}
	whole, subs := p.selects(t, nil, a)
	return whole || len(subs) > 0
}

// names reports how a list names an attribute: as a whole, or by these
// sub-attributes.
func names(t *resourceType, list []filter.Path, ext *Schema, a *Attribute) (whole bool, subs []string) {
	for _, path := range list {
		if ext != nil && strings.EqualFold(path.String(), ext.ID) {
			return true, nil
		}
		if !strings.EqualFold(path.Name, a.Name) {
			continue
		}
		if ext == nil && path.URN != "" && !strings.EqualFold(path.URN, t.schema.ID) || ext != nil && !strings.EqualFold(path.URN, ext.ID) {
			continue
		}
		if path.Sub == "" {
			return true, nil
		}
		subs = append(subs, path.Sub)
	}
	return false, subs
}

// selects reports whether an attribute is part of the answer: as a whole, or
// these sub-attributes of it.
func (p projection) selects(t *resourceType, ext *Schema, a *Attribute) (whole bool, subs []string) {
	switch {
	case a.Returned == ReturnedNever:
		return false, nil
	case a.Returned == ReturnedAlways:
		return true, nil
	case p.only != nil:
		return names(t, p.only, ext, a)
	case a.Returned == ReturnedOnRequest:
		return false, nil
	}
	gone, _ := names(t, p.exclude, ext, a)
	return !gone, nil
}

// render makes the answer of a resource's object.
func (p projection) render(t *resourceType, o *object) *object {
	out := &object{fields: make([]field, 1, len(o.fields)+1)}
	out.fields[0] = field{"schemas", t.schemasOf(o)}
	for _, f := range o.fields {
		if strings.EqualFold(f.name, "schemas") {
			continue
		}
		if e := t.extension(f.name); e != nil {
			if in, ok := f.value.(*object); ok {
				ext := &object{}
				for _, x := range in.fields {
					if a := find(e.Attributes, x.name); a != nil {
						p.attribute(ext, t, e, a, x.value)
					}
				}
				if len(ext.fields) > 0 {
					out.add(e.ID, ext)
				}
			}
			continue
		}
		a := find(commonAttributes, f.name)
		if a == nil {
			a = find(t.schema.Attributes, f.name)
		}
		if a == nil {
			if t.ignored[strings.ToLower(f.name)] || t.refused[strings.ToLower(f.name)] {
				continue
			}
			a = &Attribute{Name: f.name}
		}
		p.attribute(out, t, nil, a, f.value)
	}
	return out
}

func (p projection) attribute(out *object, t *resourceType, ext *Schema, a *Attribute, v any) {
	whole, subs := p.selects(t, ext, a)
	switch {
	case whole:
		if v = p.subs(t, ext, a, v, nil); v != nil {
			out.add(a.Name, v)
		}
	case len(subs) > 0:
		if v = p.subs(t, ext, a, v, subs); v != nil {
			out.add(a.Name, v)
		}
	}
}

// subs keeps the named sub-attributes of a value, or all but the excluded.
func (p projection) subs(t *resourceType, ext *Schema, a *Attribute, v any, only []string) any {
	if a.Type != Complex {
		return v
	}
	var without []string
	if p.exclude != nil {
		_, without = names(t, p.exclude, ext, a)
	}
	hidden := false
	for i := range a.SubAttributes {
		hidden = hidden || a.SubAttributes[i].Returned == ReturnedNever || a.SubAttributes[i].Returned == ReturnedOnRequest
	}
	if only == nil && without == nil && !hidden {
		return v
	}
	keep := func(name string) bool {
		sub := a.sub(name)
		switch {
		case sub == nil || sub.Returned == ReturnedNever:
			return false
		case sub.Returned == ReturnedAlways:
			return true
		case only != nil:
			return foldContains(only, name)
		}
		return sub.Returned != ReturnedOnRequest && !foldContains(without, name)
	}
	pick := func(o *object) *object {
		n := &object{}
		for _, f := range o.fields {
			if keep(f.name) {
				n.fields = append(n.fields, f)
			}
		}
		return n
	}
	switch v := v.(type) {
	case *object:
		if n := pick(v); len(n.fields) > 0 {
			return n
		}
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range elements(v) {
			if n := pick(e); len(n.fields) > 0 {
				out = append(out, n)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

func foldContains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}
