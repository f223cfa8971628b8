// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import "slices"

// object is a JSON object in its order. Values are string, bool, number,
// *object, []any or nil.
type object struct{ fields []field }

type field struct {
	name  string
	value any
}

// number is the digits of a JSON number.
type number string

func (o *object) index(name string) int {
	for i := range o.fields {
		if sameName(o.fields[i].name, name) {
			return i
		}
	}
	return -1
}

// get returns the value of an attribute, whatever its case, or nil.
func (o *object) get(name string) any {
	if o == nil {
		return nil
	}
	if i := o.index(name); i >= 0 {
		return o.fields[i].value
	}
	return nil
}

func (o *object) text(name string) string {
	s, _ := o.get(name).(string)
	return s
}

// set replaces or appends; a nil value removes.
func (o *object) set(name string, v any) {
	i := o.index(name)
	switch {
	case v == nil && i >= 0:
		o.fields = slices.Delete(o.fields, i, i+1)
	case v == nil:
	case i >= 0:
		o.fields[i].value = v
	default:
		o.fields = append(o.fields, field{name, v})
	}
}

func (o *object) add(name string, v any) { o.fields = append(o.fields, field{name, v}) }

// clone copies deeply.
func clone(v any) any {
	switch v := v.(type) {
	case *object:
		return v.clone()
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clone(v[i])
		}
		return out
	}
	return v
}

func (o *object) clone() *object {
	out := &object{fields: make([]field, len(o.fields))}
	for i, f := range o.fields {
		out.fields[i] = field{f.name, clone(f.value)}
	}
	return out
}

// same reports deep equality; the order of keys does not matter, that of list
// elements does.
func same(a, b any) bool {
	switch a := a.(type) {
	case *object:
		b, ok := b.(*object)
		if !ok || len(a.fields) != len(b.fields) {
			return false
		}
		for i, f := range a.fields {
			if i < len(b.fields) && b.fields[i].name == f.name {
				if !same(f.value, b.fields[i].value) {
					return false
				}
				continue
			}
			j := b.index(f.name)
			if j < 0 || !same(f.value, b.fields[j].value) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case nil:
		return b == nil
	}
	switch b.(type) {
	case *object, []any:
		return false
	}
	return a == b
}

// emptyValue reports what RFC 7643 section 2.5 calls unassigned.
func emptyValue(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case *object:
		return len(v.fields) == 0
	}
	return false
}
