// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim/filter"
	"github.com/gatehouse-id/gatehouse/scim/patch"
)

// apply changes o by the operations, in order. o is the caller's to change,
// also when an error is returned.
func (w *writer) apply(o *object, ops []operation) error {
	before := o.clone()
	removing := false
	for _, op := range ops {
		removing = removing || op.kind == patch.Remove
		if err := w.applyOp(o, op); err != nil {
			return err
		}
	}
	return w.complete(o, before, removing)
}

func (w *writer) applyOp(o *object, op operation) error {
	if op.target == nil {
		return w.applyObject(o, op.kind, op.value.(*object))
	}
	to := *op.target
	if to.attr == nil {
		return w.applyExtension(o, op, to.ext)
	}
	container := o
	if to.ext != nil {
		ext, ok := o.get(to.ext.ID).(*object)
		if !ok {
			ext = &object{}
		}
		container = ext
		defer func() {
			if len(ext.fields) == 0 {
				o.set(to.ext.ID, nil)
			} else {
				o.set(to.ext.ID, ext)
			}
		}()
	}
	switch {
	case op.within != nil:
		return w.applyElements(container, op)
	case to.sub != nil:
		return w.applySub(container, op)
	}
	return w.applyAttribute(container, op.kind, to.attr, op.value, op.where)
}

// applyObject adds or replaces the attributes of a value without a path.
func (w *writer) applyObject(o *object, kind patch.Kind, in *object) error {
	for _, f := range in.fields {
		if strings.EqualFold(f.name, "schemas") {
			continue
		}
		if e := w.t.extension(f.name); e != nil {
			if err := w.applyExtension(o, operation{kind: kind, where: e.ID, value: f.value}, e); err != nil {
				return err
			}
			continue
		}
		if a := w.named(f.name); a != nil {
			if a.Mutability == ReadOnly {
				if w.q.ignoreReadOnly {
					continue
				}
				return refuse(CheckMutability, a.Name+" is readOnly")
			}
			if err := w.applyAttribute(o, kind, a, f.value, a.Name); err != nil {
				return err
			}
			continue
		}
		if err := w.applyKey(o, kind, f); err != nil {
			return err
		}
	}
	return nil
}

// applyKey takes a key that is no attribute name for a path, where the profile
// has such keys.
func (w *writer) applyKey(o *object, kind patch.Kind, f field) error {
	if w.q.flatKeys && strings.ContainsAny(f.name, ".:[") {
		op := operation{kind: kind, value: f.value}
		if p, err := patch.ParsePath(f.name); err == nil {
			if _, ok := w.t.resolve(p.Attr); ok {
				if skip, err := w.readPath(&op, f.name, Limits{}); err != nil || skip {
					return err
				}
				return w.applyOp(o, op)
			}
		}
	}
	if f.value == nil {
		o.set(f.name, nil)
		return nil
	}
	return w.unknownName(o, f.name, f.value)
}

func (w *writer) applyExtension(o *object, op operation, e *Schema) error {
	if op.kind == patch.Remove || op.value == nil {
		o.set(e.ID, nil)
		return nil
	}
	in, ok := op.value.(*object)
	if !ok {
		return badValue(e.ID, "an object is expected")
	}
	ext, ok := o.get(e.ID).(*object)
	if !ok {
		ext = &object{}
	}
	for _, f := range in.fields {
		a := find(e.Attributes, f.name)
		if a == nil {
			if err := w.unknownName(ext, e.ID+":"+f.name, nil); err != nil {
				return err
			}
			continue
		}
		if a.Mutability == ReadOnly {
			if w.q.ignoreReadOnly {
				continue
			}
			return refuse(CheckMutability, e.ID+":"+a.Name+" is readOnly")
		}
		if err := w.applyAttribute(ext, op.kind, a, f.value, e.ID+":"+a.Name); err != nil {
			return err
		}
	}
	if len(ext.fields) > 0 {
		o.set(e.ID, ext)
	} else {
		o.set(e.ID, nil)
	}
	return nil
}

