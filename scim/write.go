// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// writer turns what a client sent into what the schema says.
type writer struct {
	t       *resourceType
	q       quirks
	unknown Unknown
}

func badValue(path, why string) error { return refuse(CheckInvalidValue, path+": "+why) }

// resource reads a whole resource of a POST or PUT: names in the schema's
// spelling, values of the right type, readOnly and unassigned ones left out.
func (w *writer) resource(in *object) (*object, error) {
	if err := w.schemas(in); err != nil {
		return nil, err
	}
	out := &object{fields: make([]field, 0, len(in.fields))}
	for _, f := range in.fields {
		if err := w.put(out, f.name, f.value); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// schemas checks the "schemas" of a request (RFC 7643 section 3).
func (w *writer) schemas(in *object) error {
	list, ok := in.get("schemas").([]any)
	if !ok || len(list) == 0 {
		if w.q.anyMediaType && in.get("schemas") == nil {
			return nil
		}
		return badValue("schemas", "a list of schema URNs is required")
	}
	core := false
	for _, v := range list {
		urn, ok := v.(string)
		if !ok {
			return badValue("schemas", "a list of schema URNs is required")
		}
		switch {
		case strings.EqualFold(urn, w.t.schema.ID):
			core = true
		case w.t.extension(urn) == nil && w.unknown == RefuseUnknown:
			return badValue("schemas", "there is no schema "+clip(urn))
		}
	}
	if !core && !w.q.anyMediaType {
		return badValue("schemas", w.t.schema.ID+" is missing")
	}
	return nil
}

// clip shortens what a client sent for a message.
func clip(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

// put sets one member of a request's resource.
func (w *writer) put(out *object, name string, v any) error {
	if strings.EqualFold(name, "schemas") {
		return nil
	}
	if e := w.t.extension(name); e != nil {
		return w.extension(out, e, v)
	}
	if a := w.named(name); a != nil {
		return w.assign(out, a, v, a.Name)
	}
	if strings.EqualFold(name, w.t.schema.ID) && w.q.flatKeys {
		if o, ok := v.(*object); ok {
			for _, f := range o.fields {
				if err := w.put(out, f.name, f.value); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if w.q.flatKeys && strings.ContainsAny(name, ".:") {
		if p, err := filter.ParsePath(name); err == nil {
			if to, ok := w.t.resolve(p); ok && to.attr != nil {
				return w.flat(out, to, v)
			}
		}
	}
	return w.unknownName(out, name, v)
}

func (w *writer) named(name string) *Attribute {
	if a := find(commonAttributes, name); a != nil {
		return a
	}
	return find(w.t.schema.Attributes, name)
}

// assign sets an attribute unless only the server may.
func (w *writer) assign(out *object, a *Attribute, v any, path string) error {
	if a.Mutability == ReadOnly {
		return nil // RFC 7644 sections 3.3 and 3.5.1: shall be ignored
	}
	v, err := w.value(a, v, path)
	if err != nil {
		return err
	}
	out.set(a.Name, v)
	return nil
}

func (w *writer) extension(out *object, e *Schema, v any) error {
	if v == nil {
		return nil
	}
	in, ok := v.(*object)
	if !ok {
		return badValue(e.ID, "an object is expected")
	}
	ext, _ := out.get(e.ID).(*object)
	if ext == nil {
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
		if err := w.assign(ext, a, f.value, e.ID+":"+a.Name); err != nil {
			return err
		}
	}
	if len(ext.fields) > 0 {
		out.set(e.ID, ext)
	}
	return nil
}

// flat sets what a key such as "name.givenName" names.
func (w *writer) flat(out *object, to target, v any) error {
	if to.readOnly() {
		return nil
	}
	container := out
	if to.ext != nil {
		var ok bool
		if container, ok = out.get(to.ext.ID).(*object); !ok {
			container = &object{}
			out.set(to.ext.ID, container)
		}
	}
	if to.sub == nil {
		return w.assign(container, to.attr, v, to.path().String())
	}
	if to.attr.MultiValued {
		return badValue(to.path().String(), "which element is meant is not said")
	}
	v, err := w.value(to.sub, v, to.path().String())
	if err != nil {
		return err
	}
	parent, ok := container.get(to.attr.Name).(*object)
	if !ok {
		parent = &object{}
		container.set(to.attr.Name, parent)
	}
	parent.set(to.sub.Name, v)
	return nil
}

func (w *writer) unknownName(out *object, name string, v any) error {
	key := strings.ToLower(name)
	if prefix := strings.ToLower(w.t.schema.ID) + ":"; strings.HasPrefix(key, prefix) {
		key = key[len(prefix):]
	}
	switch {
	case w.t.ignored[key]:
		return nil
	case w.t.refused[key]:
		return badValue(clip(name), "is not accepted here")
	case w.unknown == RefuseUnknown:
		return refuse(CheckInvalidSyntax, "there is no attribute "+clip(name))
	case w.unknown == KeepUnknown && !emptyValue(v) && len(name) <= 256:
		out.set(name, v)
	}
	return nil
}

// value gives v the type of the attribute; nil means unassigned.
func (w *writer) value(a *Attribute, v any, path string) (any, error) {
	if emptyValue(v) {
		return nil, nil
	}
	list, isList := v.([]any)
	if !a.MultiValued {
		if !isList {
			return w.single(a, v, path)
		}
		if w.q.loneValues && len(list) == 1 {
			return w.single(a, list[0], path)
		}
		return nil, badValue(path, "one value is expected")
	}
	if !isList {
		if !w.q.loneValues {
			return nil, badValue(path, "a list is expected")
		}
		list = []any{v}
	}
	out := make([]any, 0, len(list))
	seen := make(map[string]bool, len(list))
	primaries := 0
	for _, e := range list {
		e, err := w.single(a, e, path)
		if err != nil {
			return nil, err
		}
		if key := elementKey(a, e); !emptyValue(e) && !seen[key] {
			seen[key] = true
			out = append(out, e)
			if isPrimary(e) {
				primaries++
			}
		}
	}
	if primaries > 1 {
		return nil, badValue(path, "only one value can be primary") // RFC 7643 section 2.4
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func isPrimary(e any) bool {
	o, ok := e.(*object)
	return ok && o.get("primary") == true
}

// elementKey is equal for elements that count as the same value. Members are
// known by value alone.
func elementKey(a *Attribute, e any) string {
	if o, ok := e.(*object); ok && a.Name == "members" {
		return o.text("value")
	}
	return string(appendJSON(nil, e))
}

func (w *writer) single(a *Attribute, v any, path string) (any, error) {
	if a.Type == Complex {
		return w.complex(a, v, path)
	}
	switch x := v.(type) {
	case nil:
		return nil, nil
	case *object:
		if w.q.loneValues && len(x.fields) == 1 && strings.EqualFold(x.fields[0].name, "value") {
			return w.single(a, x.fields[0].value, path)
		}
	case string:
		return w.text(a, x, path)
	case bool:
		if a.Type == Boolean {
			return x, nil
		}
		if a.Type == String && w.q.loneValues {
			return strconv.FormatBool(x), nil
		}
	case number:
		return w.number(a, x, path)
	}
	return nil, badValue(path, "a "+orWord(a.Type, "string")+" is expected")
}

func (w *writer) text(a *Attribute, s, path string) (any, error) {
	switch a.Type {
	case String, Reference:
		return s, nil
	case Boolean:
		if w.q.textBooleans {
			switch {
			case strings.EqualFold(s, "true"):
				return true, nil
			case strings.EqualFold(s, "false"):
				return false, nil
			case s == "":
				return nil, nil
			}
		}
	case DateTime:
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return formatTime(t), nil
		}
	case Binary:
		if _, err := base64.StdEncoding.DecodeString(s); err == nil {
			return s, nil
		}
	case Integer, Decimal:
		if w.q.loneValues && validNumber(s) && len(s) < 32 {
			return w.number(a, number(s), path)
		}
	}
	return nil, badValue(path, "a "+orWord(a.Type, "string")+" is expected")
}

func (w *writer) number(a *Attribute, n number, path string) (any, error) {
	switch a.Type {
	case Integer:
		if _, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			return n, nil
		}
	case Decimal:
		if _, err := strconv.ParseFloat(string(n), 64); err == nil {
			return n, nil
		}
	case String:
		if w.q.loneValues {
			return string(n), nil
		}
	}
	return nil, badValue(path, "a "+orWord(a.Type, "string")+" is expected")
}

func (w *writer) complex(a *Attribute, v any, path string) (any, error) {
	in, ok := v.(*object)
	if !ok {
		if v == nil {
			return nil, nil
		}
		if _, isText := v.(string); isText && w.q.loneValues && a.sub("value") != nil {
			in = &object{fields: []field{{"value", v}}}
		} else {
			return nil, badValue(path, "an object is expected")
		}
	}
	out := &object{fields: make([]field, 0, len(in.fields))}
	for _, f := range in.fields {
		sub := a.sub(f.name)
		if sub == nil {
			if err := w.unknownName(&object{}, path+"."+f.name, nil); err != nil {
				return nil, err
			}
			continue
		}
		if err := w.assign(out, sub, f.value, path+"."+sub.Name); err != nil {
			return nil, err
		}
	}
	if len(out.fields) == 0 {
		return nil, nil
	}
	for i := range a.SubAttributes {
		if sub := &a.SubAttributes[i]; sub.Required && out.get(sub.Name) == nil {
			return nil, badValue(path+"."+sub.Name, "is required")
		}
	}
	return out, nil
}

// complete checks what must be there, and keeps what a client cannot change:
// readOnly and immutable values of the resource before.
func (w *writer) complete(o, before *object, removing bool) error {
	check := CheckInvalidValue
	if removing {
		check = CheckMutability // RFC 7644 section 3.5.2.2
	}
	if err := keep(w.t.schema.Attributes, o, before, "", check); err != nil {
		return err
	}
	for i := range w.t.extensions {
		e := &w.t.extensions[i]
		now, _ := o.get(e.Schema.ID).(*object)
		var then *object
		if before != nil {
			then, _ = before.get(e.Schema.ID).(*object)
		}
		if now == nil {
			if e.Required {
				return refuse(check, e.Schema.ID+" is required")
			}
			if then == nil {
				continue
			}
			now = &object{}
		}
		kept := len(now.fields)
		if err := keep(e.Schema.Attributes, now, then, e.Schema.ID+":", check); err != nil {
			return err
		}
		if kept > 0 || len(now.fields) > 0 {
			o.set(e.Schema.ID, now)
		}
	}
	if w.t.activeDefault && o.get("active") == nil {
		var active any = true
		if before != nil && before.get("active") != nil {
			active = before.get("active") // leaving it out must not let anybody in
		}
		o.set("active", active)
	}
	return nil
}

func keep(attrs []Attribute, o, before *object, prefix string, check Check) error {
	for i := range attrs {
		a := &attrs[i]
		now, then := o.get(a.Name), before.get(a.Name)
		if then != nil {
			switch {
			case a.Mutability == ReadOnly:
				o.set(a.Name, then)
				continue
			case a.Mutability == Immutable && now == nil:
				o.set(a.Name, then)
				continue
			case a.Mutability == Immutable && !same(now, then):
				return refuse(CheckMutability, prefix+a.Name+" cannot be changed")
			}
		}
		if a.Required && a.Mutability != ReadOnly && a.Returned != ReturnedNever && emptyValue(now) && (prefix == "" || len(o.fields) > 0) {
			return refuse(check, prefix+a.Name+" is required")
		}
		if s, ok := now.(string); ok && a.Required && strings.TrimSpace(s) == "" {
			return refuse(CheckInvalidValue, prefix+a.Name+" is blank")
		}
	}
	return nil
}
