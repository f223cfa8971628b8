// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"reflect"
	"slices"
	"strconv"
	"time"
)

// copy makes a deep copy of a struct that nobody changes meanwhile. Raw values
// of Extra are never changed in place and are shared.
func (p *plan) copy(to, from reflect.Value) {
	to.Set(from)
	p.deepen(to)
}

func (p *plan) deepen(v reflect.Value) {
	for i := range p.fields {
		f := &p.fields[i]
		switch {
		case f.list:
			x := v.FieldByIndex(f.index)
			if n := x.Len(); n > 0 {
				fresh := reflect.MakeSlice(x.Type(), n, n)
				reflect.Copy(fresh, x)
				x.Set(fresh)
				if f.sub != nil && f.sub.deep {
					for j := range n {
						f.sub.deepen(fresh.Index(j))
					}
				}
			}
		case f.pointer:
			x := v.FieldByIndex(f.index)
			if !x.IsNil() {
				fresh := reflect.New(x.Type().Elem())
				fresh.Elem().Set(x.Elem())
				x.Set(fresh)
				if f.sub != nil && f.sub.deep {
					f.sub.deepen(fresh.Elem())
				}
			}
		case f.sub != nil && f.sub.deep:
			f.sub.deepen(v.FieldByIndex(f.index))
		}
	}
	if p.extra != nil {
		x := v.FieldByIndex(p.extra)
		if x.Len() > 0 {
			fresh := reflect.MakeMapWithSize(x.Type(), x.Len())
			for it := x.MapRange(); it.Next(); {
				fresh.SetMapIndex(it.Key(), it.Value())
			}
			x.Set(fresh)
		}
	}
}

// append writes the assigned fields of a struct as members of an object, each
// with a comma before it unless it is the first.
func (p *plan) append(b []byte, v reflect.Value, first bool) []byte {
	for i := range p.fields {
		f := &p.fields[i]
		x := v.FieldByIndex(f.index)
		if f.pointer && x.IsNil() || !f.pointer && !f.list && x.IsZero() || f.list && x.Len() == 0 {
			continue
		}
		mark := len(b)
		if !first {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.name...), '"', ':')
		start := len(b)
		if f.list {
			b = append(b, '[')
			for j := range x.Len() {
				if j > 0 {
					b = append(b, ',')
				}
				b = f.appendOne(b, x.Index(j))
			}
			b = append(b, ']')
		} else {
			if f.pointer {
				x = x.Elem()
			}
			b = f.appendOne(b, x)
			if s := string(b[start:]); s == "{}" || s == `""` || s == "null" {
				b = b[:mark]
				continue
			}
		}
		first = false
	}
	return b
}

func (f *planField) appendOne(b []byte, v reflect.Value) []byte {
	switch {
	case f.time:
		t := v.Interface().(time.Time)
		if t.IsZero() {
			return append(b, "null"...)
		}
		b = append(b, '"')
		b = t.UTC().AppendFormat(b, timeLayout)
		return append(b, '"')
	case f.sub != nil:
		return append(f.sub.append(append(b, '{'), v, true), '}')
	}
	switch f.kind {
	case reflect.String:
		return appendText(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	}
	return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
}

// isPlain reports whether default answers of the type contain every attribute
// that is kept. Of users no store keeps the password.
func (t *resourceType) isPlain() bool {
	user := t.plan.goType == reflect.TypeFor[User]()
	if len(t.ignored) > 0 && !(user && len(t.ignored) == 1 && t.ignored["password"]) || len(t.refused) > 0 {
		return false
	}
	always := func(a *Attribute) bool { return a.Returned != ReturnedOnRequest && a.Returned != ReturnedNever }
	plain := func(attrs []Attribute, but string) bool {
		for i := range attrs {
			a := &attrs[i]
			if a.Name != but && !always(a) || slices.ContainsFunc(a.SubAttributes, func(sub Attribute) bool { return !always(&sub) }) {
				return false
			}
		}
		return true
	}
	for i := range t.extensions {
		if !plain(t.extensions[i].Schema.Attributes, "") {
			return false
		}
	}
	but := ""
	if user {
		but = "password"
	}
	return plain(t.schema.Attributes, but)
}

// fast writes the default answer of a resource without a tree in between. ok
// is false for what needs one. It changes r, which belongs to the handler.
func (c *call) fast(b []byte, t *resourceType, r Resource) (_ []byte, ok bool) {
	base := r.Common()
	if !t.plain || len(base.Extra) > 0 {
		return b, false
	}
	switch r := r.(type) {
	case *User:
		r.Password = ""
		for i := range r.Groups {
			if r.Groups[i].Ref == "" && r.Groups[i].Value != "" {
				r.Groups[i].Ref = c.refer("Group", r.Groups[i].Value)
			}
		}
		if r.Enterprise != nil {
			if m := r.Enterprise.Manager; m != nil && m.Ref == "" && m.Value != "" {
				m.Ref = c.refer("User", m.Value)
			}
		}
	case *Group:
		for i := range r.Members {
			m := &r.Members[i]
			kind := m.Type
			if kind == "" {
				kind = "User"
			}
			if m.Ref == "" && m.Value != "" {
				m.Ref = c.refer(kind, m.Value)
			}
		}
	default:
		return b, false
	}
	meta := base.Meta
	base.Meta.ResourceType, base.Meta.Location = t.name, c.location(t, base.ID)
	if meta.Version != "" {
		base.Meta.Version = etag(meta.Version)
	}
	v := reflect.ValueOf(r).Elem()
	b = append(append(append(b, `{"schemas":["`...), t.schema.ID...), '"')
	for i := range t.extensions {
		if f := t.plan.field(t.extensions[i].Schema.ID); f != nil {
			if x := v.FieldByIndex(f.index); f.pointer && !x.IsNil() && len(f.sub.append(nil, x.Elem(), true)) > 0 {
				b = append(append(append(b, `,"`...), t.extensions[i].Schema.ID...), '"')
			}
		}
	}
	b = t.plan.append(append(b, ']'), v, false)
	base.Meta = meta
	return append(b, '}'), true
}

func (c *call) refer(kind, id string) string {
	for _, t := range c.h.types {
		if t.name == kind {
			return c.location(t, id)
		}
	}
	return ""
}
