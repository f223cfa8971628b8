// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"strings"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// syncAttribute is an attribute of users that a source can decide on. Passwords
// and what the server makes are none.
type syncAttribute struct {
	path    string
	keys    []string // names from the resource to the value
	fold    bool     // case does not matter
	active  bool     // absent is true
	values  bool     // multi-valued
	ref     bool     // a person, whose id is the source's in one and the target's in the other
	notAWS  bool     // IAM Identity Center has no such attribute
	must    bool     // cannot be removed
	awsMust bool     // nor with AWS
}

func plainAttribute(path string) *syncAttribute {
	return &syncAttribute{path: path, keys: strings.Split(path, ".")}
}

const managerPath = EnterpriseURN + ":manager"

var syncAttributes = makeSyncAttributes()

func makeSyncAttributes() []*syncAttribute {
	var out []*syncAttribute
	for _, path := range []string{
		"externalId", "userName", "displayName", "name.formatted", "name.familyName", "name.givenName", "name.middleName", "name.honorificPrefix", "name.honorificSuffix",
		"nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "active",
	} {
		out = append(out, plainAttribute(path))
	}
	for _, path := range []string{"emails", "phoneNumbers", "addresses", "ims", "photos", "entitlements", "roles", "x509Certificates"} {
		a := plainAttribute(path)
		a.values = true
		out = append(out, a)
	}
	for _, name := range []string{"employeeNumber", "costCenter", "organization", "division", "department"} {
		out = append(out, &syncAttribute{path: EnterpriseURN + ":" + name, keys: []string{EnterpriseURN, name}})
	}
	out = append(out, &syncAttribute{path: managerPath, keys: []string{EnterpriseURN, "manager"}, ref: true})
	for _, a := range out {
		switch a.path {
		case "userName":
			a.fold, a.must = true, true // caseExact is false (RFC 7643 section 4.1.1)
		case "externalId":
			a.must = true
		case "active":
			a.active, a.must = true, true
		case "displayName", "name.familyName", "name.givenName":
			a.awsMust = true
		case "ims", "photos", "entitlements", "x509Certificates":
			a.notAWS = true
		}
	}
	return out
}

// SyncAttributes are the paths of all attributes of users that a [Sync]
// compares. The manager is a person of the source: the target is told its own
// id for them.
func SyncAttributes() []string {
	out := make([]string, len(syncAttributes))
	for i, a := range syncAttributes {
		out[i] = a.path
	}
	return out
}

func findSyncAttribute(path string) *syncAttribute {
	for _, a := range syncAttributes {
		if strings.EqualFold(a.path, path) {
			return a
		}
	}
	return nil
}

// of returns the value in a user, nil if there is none.
func (a *syncAttribute) of(o *object) any {
	v := o.get(a.keys[0])
	for _, key := range a.keys[1:] {
		sub, _ := v.(*object)
		v = sub.get(key)
	}
	if emptyValue(v) {
		if a.active {
			return true
		}
		return nil
	}
	if a.active && v == false {
		return false
	}
	return v
}

// put sets the value.
func (a *syncAttribute) put(o *object, v any) {
	for _, key := range a.keys[:len(a.keys)-1] {
		sub, _ := o.get(key).(*object)
		if sub == nil {
			if v == nil {
				return
			}
			sub = &object{}
			o.set(key, sub)
		}
		o = sub
	}
	o.set(a.keys[len(a.keys)-1], v)
}

// agrees reports that the target need not change.
func (a *syncAttribute) agrees(want, have any) bool {
	if a.values {
		w, _ := want.([]any)
		h, _ := have.([]any)
		return sameValues(w, h)
	}
	if a.ref {
		w, _ := want.(*object)
		h, _ := have.(*object)
		return w.text("value") == h.text("value")
	}
	if a.fold {
		w, _ := want.(string)
		h, _ := have.(string)
		return filter.Fold(w) == filter.Fold(h)
	}
	return same(want, have)
}

// sameValues reports that the target has these values and no others, whatever
// the order. What a server adds to a value, such as a type, is no difference.
func sameValues(want, have []any) bool {
	if len(want) != len(have) {
		return false
	}
	// Values are looked up by their text, so that a long list costs no square.
	at := make(map[string][]*object, len(have))
	for _, e := range have {
		o, _ := e.(*object)
		if o == nil {
			return false
		}
		at[valueText(o)] = append(at[valueText(o)], o)
	}
	for _, e := range want {
		w, _ := e.(*object)
		if w == nil {
			return false
		}
		key, found := valueText(w), false
		for i, h := range at[key][:min(len(at[key]), 64)] {
			if covers(w, h) {
				at[key] = append(at[key][:i], at[key][i+1:]...)
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func valueText(o *object) string {
	if s := o.text("value"); s != "" {
		return s
	}
	return o.text("streetAddress")
}

func covers(want, have *object) bool {
	for _, f := range want.fields {
		switch {
		case emptyValue(f.value) || f.value == false:
			if sameName(f.name, "primary") && have.get("primary") == true {
				return false
			}
		case sameName(f.name, "$ref"), sameName(f.name, "display"):
		case !same(f.value, have.get(f.name)):
			return false
		}
	}
	return true
}

// shapeForAWS makes a user what IAM Identity Center takes: one value of each
// multi-valued attribute, the email primary, no display names of values. It
// returns what is missing.
func shapeForAWS(o *object) (missing string) {
	for _, a := range syncAttributes {
		switch v := a.of(o); {
		case a.notAWS:
			a.put(o, nil)
		case (a.awsMust || a.path == "userName") && v == nil:
			return a.path
		case a.values && v != nil:
			list, _ := v.([]any)
			if len(list) == 0 {
				continue
			}
			pick := list[0]
			for _, e := range list {
				if isPrimary(e) {
					pick = e
				}
			}
			one, ok := pick.(*object)
			if !ok {
				continue
			}
			one = one.clone()
			one.set("display", nil)
			if a.path == "emails" {
				one.set("primary", true)
			}
			a.put(o, []any{one})
		}
	}
	return ""
}
