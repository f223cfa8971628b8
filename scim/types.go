// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// TypeConfig declares a resource type.
type TypeConfig struct {
	Name        string // "Device"
	Endpoint    string // "/Devices"; empty: "/" + Name + "s"
	Description string
	Schema      Schema
	Extensions  []Extension
}

// Extension is a schema that adds attributes to a resource type.
type Extension struct {
	Schema   Schema
	Required bool
}

// Type is a resource type with its store, made by [NewType].
type Type interface {
	resourceType() *resourceType
}

// NewType declares a resource type of an application's own: R embeds [Base]
// and its fields carry the attributes in json tags. Attributes of the schema
// without a field are kept in Base.Extra.
func NewType[R any, P interface {
	*R
	Resource
}](c TypeConfig, store Store[R]) (Type, error) {
	if store == nil {
		return nil, errors.New("scim: resource type " + c.Name + " needs a store")
	}
	t, err := newResourceType(c, reflect.TypeFor[R]())
	if err != nil {
		return nil, err
	}
	t.store = adapter[R, P]{store}
	return t, nil
}

// resourceType is a checked declaration. It is never changed once in use.
type resourceType struct {
	name, endpoint, description string
	schema                      *Schema
	extensions                  []Extension
	plan                        *plan
	store                       erased
	ignored                     map[string]bool // folded paths that are dropped silently
	refused                     map[string]bool // folded paths that are refused
	activeDefault               bool            // "active" is set where the client says nothing
	plain                       bool            // see isPlain
}

func (t *resourceType) resourceType() *resourceType { return t }

func newResourceType(c TypeConfig, goType reflect.Type) (*resourceType, error) {
	if !validAttributeName(c.Name) {
		return nil, fmt.Errorf("scim: %q is no name for a resource type", c.Name)
	}
	if c.Endpoint == "" {
		c.Endpoint = "/" + c.Name + "s"
	}
	if !strings.HasPrefix(c.Endpoint, "/") || strings.ContainsAny(c.Endpoint[1:], "/?#. ") || len(c.Endpoint) < 2 {
		return nil, fmt.Errorf("scim: resource type %s: %q is no endpoint", c.Name, c.Endpoint)
	}
	if err := c.Schema.check(); err != nil {
		return nil, err
	}
	seen := map[string]bool{strings.ToLower(c.Schema.ID): true}
	for _, e := range c.Extensions {
		if err := e.Schema.check(); err != nil {
			return nil, err
		}
		if seen[strings.ToLower(e.Schema.ID)] {
			return nil, fmt.Errorf("scim: resource type %s: schema %q is declared twice", c.Name, e.Schema.ID)
		}
		seen[strings.ToLower(e.Schema.ID)] = true
	}
	p, err := planOf(goType)
	if err != nil {
		return nil, err
	}
	schema := c.Schema.clone()
	t := &resourceType{
		name: c.Name, endpoint: c.Endpoint, description: c.Description, schema: &schema, plan: p,
		ignored: map[string]bool{}, refused: map[string]bool{},
	}
	for _, e := range c.Extensions {
		t.extensions = append(t.extensions, Extension{Schema: e.Schema.clone(), Required: e.Required})
	}
	return t, t.agree()
}

// agree checks that struct fields and declared attributes have the same shape.
func (t *resourceType) agree() error {
	check := func(p *plan, attrs []Attribute, where string) error {
		for i := range attrs {
			a := &attrs[i]
			f := p.field(a.Name)
			if f == nil {
				if a.Mutability == WriteOnly {
					return fmt.Errorf("scim: %s: writeOnly attribute %s needs a field", where, a.Name)
				}
				continue
			}
			if !f.fits(a) {
				return fmt.Errorf("scim: %s: the field of attribute %s has another shape", where, a.Name)
			}
		}
		return nil
	}
	if err := check(t.plan, t.schema.Attributes, t.name); err != nil {
		return err
	}
	for _, e := range t.extensions {
		if f := t.plan.field(e.Schema.ID); f != nil {
			if f.sub == nil || f.list {
				return fmt.Errorf("scim: %s: the field of extension %s is no struct", t.name, e.Schema.ID)
			}
			if err := check(f.sub, e.Schema.Attributes, e.Schema.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// erased is a Store of any type.
type erased interface {
	create(ctx context.Context, tenant string, r Resource) (Resource, error)
	get(ctx context.Context, tenant, id string, omit Omit) (Resource, error)
	replace(ctx context.Context, tenant string, r Resource) (Resource, error)
	delete(ctx context.Context, tenant, id, version string) error
	query(ctx context.Context, tenant string, q Query) (list []Resource, total int, next string, err error)
	// document is get and documents is query; doc and docs are empty where the
	// store decodes.
	document(ctx context.Context, tenant, id string, omit Omit) (r Resource, doc string, err error)
	documents(ctx context.Context, tenant string, q Query) (list []Resource, docs []string, total int, next string, err error)
	unwrap() any
}

type adapter[R any, P interface {
	*R
	Resource
}] struct{ s Store[R] }

func (a adapter[R, P]) unwrap() any { return a.s }

func (a adapter[R, P]) create(ctx context.Context, tenant string, r Resource) (Resource, error) {
	return resourceOf[R, P](a.s.Create(ctx, tenant, (*R)(r.(P))))
}

func (a adapter[R, P]) get(ctx context.Context, tenant, id string, omit Omit) (Resource, error) {
	return resourceOf[R, P](a.s.Get(ctx, tenant, id, omit))
}

func (a adapter[R, P]) replace(ctx context.Context, tenant string, r Resource) (Resource, error) {
	return resourceOf[R, P](a.s.Replace(ctx, tenant, (*R)(r.(P))))
}

func (a adapter[R, P]) delete(ctx context.Context, tenant, id, version string) error {
	return a.s.Delete(ctx, tenant, id, version)
}

func (a adapter[R, P]) query(ctx context.Context, tenant string, q Query) ([]Resource, int, string, error) {
	page, err := a.s.Query(ctx, tenant, q)
	return a.list(page), page.Total, page.Next, err
}

func (a adapter[R, P]) document(ctx context.Context, tenant, id string, omit Omit) (Resource, string, error) {
	d, ok := a.s.(documentStore[R])
	if !ok {
		r, err := a.get(ctx, tenant, id, omit)
		return r, "", err
	}
	r, doc, err := d.Document(ctx, tenant, id, omit)
	if err != nil {
		return nil, "", err
	}
	return P(r), doc, nil
}

func (a adapter[R, P]) documents(ctx context.Context, tenant string, q Query) ([]Resource, []string, int, string, error) {
	d, ok := a.s.(documentStore[R])
	if !ok {
		list, total, next, err := a.query(ctx, tenant, q)
		return list, nil, total, next, err
	}
	page, docs, err := d.Documents(ctx, tenant, q)
	return a.list(page), docs, page.Total, page.Next, err
}

func (a adapter[R, P]) list(page Page[R]) []Resource {
	out := make([]Resource, len(page.Resources))
	for i, r := range page.Resources {
		out[i] = P(r)
	}
	return out
}

func resourceOf[R any, P interface {
	*R
	Resource
}](r *R, err error) (Resource, error) {
	if err != nil {
		return nil, err
	}
	return P(r), nil
}
