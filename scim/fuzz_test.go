// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,true,null,"x\u00e9\ud83d\ude00"],"b":{}}`, `[[[[`, `"\ud800"`, `{"a":1,"A":2}`, `-0`, `1e999`, ` {} `, `{"a"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parseJSON(b, Limits{}.withDefaults())
		if err != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("%q is no JSON", b)
		}
		out := appendJSON(nil, v)
		again, err := parseJSON(out, storedLimits)
		if err != nil || !same(v, again) {
			t.Fatalf("%q becomes %q, %v", b, out, err)
		}
		if !json.Valid(out) {
			t.Fatalf("%q is written as %q, which is no JSON", b, out)
		}
	})
}

// What a PATCH accepts is a resource that is read back as it is, keeps what is
// readOnly, and has one primary.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"Operations":[{"op":"add","path":"emails","value":[{"value":"x","primary":true}]}]}`,
		`{"Operations":[{"op":"Replace","value":{"name.givenName":"x","active":"False"}}]}`,
		`{"Operations":[{"op":"remove","path":"emails[type eq \"work\"].value"}]}`,
		`{"Operations":[{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":[{"value":"m"}]}]}`,
		`{"Operations":[{"op":"add","path":"addresses[type eq \"work\"].country","value":"NL"}]}`,
	} {
		for _, auto := range []bool{true, false} {
			f.Add([]byte(s), auto)
		}
	}
	const start = `{"id":"1","userName":"anna","active":true,"name":{"givenName":"A"},"emails":[{"value":"a@x","type":"work","primary":true},{"value":"b@x"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`
	limits := Limits{}.withDefaults()
	f.Fuzz(func(t *testing.T, b []byte, auto bool) {
		v, err := parseJSON(b, limits)
		if err != nil {
			return
		}
		w := &writer{t: userType()}
		if auto {
			w.q, _ = Auto.quirks()
		}
		ops, err := w.readPatch(v, limits)
		if err != nil {
			return
		}
		parsed, err := parseJSON([]byte(start), limits)
		if err != nil {
			t.Fatal(err)
		}
		o := parsed.(*object)
		if err := w.apply(o, ops); err != nil {
			if asError(err).Check == CheckInternal {
				t.Fatal(err)
			}
			return
		}
		if o.text("id") != "1" || emptyValue(o.get("userName")) {
			t.Fatalf("%s makes %s", b, appendJSON(nil, o))
		}
		r := userType().resource(o)
		back := userType().object(r)
		if again := userType().resource(back); !reflect.DeepEqual(r, again) {
			t.Fatalf("%s: %s is not what is stored: %s", b, appendJSON(nil, o), appendJSON(nil, back))
		}
		primaries := 0
		for _, e := range elements(back.get("emails")) {
			if isPrimary(e) {
				primaries++
			}
		}
		if primaries > 1 {
			t.Fatalf("%s makes two primaries", b)
		}
	})
}

// A bound filter is evaluated without panic, and never over what is secret.
func FuzzBind(f *testing.F) {
	for _, s := range []string{`userName eq "x"`, `emails[primary eq "True"]`, `meta.created gt "2020-01-01T00:00:00Z"`, `manager eq "x"`, `password pr`, `schemas eq "x"`} {
		f.Add(s)
	}
	u := &User{UserName: "anna", Emails: []Value{{Value: "x"}}, Password: "secret"}
	o := userType().object(u)
	q, _ := Auto.quirks()
	f.Fuzz(func(t *testing.T, s string) {
		e, err := filter.Parse(s)
		if err != nil {
			return
		}
		bound, err := binder{t: userType(), q: q}.bind(e)
		if err != nil {
			return
		}
		filter.Match(bound, source{userType(), o})
	})
}
