// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// result is what an operation did to one resource.
type result struct {
	r        Resource // nil if there is nothing to show
	id       string
	version  string // opaque
	location string
}

// post serves POST /Users (RFC 7644 section 3.3).
func (c *call) post(t *resourceType) (*response, error) {
	if err := c.write(); err != nil {
		return nil, err
	}
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	in, err := c.bodyObject()
	if err != nil {
		return nil, err
	}
	res, err := c.create(t, in)
	if err != nil {
		return nil, err
	}
	return c.show(t, res, p, http.StatusCreated), nil
}

func (c *call) get(t *resourceType, id string) (*response, error) {
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	var r Resource
	doc := ""
	if p.isDefault() && t.plain {
		r, doc, err = t.store.document(c.ctx, c.caller.Tenant, id, 0)
	} else {
		r, err = t.store.get(c.ctx, c.caller.Tenant, id, p.omit(t))
	}
	if err != nil {
		return nil, err
	}
	version := r.Common().Meta.Version
	if none := readCondition(c.r.Header.Values("If-None-Match")); none.set && none.has(version) {
		return &response{status: http.StatusNotModified, version: etag(version)}, nil
	}
	if match := c.ifMatch(); match.set && !match.has(version) {
		return nil, ErrVersion
	}
	body, err := c.appendDocument(make([]byte, 0, 1024), t, r, doc, p)
	if err != nil {
		return nil, err
	}
	return &response{status: http.StatusOK, body: body, version: etag(version), location: c.location(t, r.Common().ID)}, nil
}

func (c *call) put(t *resourceType, id string) (*response, error) {
	if err := c.write(); err != nil {
		return nil, err
	}
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	in, err := c.bodyObject()
	if err != nil {
		return nil, err
	}
	res, err := c.replace(t, id, in, c.ifMatch())
	if err != nil {
		return nil, err
	}
	return c.show(t, res, p, http.StatusOK), nil
}

func (c *call) patch(t *resourceType, id string) (*response, error) {
	if err := c.write(); err != nil {
		return nil, err
	}
	p, err := c.projection()
	if err != nil {
		return nil, err
	}
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	// Groups are answered with 204, however many members they have, unless
	// attributes are asked for (RFC 7644 section 3.5.2).
	quiet := t.name == "Group" && p.isDefault()
	res, err := c.modify(t, id, body, c.ifMatch(), quiet)
	if err != nil {
		return nil, err
	}
	if quiet || res.r == nil {
		return &response{status: http.StatusNoContent, version: etag(res.version), location: res.location}, nil
	}
	return c.show(t, res, p, http.StatusOK), nil
}

func (c *call) delete(t *resourceType, id string) (*response, error) {
	if err := c.write(); err != nil {
		return nil, err
	}
	if err := c.remove(t, id, c.ifMatch()); err != nil {
		return nil, err
	}
	return &response{status: http.StatusNoContent}, nil
}

// show renders the answer that has a resource in it.
func (c *call) show(t *resourceType, res result, p projection, status int) *response {
	body := c.appendResource(make([]byte, 0, 1024), t, res.r, p)
	return &response{status: status, body: body, version: etag(res.version), location: res.location}
}

// appendResource writes a resource as a client sees it.
func (c *call) appendResource(b []byte, t *resourceType, r Resource, p projection) []byte {
	if p.isDefault() {
		if out, ok := c.fast(b, t, r); ok {
			return out
		}
	}
	return appendJSON(b, p.render(t, c.finish(t, r)))
}

func (c *call) resultOf(t *resourceType, r Resource) result {
	b := r.Common()
	return result{r: r, id: b.ID, version: b.Meta.Version, location: c.location(t, b.ID)}
}

func (c *call) location(t *resourceType, id string) string {
	return c.h.root + t.endpoint + "/" + url.PathEscape(id)
}

// finish makes the object of a resource as clients see it.
func (c *call) finish(t *resourceType, r Resource) *object {
	meta := r.Common().Meta
	meta.ResourceType = t.name
	meta.Location = c.location(t, r.Common().ID)
	o := t.object(r)
	m := &object{}
	m.add("resourceType", t.name)
	if !meta.Created.IsZero() {
		m.add("created", formatTime(meta.Created))
	}
	if !meta.LastModified.IsZero() {
		m.add("lastModified", formatTime(meta.LastModified))
	}
	m.add("location", meta.Location)
	if meta.Version != "" {
		m.add("version", etag(meta.Version))
	}
	o.set("meta", m)
	c.references(t, o)
	return o
}

// references fills in the $ref of groups, members and managers.
func (c *call) references(t *resourceType, o *object) {
	refer := func(e *object, to string) {
		id := e.text("value")
		if id == "" || e.get("$ref") != nil {
			return
		}
		for _, other := range c.h.types {
			if other.name == to {
				e.add("$ref", c.location(other, id))
			}
		}
	}
	switch t.name {
	case "Group":
		for _, e := range elements(o.get("members")) {
			kind := e.text("type")
			if kind == "" {
				kind = "User"
			}
			refer(e, kind)
		}
	case "User":
		for _, e := range elements(o.get("groups")) {
			refer(e, "Group")
		}
		if ext, ok := o.get(EnterpriseURN).(*object); ok {
			if m, ok := ext.get("manager").(*object); ok {
				refer(m, "User")
			}
		}
	}
}

// inTx runs fn in a transaction of the type's store, if it has any.
func (c *call) inTx(t *resourceType, fn func(ctx context.Context) error) error {
	tx, ok := power[Transactor](t.store.unwrap())
	if !ok {
		return fn(c.ctx)
	}
	return tx.InTx(c.ctx, fn)
}

// attempts bounds how often a change is tried when others get in between.
const attempts = 40

