// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"errors"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// target is an attribute that a path names.
type target struct {
	ext  *Schema    // nil: the core schema or a common attribute
	attr *Attribute // nil: the extension as a whole
	sub  *Attribute
}

// path is the target in the schema's spelling.
func (t target) path() filter.Path {
	p := filter.Path{Name: t.attr.Name}
	if t.ext != nil {
		p.URN = t.ext.ID
	}
	if t.sub != nil {
		p.Sub = t.sub.Name
	}
	return p
}

// leaf is the attribute that holds the values.
func (t target) leaf() *Attribute {
	if t.sub != nil {
		return t.sub
	}
	return t.attr
}

func (t target) readOnly() bool {
	return t.attr != nil && (t.attr.Mutability == ReadOnly || t.sub != nil && t.sub.Mutability == ReadOnly)
}

func (t target) never() bool {
	return t.attr != nil && (t.attr.Returned == ReturnedNever || t.sub != nil && t.sub.Returned == ReturnedNever)
}

// resolve finds what a path names (RFC 7644 section 3.10).
func (t *resourceType) resolve(p filter.Path) (target, bool) {
	var out target
	attrs := t.schema.Attributes
	switch {
	case p.URN == "":
		if a := find(commonAttributes, p.Name); a != nil {
			out.attr = a
		}
	case strings.EqualFold(p.URN, t.schema.ID):
		if a := find(commonAttributes, p.Name); a != nil {
			out.attr = a
		}
	default:
		if e := t.extension(p.URN); e != nil {
			out.ext, attrs = e, e.Attributes
			break
		}
		// The last part of the URN of an extension looks like an attribute.
		if e := t.extension(p.String()); e != nil {
			return target{ext: e}, true
		}
		return out, false
	}
	if out.attr == nil {
		out.attr = find(attrs, p.Name)
	}
	if out.attr == nil {
		return out, false
	}
	if p.Sub != "" {
		if out.sub = out.attr.sub(p.Sub); out.sub == nil {
			return out, false
		}
	}
	return out, true
}

// resolveBare finds an attribute that one extension alone has.
func (t *resourceType) resolveBare(p filter.Path) (found target, ok bool) {
	for i := range t.extensions {
		p.URN = t.extensions[i].Schema.ID
		if to, there := t.resolve(p); there && to.attr != nil {
			if ok {
				return target{}, false
			}
			found, ok = to, true
		}
	}
	return found, ok
}

func (t *resourceType) extension(urn string) *Schema {
	for i := range t.extensions {
		if sameName(t.extensions[i].Schema.ID, urn) {
			return &t.extensions[i].Schema
		}
	}
	return nil
}

// binder gives a filter the spelling, case and types of a schema.
type binder struct {
	t       *resourceType
	q       quirks
	foreign bool // attributes of other types match nothing instead of being refused
}

func badFilter(path, why string) error {
	return refuse(CheckInvalidFilter, "the filter cannot be used: "+path+" "+why)
}

// nothing matches no resource: every resource has an id.
var nothing filter.Expr = &filter.Not{Term: &filter.Present{Path: filter.Path{Name: "id"}}}

func (b binder) bind(e filter.Expr) (filter.Expr, error) {
	return b.expr(e, nil)
}

// expr binds a filter over the resource, or over an element of within.
func (b binder) expr(e filter.Expr, within *target) (filter.Expr, error) {
	switch e := e.(type) {
	case *filter.And:
		terms, err := b.terms(e.Terms, within)
		return &filter.And{Terms: terms}, err
	case *filter.Or:
		terms, err := b.terms(e.Terms, within)
		return &filter.Or{Terms: terms}, err
	case *filter.Not:
		term, err := b.expr(e.Term, within)
		return &filter.Not{Term: term}, err
	case *filter.Within:
		return b.within(e)
	case *filter.Present:
		to, path, err := b.find(e.Path, within)
		if err != nil || to.attr == nil {
			return nothing, err
		}
		return &filter.Present{Path: path}, nil
	case *filter.Compare:
		return b.compare(e, within)
	}
	return nil, badFilter("it", "is empty")
}

