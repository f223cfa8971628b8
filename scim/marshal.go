// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"reflect"
	"sync"
)

var (
	userType  = sync.OnceValue(func() *resourceType { return must(newResourceType(UserType(), reflect.TypeFor[User]())) })
	groupType = sync.OnceValue(func() *resourceType { return must(newResourceType(GroupType(), reflect.TypeFor[Group]())) })
)

// MarshalJSON writes the user as a client sends it: with schemas, without
// what is unassigned.
func (u User) MarshalJSON() ([]byte, error) { return userType().marshal(&u), nil }

// UnmarshalJSON reads a user leniently: names in any case, values of the wrong
// type left out, unknown attributes kept in Extra.
func (u *User) UnmarshalJSON(b []byte) error {
	r, err := userType().unmarshal(b)
	if err != nil {
		return err
	}
	*u = *r.(*User)
	return nil
}

// MarshalJSON writes the group as a client sends it: with schemas, without
// what is unassigned.
func (g Group) MarshalJSON() ([]byte, error) { return groupType().marshal(&g), nil }

// UnmarshalJSON reads a group leniently, as [User.UnmarshalJSON] does.
func (g *Group) UnmarshalJSON(b []byte) error {
	r, err := groupType().unmarshal(b)
	if err != nil {
		return err
	}
	*g = *r.(*Group)
	return nil
}

func (t *resourceType) marshal(r Resource) []byte {
	o := t.object(r)
	out := &object{fields: make([]field, 0, len(o.fields)+1)}
	out.add("schemas", t.schemasOf(o))
	for _, f := range o.fields {
		if f.name != "schemas" {
			out.fields = append(out.fields, f)
		}
	}
	return appendJSON(nil, out)
}

// lenient bounds what is read from a server.
var lenient = Limits{Depth: 32, Values: 10_000_000, Text: 16 << 20}

func (t *resourceType) unmarshal(b []byte) (Resource, error) {
	v, err := parseJSON(b, lenient)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*object)
	if !ok {
		return nil, refuse(CheckInvalidSyntax, "a JSON object is expected")
	}
	if e := o.get("active"); e != nil {
		// Some servers answer with text.
		if v, err := (&writer{t: t, q: quirks{textBooleans: true}}).value(&Attribute{Type: Boolean}, e, "active"); err == nil {
			o.set("active", v)
		}
	}
	return t.resource(o), nil
}
