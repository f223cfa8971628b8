// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strings"
)

// Resources are a server's resources of one type. See [Client.Users],
// [Client.Groups] and [ResourcesOf].
type Resources[R any] struct {
	c  *Client
	t  *resourceType
	to func(Resource) *R
	of func(*R) Resource
}

// Users are the server's users.
func (c *Client) Users() *Resources[User] { return resourcesOf[User](c, userType()) }

// Groups are the server's groups.
func (c *Client) Groups() *Resources[Group] { return resourcesOf[Group](c, groupType()) }

// ResourcesOf are the server's resources of an application's own type.
func ResourcesOf[R any, P interface {
	*R
	Resource
}](c *Client, tc TypeConfig) (*Resources[R], error) {
	t, err := newResourceType(tc, reflect.TypeFor[R]())
	if err != nil {
		return nil, err
	}
	return resourcesOf[R, P](c, t), nil
}

func resourcesOf[R any, P interface {
	*R
	Resource
}](c *Client, t *resourceType) *Resources[R] {
	return &Resources[R]{
		c: c, t: t,
		to: func(r Resource) *R { return (*R)(r.(P)) },
		of: func(r *R) Resource { return P(r) },
	}
}

// Create makes a resource and returns it as the server has it. It is not sent
// again when the connection broke and the server may have made it; see
// [Client.EnsureUser] for that.
func (r *Resources[R]) Create(ctx context.Context, x *R) (*R, error) { return r.create(ctx, x, true) }

func (r *Resources[R]) create(ctx context.Context, x *R, once bool) (*R, error) {
	a, err := r.c.Do(ctx, Request{Method: http.MethodPost, Path: r.t.endpoint, Body: r.body(x), Once: once})
	if err != nil {
		return nil, err
	}
	return r.read(a)
}

// Get returns a resource. What is excluded need not be sent; servers of the
// AWS profile, who do not know the parameter, are not told.
func (r *Resources[R]) Get(ctx context.Context, id string, exclude ...string) (*R, error) {
	path, err := r.path(id)
	if err != nil {
		return nil, err
	}
	var q url.Values
	if len(exclude) > 0 && r.c.c.Profile != AWS {
		q = url.Values{"excludedAttributes": {strings.Join(exclude, ",")}}
	}
	a, err := r.c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: q})
	if err != nil {
		return nil, err
	}
	return r.read(a)
}

// Replace puts x in the place of the resource of its ID, if it still has
// Meta.Version; an empty version asks for nothing.
func (r *Resources[R]) Replace(ctx context.Context, x *R) (*R, error) {
	base := r.of(x).Common()
	path, err := r.path(base.ID)
	if err != nil {
		return nil, err
	}
	version := base.Meta.Version
	a, err := r.c.Do(ctx, Request{Method: http.MethodPut, Path: path, Body: r.body(x), Match: version, Once: version != ""})
	if err != nil {
		return nil, err
	}
	return r.read(a)
}

// PatchOp is an operation of [Resources.Patch] (RFC 7644 section 3.5.2). Value
// is anything that encodes to JSON.
type PatchOp struct {
	Op    string // "add", "remove" or "replace"
	Path  string // may be empty but for "remove"
	Value any
}

// Patch changes a resource, if it still has the version; an empty version asks
// for nothing. It returns the changed resource, or nil from servers that
// answer without it.
func (r *Resources[R]) Patch(ctx context.Context, id, version string, ops ...PatchOp) (*R, error) {
	path, err := r.path(id)
	if err != nil {
		return nil, err
	}
	body, err := patchMessage(ops)
	if err != nil {
		return nil, err
	}
	a, err := r.c.Do(ctx, Request{Method: http.MethodPatch, Path: path, Body: body, Match: version, Once: version != ""})
	if err != nil || a.Status == http.StatusNoContent || len(a.Body) == 0 {
		return nil, err
	}
	return r.read(a)
}

// Delete removes a resource, if it still has the version; an empty version
// asks for nothing. That an earlier attempt of the same call has removed it
// already is no error.
func (r *Resources[R]) Delete(ctx context.Context, id, version string) error {
	path, err := r.path(id)
	if err != nil {
		return err
	}
	retried := false
	once := Request{Method: http.MethodDelete, Path: path, Match: version, Once: true}
	_, err = r.c.Do(ctx, once)
	if hasCheck(err, CheckConnection) || hasCheck(err, CheckInternal) {
		if ctx.Err() != nil {
			return err
		}
		retried, once.Once = true, false
		_, err = r.c.Do(ctx, once)
	}
	if retried && hasCheck(err, CheckNotFound) {
		return nil
	}
	return err
}

func (r *Resources[R]) path(id string) (string, error) {
	if id == "" || id == "." || id == ".." || len(id) > 1024 {
		return "", refuse(CheckInvalidPath, "not an id")
	}
	return r.t.endpoint + "/" + url.PathEscape(id), nil
}

// body is the resource as a client sends it: without what the server makes.
func (r *Resources[R]) body(x *R) []byte {
	o := r.t.object(r.of(x))
	out := &object{fields: make([]field, 0, len(o.fields)+1)}
	out.add("schemas", r.t.schemasOf(o))
	for _, f := range o.fields {
		switch {
		case sameName(f.name, "schemas"), sameName(f.name, "id"), sameName(f.name, "meta"):
		case r.t.name == "User" && sameName(f.name, "groups"):
		default:
			out.fields = append(out.fields, f)
		}
	}
	return appendJSON(nil, out)
}

func (r *Resources[R]) read(a *Answer) (*R, error) {
	v, err := parseJSON(a.Body, lenient)
	o, ok := v.(*object)
	if err != nil || !ok {
		return nil, &Error{Check: CheckAnswer, Public: "the answer is no resource", Err: err}
	}
	return r.resource(o)
}

func (r *Resources[R]) resource(o *object) (*R, error) {
	if b, ok := looseBool(o.get("active")); ok {
		o.set("active", b)
	}
	x := r.t.resource(o)
	base := x.Common()
	if base.ID == "" {
		return nil, refuse(CheckAnswer, "the answer is a resource without an id")
	}
	base.Meta.Version = bareTag(base.Meta.Version)
	return r.to(x), nil
}

// bareTag is the version that a weak tag holds; strong tags stay as they are.
func bareTag(s string) string {
	if len(s) > 3 && strings.HasPrefix(s, `W/"`) && strings.HasSuffix(s, `"`) {
		return s[3 : len(s)-1]
	}
	return s
}
