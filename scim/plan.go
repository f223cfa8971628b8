// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// plan is how a struct and an object turn into each other.
type plan struct {
	goType reflect.Type
	fields []planField
	byName map[string]int // by lower case
	extra  []int          // index of Base.Extra
	deep   bool           // has fields that a copy of the struct shares
}

type planField struct {
	name    string
	index   []int
	kind    reflect.Kind // String, Bool, Int64, Float64, Struct
	time    bool
	pointer bool
	list    bool
	sub     *plan
}

var plans sync.Map // reflect.Type -> *plan

var timeType = reflect.TypeFor[time.Time]()

func planOf(t reflect.Type) (*plan, error) {
	if p, ok := plans.Load(t); ok {
		return p.(*plan), nil
	}
	p, err := makePlan(t, 0)
	if err != nil {
		return nil, err
	}
	plans.Store(t, p)
	return p, nil
}

func makePlan(t reflect.Type, depth int) (*plan, error) {
	if t.Kind() != reflect.Struct || depth > 3 {
		return nil, fmt.Errorf("scim: %s is no struct, or nested too deeply", t)
	}
	p := &plan{goType: t, byName: map[string]int{}}
	for _, f := range reflect.VisibleFields(t) {
		if f.Name == "Extra" && f.Type == reflect.TypeFor[map[string]json.RawMessage]() {
			p.extra = f.Index
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "" || name == "-" {
			continue
		}
		pf, err := makeField(name, f, depth)
		if err != nil {
			return nil, err
		}
		if _, ok := p.byName[strings.ToLower(name)]; ok {
			return nil, fmt.Errorf("scim: %s has two fields for %q", t, name)
		}
		p.byName[strings.ToLower(name)] = len(p.fields)
		p.byName[name] = len(p.fields)
		p.deep = p.deep || pf.list || pf.pointer || pf.sub != nil && pf.sub.deep
		p.fields = append(p.fields, pf)
	}
	return p, nil
}

func makeField(name string, f reflect.StructField, depth int) (planField, error) {
	pf := planField{name: name, index: f.Index}
	t := f.Type
	if t.Kind() == reflect.Slice {
		pf.list, t = true, t.Elem()
	} else if t.Kind() == reflect.Pointer {
		pf.pointer, t = true, t.Elem()
	}
	switch {
	case t == timeType:
		pf.time = true
		pf.kind = reflect.Struct
	case t.Kind() == reflect.Struct:
		sub, err := makePlan(t, depth+1)
		if err != nil {
			return pf, err
		}
		pf.sub, pf.kind = sub, reflect.Struct
	case t.Kind() == reflect.String, t.Kind() == reflect.Bool, t.Kind() == reflect.Int64, t.Kind() == reflect.Float64:
		pf.kind = t.Kind()
	case t.Kind() == reflect.Int:
		pf.kind = reflect.Int64
	default:
		return pf, fmt.Errorf("scim: field %s: a %s cannot hold an attribute", f.Name, f.Type)
	}
	return pf, nil
}

func (p *plan) field(name string) *planField {
	for i := range p.fields {
		if sameName(p.fields[i].name, name) {
			return &p.fields[i]
		}
	}
	return nil
}

// fits reports whether the field can hold values of the attribute.
func (f *planField) fits(a *Attribute) bool {
	if f.list != a.MultiValued {
		return false
	}
	switch a.Type {
	case Boolean:
		return f.kind == reflect.Bool
	case Integer:
		return f.kind == reflect.Int64
	case Decimal:
		return f.kind == reflect.Float64
	case DateTime:
		return f.time || f.kind == reflect.String
	case Complex:
		if f.sub == nil {
			return false
		}
		for i := range a.SubAttributes {
			sub := f.sub.field(a.SubAttributes[i].Name)
			if sub == nil || !sub.fits(&a.SubAttributes[i]) {
				return false
			}
		}
		return true
	}
	return f.kind == reflect.String
}

// encode turns a struct into an object; unassigned values are left out.
func (p *plan) encode(v reflect.Value) *object {
	o := &object{fields: make([]field, 0, len(p.fields))}
	for i := range p.fields {
		f := &p.fields[i]
		if x := f.encode(v.FieldByIndex(f.index)); x != nil {
			o.fields = append(o.fields, field{f.name, x})
		}
	}
	if p.extra == nil {
		return o
	}
	extra := v.FieldByIndex(p.extra).Interface().(map[string]json.RawMessage)
	if len(extra) == 0 {
		return o
	}
	names := make([]string, 0, len(extra))
	for name := range extra {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if x, err := parseJSON(extra[name], storedLimits); err == nil && o.index(name) < 0 && !emptyValue(x) {
			o.add(name, x)
		}
	}
	return o
}

// storedLimits are for JSON that was accepted before.
var storedLimits = Limits{Depth: 64, Values: 1 << 30, Text: 1 << 30}

func (f *planField) encode(v reflect.Value) any {
	if f.list {
		if v.Len() == 0 {
			return nil
		}
		out := make([]any, 0, v.Len())
		for i := range v.Len() {
			if x := f.encodeOne(v.Index(i)); !emptyValue(x) {
				out = append(out, x)
			}
		}
		return out
	}
	if f.pointer {
		if v.IsNil() {
			return nil
		}
		x := f.encodeOne(v.Elem())
		if emptyValue(x) {
			return nil
		}
		return x
	}
	if v.IsZero() {
		return nil
	}
	x := f.encodeOne(v)
	if emptyValue(x) {
		return nil
	}
	return x
}

func (f *planField) encodeOne(v reflect.Value) any {
	switch {
	case f.time:
		t := v.Interface().(time.Time)
		if t.IsZero() {
			return nil
		}
		return formatTime(t)
	case f.sub != nil:
		return f.sub.encode(v)
	}
	switch f.kind {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int64:
		return number(strconv.FormatInt(v.Int(), 10))
	}
	return number(strconv.FormatFloat(v.Float(), 'g', -1, 64))
}

const timeLayout = "2006-01-02T15:04:05.999999999Z07:00"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// decode fills a struct from an object whose values have the right types;
// others are left out. Names that the struct lacks go to Extra.
func (p *plan) decode(o *object, v reflect.Value) {
	var extra map[string]json.RawMessage
	for _, f := range o.fields {
		i, ok := p.byName[f.name]
		if !ok {
			i, ok = p.byName[strings.ToLower(f.name)]
		}
		if !ok {
			if p.extra != nil && !strings.EqualFold(f.name, "schemas") {
				if extra == nil {
					extra = map[string]json.RawMessage{}
				}
				extra[f.name] = appendJSON(nil, f.value)
			}
			continue
		}
		pf := &p.fields[i]
		pf.decode(f.value, v.FieldByIndex(pf.index))
	}
	if extra != nil {
		v.FieldByIndex(p.extra).Set(reflect.ValueOf(extra))
	}
}

func (f *planField) decode(x any, v reflect.Value) {
	switch {
	case x == nil:
	case f.list:
		list, ok := x.([]any)
		if !ok {
			list = []any{x}
		}
		out := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i := range list {
			f.decodeOne(list[i], out.Index(i))
		}
		v.Set(out)
	case f.pointer:
		n := reflect.New(v.Type().Elem())
		f.decodeOne(x, n.Elem())
		v.Set(n)
	default:
		f.decodeOne(x, v)
	}
}

func (f *planField) decodeOne(x any, v reflect.Value) {
	switch x := x.(type) {
	case string:
		if f.time {
			if t, err := time.Parse(time.RFC3339, x); err == nil {
				v.Set(reflect.ValueOf(t.UTC()))
			}
		} else if f.kind == reflect.String {
			v.SetString(x)
		}
	case bool:
		if f.kind == reflect.Bool {
			v.SetBool(x)
		}
	case number:
		switch f.kind {
		case reflect.Int64:
			if n, err := strconv.ParseInt(string(x), 10, 64); err == nil {
				v.SetInt(n)
			}
		case reflect.Float64:
			if n, err := strconv.ParseFloat(string(x), 64); err == nil {
				v.SetFloat(n)
			}
		}
	case *object:
		if f.sub != nil {
			f.sub.decode(x, v)
		}
	}
}

// object is the resource as an object.
func (t *resourceType) object(r Resource) *object { return t.plan.encode(reflect.ValueOf(r).Elem()) }

// resource is the object as a resource.
func (t *resourceType) resource(o *object) Resource {
	v := reflect.New(t.plan.goType)
	t.plan.decode(o, v.Elem())
	return v.Interface().(Resource)
}