// applyAttribute changes a whole attribute.
func (w *writer) applyAttribute(o *object, kind patch.Kind, a *Attribute, v any, where string) error {
	if kind == patch.Remove {
		if v != nil && a.MultiValued {
			return w.removeValues(o, a, v, where)
		}
		o.set(a.Name, nil)
		return nil
	}
	v, err := w.value(a, v, where)
	if err != nil {
		return err
	}
	switch {
	case a.MultiValued && kind == patch.Add:
		if list, ok := v.([]any); ok {
			return addValues(o, a, list)
		}
		return nil
	case a.MultiValued:
		o.set(a.Name, v)
	case a.Type == Complex && v != nil:
		merge(o, a, v.(*object)) // RFC 7644 section 3.5.2.3: what is not named is unchanged
	case kind == patch.Replace || v != nil:
		o.set(a.Name, v)
	}
	return nil
}

func merge(o *object, a *Attribute, v *object) {
	now, ok := o.get(a.Name).(*object)
	if !ok {
		o.set(a.Name, v)
		return
	}
	for _, f := range v.fields {
		now.set(f.name, f.value)
	}
}

// addValues appends what is not there yet. A new primary takes the place of
// the old one (RFC 7644 section 3.5.2).
func addValues(o *object, a *Attribute, list []any) error {
	now, _ := o.get(a.Name).([]any)
	at := make(map[string]int, len(now))
	for i, e := range now {
		at[addKey(a, e)] = i
	}
	primary := -1
	for _, e := range list {
		i, there := at[addKey(a, e)]
		if !there {
			i = len(now)
			now = append(now, e)
			at[addKey(a, e)] = i
		}
		if isPrimary(e) {
			now[i], primary = e, i
		}
	}
	o.set(a.Name, now)
	if primary >= 0 {
		onePrimary(now, primary)
	}
	return nil
}

// addKey is equal for values that are not added twice: primary does not make
// another value.
func addKey(a *Attribute, e any) string {
	o, ok := e.(*object)
	if !ok || a.Name == "members" || o.get("primary") == nil {
		return elementKey(a, e)
	}
	o = o.clone()
	o.set("primary", nil)
	return elementKey(a, o)
}

func onePrimary(list []any, keep int) {
	for i, e := range list {
		if o, ok := e.(*object); ok && i != keep && isPrimary(e) {
			o.set("primary", nil)
		}
	}
}

// removeValues removes the elements that a value lists, which is how Entra ID
// removes members.
func (w *writer) removeValues(o *object, a *Attribute, v any, where string) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	gone := make(map[string]bool, len(list))
	for _, e := range list {
		x, err := w.single(a, e, where)
		if err != nil {
			return err
		}
		if x != nil {
			gone[valueKey(x)] = true
		}
	}
	now, _ := o.get(a.Name).([]any)
	now = slices.DeleteFunc(now, func(e any) bool { return gone[valueKey(e)] })
	if len(now) == 0 {
		o.set(a.Name, nil)
	} else {
		o.set(a.Name, now)
	}
	return nil
}

func valueKey(e any) string {
	if o, ok := e.(*object); ok {
		return o.text("value")
	}
	return string(appendJSON(nil, e))
}

// applySub changes a sub-attribute: of a singular attribute, or of all
// elements.
func (w *writer) applySub(o *object, op operation) error {
	a, sub := op.target.attr, op.target.sub
	if a.MultiValued {
		list, _ := o.get(a.Name).([]any)
		if len(list) == 0 {
			return w.missing(op)
		}
		return w.changeElements(o, op, list, func(*object) bool { return true })
	}
	v, err := w.value(sub, op.value, op.where)
	if err != nil {
		return err
	}
	if op.kind == patch.Remove {
		v = nil
	}
	parent, ok := o.get(a.Name).(*object)
	if !ok {
		parent = &object{}
	}
	parent.set(sub.Name, v)
	if len(parent.fields) == 0 {
		o.set(a.Name, nil)
	} else {
		o.set(a.Name, parent)
	}
	return nil
}