func (b binder) terms(terms []filter.Expr, within *target) ([]filter.Expr, error) {
	out := make([]filter.Expr, len(terms))
	for i, t := range terms {
		var err error
		if out[i], err = b.expr(t, within); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b binder) within(e *filter.Within) (filter.Expr, error) {
	to, path, err := b.find(e.Path, nil)
	if err != nil {
		return nil, err
	}
	if to.attr == nil {
		return nothing, nil
	}
	if to.attr.Type != Complex {
		return nil, badFilter(e.Path.String(), "has no elements")
	}
	inner, err := b.expr(e.Filter, &to)
	return &filter.Within{Path: path, Filter: inner}, err
}

// find resolves a path; with foreign, a target without attribute means that
// this type does not have it.
func (b binder) find(p filter.Path, within *target) (target, filter.Path, error) {
	if within != nil {
		sub := within.attr.sub(p.Name)
		if sub == nil || p.URN != "" || p.Sub != "" {
			return target{}, p, badFilter(p.String(), "is no sub-attribute of "+within.attr.Name)
		}
		to := target{ext: within.ext, attr: within.attr, sub: sub}
		if to.never() {
			return target{}, p, badFilter(p.String(), "cannot be filtered by")
		}
		return to, filter.Path{Name: sub.Name}, nil
	}
	to, ok := b.t.resolve(p)
	if !ok && b.q.bareNames && p.URN == "" {
		to, ok = b.t.resolveBare(p)
	}
	if (!ok || to.attr == nil) && b.foreign {
		return target{}, p, nil
	}
	if !ok || to.attr == nil {
		return target{}, p, badFilter(p.String(), "is no attribute of "+b.t.name)
	}
	if to.never() {
		return target{}, p, badFilter(p.String(), "cannot be filtered by")
	}
	return to, to.path(), nil
}

func (b binder) compare(e *filter.Compare, within *target) (filter.Expr, error) {
	to, path, err := b.find(e.Path, within)
	if err != nil {
		return nil, err
	}
	if to.attr == nil {
		return nothing, nil
	}
	if to.leaf().Type == Complex {
		// RFC 7643 section 2.4: the value of a complex attribute is its "value".
		if to.sub = to.attr.sub("value"); to.sub == nil || to.never() {
			return nil, badFilter(e.Path.String(), "has no value to compare")
		}
		path.Sub = to.sub.Name
	}
	leaf := to.leaf()
	v, err := b.value(leaf, e.Value)
	if err != nil {
		return nil, badFilter(e.Path.String(), err.Error())
	}
	switch e.Op {
	case filter.Co, filter.Sw, filter.Ew:
		if v.Kind != filter.Text {
			return nil, badFilter(e.Path.String(), "is not searched as text")
		}
	case filter.Gt, filter.Ge, filter.Lt, filter.Le:
		if v.Kind == filter.Bool || leaf.Type == Binary {
			return nil, badFilter(e.Path.String(), "has no order") // RFC 7644 table 3
		}
	}
	return &filter.Compare{Path: path, Op: e.Op, Value: v, CaseExact: leaf.exact()}, nil
}

// value gives an argument the type of the attribute.
func (b binder) value(a *Attribute, v filter.Value) (filter.Value, error) {
	if v.Kind == filter.Null {
		return v, nil
	}
	switch a.Type {
	case Boolean:
		if v.Kind == filter.Text && b.q.textBooleans {
			if f := filter.Fold(v.Text); f == "true" || f == "false" {
				return filter.BoolValue(f == "true"), nil
			}
		}
		if v.Kind == filter.Bool {
			return v, nil
		}
		return v, errors.New("compares with true or false")
	case Integer, Decimal:
		if v.Kind == filter.Number {
			return v, nil
		}
		return v, errors.New("compares with a number")
	case DateTime:
		if v.Kind == filter.Text {
			if t, err := time.Parse(time.RFC3339, v.Text); err == nil {
				return filter.TimeValue(t), nil
			}
		}
		return v, errors.New("compares with a dateTime in quotes")
	}
	if v.Kind != filter.Text {
		return v, errors.New("compares with text in quotes")
	}
	return v, nil
}
