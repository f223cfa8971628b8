// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"strings"
	"time"
)

// documentStore is a [Store] that answers a query without decoding what it
// keeps: the resources of the page have what the documents lack, which are what
// [Codec.Encode] wrote. Being a matter of speed, it is not looked for through
// Unwrap: what a wrapper does to an answer would be lost.
type documentStore[R any] interface {
	Document(ctx context.Context, tenant, id string, omit Omit) (*R, string, error)
	Documents(ctx context.Context, tenant string, q Query) (Page[R], []string, error)
}

// document is what is kept of a resource, whose object has nothing else. It
// begins with its schemas if it is an answer as it stands, see splice.
func (t *resourceType) document(o *object, base *Base) []byte {
	doc := make([]byte, 0, 512)
	if len(base.Extra) > 0 {
		return appendJSON(doc, o)
	}
	doc = appendJSON(append(doc, `{"schemas":`...), t.schemasOf(o))
	for _, f := range o.fields {
		doc = append(appendText(append(doc, ','), f.name), ':')
		doc = appendJSON(doc, f.value)
	}
	return append(doc, '}')
}

// splice writes the default answer of a resource whose document is one as it
// stands: it begins with its schemas, behind which id and meta are added, and
// what the store keeps apart at its end.
func (c *call) splice(b []byte, t *resourceType, r Resource, doc string) ([]byte, bool) {
	if !t.plain || !strings.HasPrefix(doc, `{"schemas":[`) {
		return b, false
	}
	mark, base := len(b), r.Common()
	end := strings.IndexByte(doc, ']') + 1 // of the schemas
	b = appendText(append(append(b, doc[:end]...), `,"id":`...), base.ID)
	b = append(c.appendMeta(b, t, base), doc[end:len(doc)-1]...)
	switch r := r.(type) {
	case *User:
		if strings.HasSuffix(doc, "}}}") { // the manager ends an enterprise user, which ends a user
			var ok bool
			if b, ok = c.spliceManager(b, doc); !ok {
				return b[:mark], false
			}
		}
		for i, g := range r.Groups {
			b = appendReference(b, "groups", i, g.Value, g.Display, g.Type, c.ref(g.Ref, "Group", g.Value))
		}
		if len(r.Groups) > 0 {
			b = append(b, ']')
		}
	case *Group:
		for i, m := range r.Members {
			kind := m.Type
			if kind == "" {
				kind = "User"
			}
			b = appendReference(b, "members", i, m.Value, m.Display, m.Type, c.ref(m.Ref, kind, m.Value))
		}
		if len(r.Members) > 0 {
			b = append(b, ']')
		}
	}
	return append(b, '}'), true
}

// ref is the $ref of a resource, unless there is one.
func (c *call) ref(ref, kind, id string) string {
	if ref == "" && id != "" {
		return c.refer(kind, id)
	}
	return ref
}

// spliceManager adds the $ref of a manager, behind whom nothing follows.
func (c *call) spliceManager(b []byte, doc string) ([]byte, bool) {
	const start = `"manager":{"value":"` // stands in no text, where quotes are escaped
	i := strings.LastIndex(doc, start)
	if i < 0 || strings.Contains(doc[i:], `"$ref":`) {
		return b, i >= 0
	}
	id, _, _ := strings.Cut(doc[i+len(start):], `"`)
	if strings.IndexByte(id, '\\') >= 0 {
		return b, false
	}
	ref := c.refer("User", id)
	if ref == "" {
		return b, true
	}
	b = appendText(append(b[:len(b)-2], `,"$ref":`...), ref)
	return append(b, "}}"...), true
}

// appendReference writes one element of a list of resources, which the first
// one begins.
func appendReference(b []byte, list string, i int, value, display, kind, ref string) []byte {
	if i == 0 {
		b = append(append(append(b, `,"`...), list...), `":[{`...)
	} else {
		b = append(b, `,{`...)
	}
	b = appendText(append(b, `"value":`...), value)
	if ref != "" {
		b = appendText(append(b, `,"$ref":`...), ref)
	}
	if display != "" {
		b = appendText(append(b, `,"display":`...), display)
	}
	if kind != "" {
		b = appendText(append(b, `,"type":`...), kind)
	}
	return append(b, '}')
}

// appendMeta writes the meta of a resource as clients see it.
func (c *call) appendMeta(b []byte, t *resourceType, base *Base) []byte {
	b = append(append(append(b, `,"meta":{"resourceType":"`...), t.name...), '"')
	at := func(name string, v time.Time) {
		if !v.IsZero() {
			b = append(append(append(b, `,"`...), name...), `":"`...)
			b = append(v.UTC().AppendFormat(b, timeLayout), '"')
		}
	}
	at("created", base.Meta.Created)
	at("lastModified", base.Meta.LastModified)
	b = appendText(append(b, `,"location":`...), c.location(t, base.ID))
	if base.Meta.Version != "" {
		b = appendText(append(b, `,"version":`...), etag(base.Meta.Version))
	}
	return append(b, '}')
}

// appendDocument writes a resource whose document is not decoded, or which has
// none.
func (c *call) appendDocument(b []byte, t *resourceType, r Resource, doc string, p projection) ([]byte, error) {
	if doc != "" {
		if out, ok := c.splice(b, t, r, doc); ok {
			return out, nil
		}
		if err := t.decode(r, doc); err != nil {
			return nil, err
		}
	}
	return c.appendResource(b, t, r, p), nil
}

// find asks a store and appends what it finds to items.
func (l *listing) find(items []any, t *resourceType, q Query) (_ []any, found, total int, next string, err error) {
	tenant := l.c.caller.Tenant
	var docs []string
	var list []Resource
	whole := l.p.isDefault() && t.plain
	if whole {
		list, docs, total, next, err = t.store.documents(l.c.ctx, tenant, q)
	} else {
		list, total, next, err = t.store.query(l.c.ctx, tenant, q)
	}
	if err != nil {
		return nil, 0, 0, "", err
	}
	all := make([]byte, 0, 800*len(list))
	for i, r := range list {
		start, doc := len(all), ""
		if docs != nil {
			doc = docs[i]
		}
		if all, err = l.c.appendDocument(all, t, r, doc, l.p); err != nil {
			return nil, 0, 0, "", err
		}
		items = append(items, raw(all[start:len(all):len(all)]))
	}
	return items, len(list), total, next, nil
}