// settle runs a read-and-replace until nobody gets in between.
func (c *call) settle(t *resourceType, fn func(ctx context.Context) error) error {
	for n := 1; ; n++ {
		err := c.inTx(t, fn)
		var e *Error
		again := errors.Is(err, ErrVersion) && !errors.Is(err, errCondition) || errors.As(err, &e) && e.Check == CheckBusy && !errors.Is(err, ErrBusy)
		if !again {
			return err
		}
		if n == attempts {
			return &Error{Check: CheckBusy, Public: "others keep changing the resource", Err: err, RetryAfter: time.Second}
		}
		wait := time.NewTimer(rand.N(min(time.Duration(n)*time.Millisecond, 20*time.Millisecond)))
		select {
		case <-c.ctx.Done():
			wait.Stop()
			return c.ctx.Err()
		case <-wait.C:
		}
	}
}

// errCondition is an ErrVersion that trying again does not cure.
var errCondition = errors.New("scim: If-Match does not hold")

func check(match condition, version string) error {
	if match.set && !match.has(version) {
		return errors.Join(ErrVersion, errCondition)
	}
	return nil
}

func (c *call) changed(ctx context.Context, ch Change) error {
	if c.h.c.OnChange == nil {
		return nil
	}
	ch.Caller = c.caller
	return c.h.c.OnChange(ctx, ch)
}

func (c *call) create(t *resourceType, in *object) (result, error) {
	w := c.writer(t)
	o, err := w.resource(in)
	if err != nil {
		return result{}, err
	}
	if err := w.complete(o, nil, false); err != nil {
		return result{}, err
	}
	var made Resource
	run := func(ctx context.Context) error {
		r, err := t.store.create(ctx, c.caller.Tenant, t.resource(o))
		if err != nil {
			return err
		}
		made = r
		return c.changed(ctx, Change{Op: Created, Type: t.name, ID: r.Common().ID, After: r})
	}
	if c.h.c.OnChange != nil {
		err = c.inTx(t, run)
	} else {
		err = run(c.ctx)
	}
	if err != nil {
		return result{}, err
	}
	return c.resultOf(t, made), nil
}

// replace is PUT (RFC 7644 section 3.5.1).
func (c *call) replace(t *resourceType, id string, in *object, match condition) (result, error) {
	w := c.writer(t)
	o, err := w.resource(in)
	if err != nil {
		return result{}, err
	}
	return c.change(t, id, match, func(before *object) (*object, error) {
		after := o.clone()
		return after, w.complete(after, before, false)
	})
}

// modify is PATCH (RFC 7644 section 3.5.2).
func (c *call) modify(t *resourceType, id string, body any, match condition, quiet bool) (result, error) {
	w := c.writer(t)
	ops, err := w.readPatch(body, c.h.c.Limits)
	if err != nil {
		return result{}, err
	}
	if t.name == "Group" && quiet {
		if ms, ok := power[MemberStore](t.store.unwrap()); ok {
			if add, remove, ok := w.memberChange(ops); ok {
				return c.members(t, ms, id, match, add, remove)
			}
		}
	}
	return c.change(t, id, match, func(before *object) (*object, error) {
		after := before.clone()
		return after, w.apply(after, ops)
	})
}

// change reads a resource, has its object changed, and writes it if nobody
// came between.
func (c *call) change(t *resourceType, id string, match condition, fn func(before *object) (*object, error)) (result, error) {
	var out result
	err := c.settle(t, func(ctx context.Context) error {
		r, err := t.store.get(ctx, c.caller.Tenant, id, 0)
		if err != nil {
			return err
		}
		base := r.Common()
		if err := check(match, base.Meta.Version); err != nil {
			return err
		}
		before := t.object(r)
		after, err := fn(before)
		if err != nil {
			return err
		}
		after.set("id", base.ID)
		after.set("meta", before.get("meta"))
		if same(before, after) {
			out = c.resultOf(t, r)
			return nil
		}
		made, err := t.store.replace(ctx, c.caller.Tenant, t.resource(after))
		if err != nil {
			return err
		}
		out = c.resultOf(t, made)
		return c.changed(ctx, Change{Op: Updated, Type: t.name, ID: base.ID, Before: r, After: made})
	})
	return out, err
}

// members changes members without loading the group.
func (c *call) members(t *resourceType, ms MemberStore, id string, match condition, add []Member, remove []string) (result, error) {
	var meta Meta
	err := c.settle(t, func(ctx context.Context) error {
		version := ""
		if match.set && !match.any {
			g, err := t.store.get(ctx, c.caller.Tenant, id, OmitMembers)
			if err != nil {
				return err
			}
			version = g.Common().Meta.Version
			if err := check(match, version); err != nil {
				return err
			}
		}
		var err error
		if meta, err = ms.ChangeMembers(ctx, c.caller.Tenant, id, version, add, remove); err != nil {
			return err
		}
		return c.changed(ctx, Change{Op: MembersChanged, Type: t.name, ID: id, Added: add, Removed: remove})
	})
	return result{id: id, version: meta.Version, location: c.location(t, id)}, err
}

func (c *call) remove(t *resourceType, id string, match condition) error {
	if !match.set && c.h.c.OnChange == nil {
		return t.store.delete(c.ctx, c.caller.Tenant, id, "")
	}
	return c.settle(t, func(ctx context.Context) error {
		before, err := t.store.get(ctx, c.caller.Tenant, id, OmitMembers)
		if err != nil {
			return err
		}
		version := before.Common().Meta.Version
		if err := check(match, version); err != nil {
			return err
		}
		if err := t.store.delete(ctx, c.caller.Tenant, id, version); err != nil {
			return err
		}
		return c.changed(ctx, Change{Op: Deleted, Type: t.name, ID: id, Before: before})
	})
}