func (w *writer) missing(op operation) error {
	if op.kind == patch.Remove && w.q.missingTarget {
		return nil
	}
	return refuse(CheckNoTarget, "the path "+op.where+" selects nothing")
}

// applyElements changes the elements that a value filter selects.
func (w *writer) applyElements(o *object, op operation) error {
	a := op.target.attr
	list, _ := o.get(a.Name).([]any)
	matches := func(e *object) bool { return filter.Match(op.within, element{a, e}) }
	if !slices.ContainsFunc(elements(list), matches) {
		if op.kind == patch.Remove || !w.q.createByFilter || emptyValue(op.value) {
			return w.missing(op)
		}
		e := &object{}
		if !pinned(a, op.within, e) {
			return w.missing(op)
		}
		list = append(list, e)
		matches = func(x *object) bool { return x == e }
	}
	return w.changeElements(o, op, list, matches)
}

// pinned sets the sub-attributes that a filter of equalities asks for.
func pinned(a *Attribute, e filter.Expr, o *object) bool {
	switch e := e.(type) {
	case *filter.And:
		for _, t := range e.Terms {
			if !pinned(a, t, o) {
				return false
			}
		}
		return true
	case *filter.Compare:
		if e.Op != filter.Eq || a.sub(e.Path.Name) == nil {
			return false
		}
		switch e.Value.Kind {
		case filter.Text:
			o.set(e.Path.Name, e.Value.Text)
		case filter.Bool:
			if e.Value.Bool {
				o.set(e.Path.Name, true)
			}
		default:
			return false
		}
		return true
	}
	return false
}

// changeElements applies the operation to the elements that match.
func (w *writer) changeElements(o *object, op operation, list []any, matches func(*object) bool) error {
	a, sub := op.target.attr, op.target.sub
	out := make([]any, 0, len(list))
	primary := -1
	for _, e := range list {
		x, ok := e.(*object)
		if !ok || !matches(x) {
			out = append(out, e)
			continue
		}
		x, err := w.changeElement(a, sub, op, x)
		if err != nil {
			return err
		}
		if x != nil && len(x.fields) > 0 {
			if isPrimary(x) {
				primary = len(out)
			}
			out = append(out, x)
		}
	}
	if primary >= 0 {
		onePrimary(out, primary)
	}
	if len(out) == 0 {
		o.set(a.Name, nil)
	} else {
		o.set(a.Name, out)
	}
	return nil
}

func (w *writer) changeElement(a, sub *Attribute, op operation, e *object) (*object, error) {
	if op.kind == patch.Remove && sub == nil {
		return nil, nil
	}
	if sub != nil {
		var v any
		if op.kind != patch.Remove {
			var err error
			if v, err = w.value(sub, op.value, op.where); err != nil {
				return nil, err
			}
		}
		if sub.Required && v == nil {
			return nil, refuse(CheckMutability, op.where+" is required")
		}
		if old := e.get(sub.Name); sub.Mutability == Immutable && old != nil && !same(old, v) {
			return nil, refuse(CheckMutability, op.where+" cannot be changed")
		}
		e = e.clone()
		e.set(sub.Name, v)
		return e, nil
	}
	value := op.value
	if list, ok := value.([]any); ok && len(list) == 1 && w.q.loneValues {
		value = list[0]
	}
	if op.kind == patch.Add {
		// The new values stand beside those that are there already.
		in, ok := value.(*object)
		if !ok {
			return nil, badValue(op.where, "an object is expected")
		}
		value = overlay(e, in)
	} else if in, ok := value.(*object); ok {
		// The element stays what the filter selected it by.
		base := &object{}
		if pinned(a, op.within, base) {
			value = overlay(base, in)
		}
	}
	v, err := w.single(a, value, op.where)
	if err != nil || v == nil {
		return nil, err
	}
	return v.(*object), nil
}

func overlay(base, in *object) *object {
	out := base.clone()
	for _, f := range in.fields {
		if i := out.index(f.name); i >= 0 {
			out.fields[i].value = f.value
		} else {
			out.add(f.name, f.value)
		}
	}
	return out
}
