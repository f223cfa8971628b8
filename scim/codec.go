// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"reflect"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// Codec turns resources of one type into JSON and values, for stores. It is
// safe for concurrent use.
type Codec[R any] struct {
	t    *resourceType
	base func(*R) Resource
}

// NewCodec makes a codec for a resource type, for example
// NewCodec[User](UserType()).
func NewCodec[R any, P interface {
	*R
	Resource
}](c TypeConfig) (*Codec[R], error) {
	t, err := newResourceType(c, reflect.TypeFor[R]())
	if err != nil {
		return nil, err
	}
	return &Codec[R]{t: t, base: func(r *R) Resource { return P(r) }}, nil
}

// Type is the name of the resource type.
func (c *Codec[R]) Type() string { return c.t.name }

// Common returns the base of a resource.
func (c *Codec[R]) Common(r *R) *Base { return c.base(r).Common() }

// Schema is the URN of the core schema.
func (c *Codec[R]) Schema() string { return c.t.schema.ID }

// IsUnique reports whether values at the path are unique in a tenant.
func (c *Codec[R]) IsUnique(p filter.Path) bool {
	to, ok := c.t.resolve(p)
	return ok && to.attr != nil && to.leaf().Uniqueness != NotUnique
}

// Encode writes a resource as JSON, without id, meta, password and the
// attributes named, and lists the values that it is found and sorted by: of
// all attributes with a schema but those, and those that are never returned.
func (c *Codec[R]) Encode(r *R, without ...string) ([]byte, []Indexed) {
	o := c.stored(r, without)
	return c.t.document(o, c.Common(r)), c.values(o)
}

func (c *Codec[R]) stored(r *R, without []string) *object {
	o := c.t.object(c.base(r))
	for _, name := range append([]string{"id", "meta"}, without...) {
		o.set(name, nil)
	}
	if a := find(c.t.schema.Attributes, "password"); a != nil && a.Returned == ReturnedNever {
		o.set(a.Name, nil)
	}
	return o
}

// Decode fills in what [Codec.Encode] wrote; the rest of r stays as it is.
func (c *Codec[R]) Decode(r *R, stored string) error { return c.t.decode(c.base(r), stored) }

func (t *resourceType) decode(r Resource, stored string) error {
	v, err := parseText(stored, storedLimits)
	if err != nil {
		return err
	}
	o, ok := v.(*object)
	if !ok {
		return refuse(CheckInternal, "a stored resource is no object")
	}
	t.plan.decode(o, reflect.ValueOf(r).Elem())
	return nil
}

// Source is the resource as what a filter is evaluated over.
func (c *Codec[R]) Source(r *R) filter.Source { return source{c.t, c.t.object(c.base(r))} }

// Indexed is a value that a resource is found and sorted by.
type Indexed struct {
	Path    string // as filter.Path prints it: "emails.value"
	Element int    // position in a multi-valued attribute
	Value   filter.Value
	Text    string // of a text value: folded unless the attribute is case-exact
	Lead    bool   // the resource is sorted by this one of the path's values
	Unique  bool   // no other resource of the tenant may have it
}

func (c *Codec[R]) values(o *object) []Indexed {
	out := make([]Indexed, 0, 2*len(o.fields))
	for _, urn := range c.t.schemasOf(o) {
		out = append(out, Indexed{Path: "schemas", Element: len(out), Value: filter.TextValue(urn.(string)), Text: urn.(string), Lead: len(out) == 0})
	}
	out = indexAttribute(out, "", &commonAttributes[1], o.get("externalId"))
	for i := range c.t.schema.Attributes {
		a := &c.t.schema.Attributes[i]
		out = indexAttribute(out, "", a, o.get(a.Name))
	}
	for i := range c.t.extensions {
		e := &c.t.extensions[i].Schema
		ext, _ := o.get(e.ID).(*object)
		if ext == nil {
			continue
		}
		for j := range e.Attributes {
			out = indexAttribute(out, e.ID+":", &e.Attributes[j], ext.get(e.Attributes[j].Name))
		}
	}
	return out
}

func indexAttribute(out []Indexed, prefix string, a *Attribute, v any) []Indexed {
	if v == nil || a.Returned == ReturnedNever {
		return out
	}
	path := prefix + a.Name
	if a.Type != Complex {
		for i, x := range appendValues(nil, a, v) {
			out = append(out, indexed(path, a, x, i, i == 0))
		}
		return out
	}
	list := elements(v)
	lead := 0
	for i, e := range list {
		if isPrimary(e) {
			lead = i
		}
	}
	for i, e := range list {
		for j := range a.SubAttributes {
			sub := &a.SubAttributes[j]
			if sub.Returned == ReturnedNever {
				continue
			}
			for _, x := range appendSub(nil, sub, e) {
				out = append(out, indexed(path+"."+sub.Name, sub, x, i, i == lead))
			}
		}
	}
	return out
}

func indexed(path string, a *Attribute, v filter.Value, element int, lead bool) Indexed {
	x := Indexed{Path: path, Element: element, Value: v, Text: v.Text, Lead: lead, Unique: a.Uniqueness != NotUnique}
	if v.Kind == filter.Text && !a.exact() {
		x.Text = filter.Fold(v.Text)
	}
	return x
}

// SubAttributes returns the paths of the sub-attributes that Encode lists for
// a complex attribute, and nil for others.
func (c *Codec[R]) SubAttributes(p filter.Path) []string {
	to, ok := c.t.resolve(filter.Path{URN: p.URN, Name: p.Name})
	if !ok || to.attr == nil || to.attr.Type != Complex {
		return nil
	}
	var out []string
	for i := range to.attr.SubAttributes {
		if sub := &to.attr.SubAttributes[i]; sub.Returned != ReturnedNever {
			to.sub = sub
			out = append(out, to.path().String())
		}
	}
	return out
}
