// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"errors"
	"strconv"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim/filter"
	"github.com/gatehouse-id/gatehouse/scim/patch"
)

// operation is one resolved operation of a PATCH request.
type operation struct {
	kind   patch.Kind
	where  string // for messages
	target *target
	within filter.Expr // bound to the elements of target.attr
	value  any
}

// readPatch reads the body of a PATCH request (RFC 7644 section 3.5.2).
func (w *writer) readPatch(body any, l Limits) ([]operation, error) {
	in, ok := body.(*object)
	if !ok {
		return nil, refuse(CheckInvalidSyntax, "a PatchOp message is expected")
	}
	if !hasSchema(in, PatchOpURN) && !(w.q.anyMediaType && in.get("schemas") == nil) {
		return nil, refuse(CheckInvalidSyntax, "schemas must contain "+PatchOpURN)
	}
	list, ok := in.get("Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, refuse(CheckInvalidSyntax, "Operations must be a list and not empty")
	}
	if len(list) > l.Operations {
		return nil, refuse(CheckTooLarge, "more than "+strconv.Itoa(l.Operations)+" operations")
	}
	ops := make([]operation, 0, len(list))
	for _, v := range list {
		op, skip, err := w.readOp(v, l)
		if err != nil {
			return nil, err
		}
		if !skip {
			ops = append(ops, op)
		}
	}
	return ops, nil
}

func hasSchema(in *object, urn string) bool {
	list, _ := in.get("schemas").([]any)
	for _, v := range list {
		if s, ok := v.(string); ok && strings.EqualFold(s, urn) {
			return true
		}
	}
	return false
}

func (w *writer) readOp(v any, l Limits) (op operation, skip bool, err error) {
	in, ok := v.(*object)
	if !ok {
		return op, false, refuse(CheckInvalidSyntax, "an operation is an object")
	}
	name, _ := in.get("op").(string)
	if w.q.opCase {
		name = strings.ToLower(name)
	}
	switch op.kind = patch.Kind(name); op.kind {
	case patch.Add, patch.Remove, patch.Replace:
	default:
		return op, false, refuse(CheckInvalidSyntax, "op is add, remove or replace, not "+strconv.Quote(clip(name)))
	}
	op.value = in.get("value")
	switch path := in.get("path").(type) {
	case nil:
	case string:
		if path != "" || !w.q.anyMediaType {
			if skip, err = w.readPath(&op, path, l); err != nil || skip {
				return op, skip, err
			}
		}
	default:
		return op, false, refuse(CheckInvalidPath, "a path is text")
	}
	return op, false, w.checkOp(&op)
}

func (w *writer) readPath(op *operation, s string, l Limits) (skip bool, err error) {
	op.where = clip(s)
	p, err := patch.ParsePathWithin(s, filter.Limits{Length: l.Filter})
	if err != nil {
		var syntax *filter.SyntaxError
		reason := ""
		if errors.As(err, &syntax) {
			reason = ": " + syntax.Reason
		}
		return false, &Error{Check: CheckInvalidPath, Public: "the path " + clip(s) + " cannot be read" + reason, Err: err}
	}
	attr := p.Attr
	if p.Sub != "" {
		attr.Sub = p.Sub
	}
	to, ok := w.t.resolve(attr)
	if !ok {
		key := strings.ToLower(strings.TrimPrefix(filter.Fold(attr.String()), filter.Fold(w.t.schema.ID)+":"))
		name, _, _ := strings.Cut(key, ".")
		switch {
		case w.t.ignored[key], w.t.ignored[name], w.unknown == IgnoreUnknown:
			return true, nil
		case w.t.refused[key], w.t.refused[name]:
			return false, badValue(clip(s), "is not accepted here")
		}
		return false, refuse(CheckInvalidPath, "the path "+clip(s)+" names no attribute")
	}
	op.target = &to
	if to.readOnly() {
		return false, refuse(CheckMutability, clip(s)+" is readOnly")
	}
	if p.Filter == nil {
		return false, nil
	}
	if to.attr == nil || to.attr.Type != Complex || !to.attr.MultiValued {
		return false, refuse(CheckInvalidPath, "the path "+clip(s)+" selects elements of what has none")
	}
	whole := target{ext: to.ext, attr: to.attr}
	if op.within, err = (binder{t: w.t, q: w.q}).expr(p.Filter, &whole); err != nil {
		return false, &Error{Check: CheckInvalidPath, Public: "the path " + clip(s) + " cannot be used", Err: err}
	}
	return false, nil
}

// checkOp refuses what no resource could make sense of.
func (w *writer) checkOp(op *operation) error {
	if op.kind == patch.Remove {
		if op.target == nil {
			return refuse(CheckNoTarget, "remove needs a path") // RFC 7644 section 3.5.2.2
		}
		if op.value != nil && !w.q.removeByValue {
			return badValue(op.where, "remove has no value")
		}
		return nil
	}
	if op.target == nil {
		if _, ok := op.value.(*object); !ok {
			return refuse(CheckInvalidValue, "without a path the value is an object")
		}
		return nil
	}
	if op.kind == patch.Add && op.value == nil && !w.q.loneValues {
		return badValue(op.where, "add needs a value")
	}
	return nil
}

// memberChange is the effect of a PATCH that concerns members alone. ok is
// false if the group has to be loaded.
func (w *writer) memberChange(ops []operation) (add []Member, remove []string, ok bool) {
	last := map[string]Member{}
	removed := map[string]bool{}
	var order []string
	put := func(m Member, gone bool) {
		if _, seen := last[m.Value]; !seen {
			order = append(order, m.Value)
		}
		last[m.Value], removed[m.Value] = m, gone
	}
	for _, op := range ops {
		list, gone, ok := w.memberOp(op)
		if !ok {
			return nil, nil, false
		}
		for _, m := range list {
			put(m, gone)
		}
	}
	for _, id := range order {
		if removed[id] {
			remove = append(remove, id)
		} else {
			add = append(add, last[id])
		}
	}
	return add, remove, true
}

func (w *writer) memberOp(op operation) (list []Member, gone, ok bool) {
	value := op.value
	switch {
	case op.target == nil && op.kind == patch.Add:
		in := op.value.(*object)
		if len(in.fields) != 1 || !strings.EqualFold(in.fields[0].name, "members") {
			return nil, false, false
		}
		value = in.fields[0].value
	case op.target == nil, op.target.attr == nil, op.target.attr.Name != "members", op.target.sub != nil:
		return nil, false, false
	case op.kind == patch.Remove && op.within != nil:
		if id, ok := memberFilter(op.within); ok && w.q.missingTarget && op.value == nil {
			return []Member{{Value: id}}, true, true
		}
		return nil, false, false
	case op.within != nil, op.kind == patch.Replace, op.kind == patch.Remove && emptyValue(op.value):
		return nil, false, false
	}
	v, err := w.value(find(w.t.schema.Attributes, "members"), value, "members")
	elems, isList := v.([]any)
	if err != nil || !isList {
		return nil, false, false // the slow path says what is wrong
	}
	for _, e := range elements(elems) {
		list = append(list, Member{Value: e.text("value"), Display: e.text("display"), Type: e.text("type")})
	}
	return list, op.kind == patch.Remove, true
}

// memberFilter reads members[value eq "id"].
func memberFilter(e filter.Expr) (string, bool) {
	c, ok := e.(*filter.Compare)
	if !ok || c.Op != filter.Eq || c.Path.Name != "value" || c.Value.Kind != filter.Text {
		return "", false
	}
	return c.Value.Text, true
}
