// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"net/http"
	"strconv"
	"strings"
)

// bulkOp is one operation of a bulk request (RFC 7644 section 3.7).
type bulkOp struct {
	method, bulkID, path string
	version              string
	data                 any
	t                    *resourceType
	id                   string // of the path; may be bulkId:…
	state                bulkState
	res                  result
	status               int
	err                  *Error
}

type bulkState uint8

const (
	bulkWaiting bulkState = iota
	bulkVisiting
	bulkDone
)

// bulkRun works through a request.
type bulkRun struct {
	c        *call
	ops      []*bulkOp
	byID     map[string]*bulkOp
	failures int
	stopAt   int
	deferred []*bulkOp // created without references that were not known yet
}

const bulkRef = "bulkId:"

func (c *call) bulk() (*response, error) {
	if err := c.write(); err != nil {
		return nil, err
	}
	in, err := c.bodyObject()
	if err != nil {
		return nil, err
	}
	run, err := c.readBulk(in)
	if err != nil {
		return nil, err
	}
	for _, op := range run.ops {
		if run.stopped() {
			break
		}
		run.do(op)
		if len(run.deferred) > 0 {
			run.settle()
		}
	}
	var items []any
	for _, op := range run.ops {
		if op.state == bulkDone {
			items = append(items, op.message(c))
		}
	}
	o := &object{}
	o.add("schemas", []any{BulkResponseURN})
	if items == nil {
		items = []any{}
	}
	o.add("Operations", items)
	return &response{status: http.StatusOK, body: appendJSON(nil, o)}, nil
}

func (c *call) readBulk(in *object) (*bulkRun, error) {
	if !hasSchema(in, BulkRequestURN) && !(c.q.anyMediaType && in.get("schemas") == nil) {
		return nil, refuse(CheckInvalidSyntax, "schemas must contain "+BulkRequestURN)
	}
	list, ok := in.get("Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, refuse(CheckInvalidSyntax, "Operations must be a list and not empty")
	}
	if limit := c.h.c.Limits.Operations; len(list) > limit {
		return nil, refuse(CheckTooLarge, "more than "+strconv.Itoa(limit)+" operations") // RFC 7644 section 3.7.4
	}
	run := &bulkRun{c: c, byID: map[string]*bulkOp{}}
	switch n := in.get("failOnErrors").(type) {
	case nil:
	case number:
		stop, err := strconv.Atoi(string(n))
		if err != nil || stop < 1 {
			return nil, badValue("failOnErrors", "a positive integer is expected")
		}
		run.stopAt = stop
	default:
		return nil, badValue("failOnErrors", "a positive integer is expected")
	}
	for _, v := range list {
		o, ok := v.(*object)
		if !ok {
			return nil, refuse(CheckInvalidSyntax, "an operation is an object")
		}
		op := &bulkOp{method: o.text("method"), bulkID: o.text("bulkId"), path: o.text("path"), version: o.text("version"), data: o.get("data")}
		if c.q.opCase {
			op.method = strings.ToUpper(op.method)
		}
		if op.bulkID != "" && op.method == http.MethodPost {
			if run.byID[op.bulkID] != nil {
				return nil, refuse(CheckInvalidValue, "bulkId "+clip(op.bulkID)+" is used twice")
			}
			run.byID[op.bulkID] = op
		}
		run.ops = append(run.ops, op)
	}
	return run, nil
}

func (run *bulkRun) stopped() bool { return run.stopAt > 0 && run.failures >= run.stopAt }

// do performs an operation, those that it refers to first.
func (run *bulkRun) do(op *bulkOp) {
	if op.state != bulkWaiting {
		return
	}
	op.state = bulkVisiting
	err := run.prepare(op)
	if err == nil {
		err = run.perform(op)
	}
	if run.stopped() && op.res.id == "" && err == nil {
		op.state = bulkWaiting
		return
	}
	op.state = bulkDone
	if err != nil {
		run.fail(op, err)
	}
}

func (run *bulkRun) fail(op *bulkOp, err error) {
	if run.c.h.c.OnError != nil {
		run.c.h.c.OnError(run.c.r, asError(err))
	}
	op.err = asError(err)
	op.status = op.err.Status()
	run.failures++
}

// prepare finds the target and performs what the operation refers to.
func (run *bulkRun) prepare(op *bulkOp) error {
	parts := strings.Split(strings.TrimPrefix(op.path, "/"), "/")
	for _, t := range run.c.h.types {
		if t.endpoint[1:] == parts[0] {
			op.t = t
		}
	}
	if op.t == nil || len(parts) > 2 {
		return refuse(CheckNotFound, "there is no endpoint "+clip(op.path))
	}
	if len(parts) == 2 {
		op.id = parts[1]
	}
	switch op.method {
	case http.MethodPost:
		if op.id != "" {
			return refuse(CheckMethod, "POST is for the endpoint of a type")
		}
		if op.bulkID == "" && run.c.strict {
			return refuse(CheckInvalidSyntax, "POST needs a bulkId") // RFC 7644 section 3.7
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		if op.id == "" {
			return refuse(CheckInvalidSyntax, op.method+" needs the path of a resource")
		}
	default:
		return refuse(CheckMethod, "there is no method "+strconv.Quote(clip(op.method)))
	}
	refs := bulkReferences(op.data, nil)
	if strings.HasPrefix(op.id, bulkRef) {
		refs = append(refs, op.id[len(bulkRef):])
	}
	for _, ref := range refs {
		other := run.byID[ref]
		if other == nil {
			return refuse(CheckInvalidValue, "there is no operation with bulkId "+clip(ref))
		}
		if !run.stopped() {
			run.do(other)
		}
		if other.err != nil {
			return refuse(CheckInvalidValue, "the operation with bulkId "+clip(ref)+" failed")
		}
	}
	return nil
}

// bulkReferences collects the bulkIds that a value refers to.
func bulkReferences(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		if ref, ok := strings.CutPrefix(v, bulkRef); ok {
			out = append(out, ref)
		}
	case []any:
		for _, e := range v {
			out = bulkReferences(e, out)
		}
	case *object:
		for _, f := range v.fields {
			out = bulkReferences(f.value, out)
		}
	}
	return out
}

// resolve puts ids in the place of references. Elements that refer to what is
// not created yet are left out, and whole is false.
func (run *bulkRun) resolve(v any) (out any, whole bool) {
	switch v := v.(type) {
	case string:
		ref, ok := strings.CutPrefix(v, bulkRef)
		if !ok {
			return v, true
		}
		if op := run.byID[ref]; op != nil && op.res.id != "" {
			return op.res.id, true
		}
		return nil, false
	case []any:
		list := make([]any, 0, len(v))
		whole = true
		for _, e := range v {
			x, ok := run.resolve(e)
			whole = whole && ok
			if x != nil {
				list = append(list, x)
			}
		}
		return list, whole
	case *object:
		o := &object{fields: make([]field, 0, len(v.fields))}
		whole = true
		for _, f := range v.fields {
			x, ok := run.resolve(f.value)
			whole = whole && ok
			if !ok && x == nil {
				if strings.EqualFold(f.name, "value") {
					return nil, false
				}
				continue
			}
			o.add(f.name, x)
		}
		return o, whole
	}
	return v, true
}

func (run *bulkRun) perform(op *bulkOp) error {
	if run.stopped() {
		return nil
	}
	if err := run.c.ctx.Err(); err != nil {
		return err
	}
	if ref, ok := strings.CutPrefix(op.id, bulkRef); ok {
		op.id = run.byID[ref].res.id
	}
	if len(op.id) > 256 {
		return refuse(CheckNotFound, "no such resource")
	}
	data, whole := run.resolve(op.data)
	in, isObject := data.(*object)
	if !isObject && op.method != http.MethodDelete {
		return refuse(CheckInvalidSyntax, "data must be an object")
	}
	var match condition
	if op.version != "" {
		match = readCondition([]string{op.version})
	}
	var err error
	switch op.method {
	case http.MethodPost:
		op.res, err = run.c.create(op.t, in)
		op.status = http.StatusCreated
		if err == nil && !whole {
			run.deferred = append(run.deferred, op)
		}
	case http.MethodPut:
		op.res, err = run.c.replace(op.t, op.id, in, match)
		op.status = http.StatusOK
	case http.MethodPatch:
		op.res, err = run.c.modify(op.t, op.id, in, match, op.t.name == "Group")
		op.status = http.StatusOK
	case http.MethodDelete:
		err = run.c.remove(op.t, op.id, match)
		op.status = http.StatusNoContent
		op.res = result{id: op.id, location: run.c.location(op.t, op.id)}
	}
	return err
}

// settle gives resources of a circle the references that they were created
// without (RFC 7644 section 3.7.1).
func (run *bulkRun) settle() {
	waiting := run.deferred
	run.deferred = nil
	for _, op := range waiting {
		if op.err != nil {
			continue
		}
		data, whole := run.resolve(op.data)
		if !whole {
			run.undo(op, refuse(CheckInvalidValue, "a resource that it refers to could not be created"))
			continue
		}
		res, err := run.c.replace(op.t, op.res.id, data.(*object), condition{})
		if err != nil {
			run.undo(op, err)
			continue
		}
		op.res = res
	}
}

func (run *bulkRun) undo(op *bulkOp, err error) {
	_ = run.c.remove(op.t, op.res.id, condition{})
	op.res = result{}
	run.fail(op, err)
}

// message is the operation in the response (RFC 7644 section 3.7.3).
func (op *bulkOp) message(c *call) *object {
	o := &object{}
	o.add("method", clip(op.method))
	if op.bulkID != "" {
		o.add("bulkId", op.bulkID)
	}
	if op.err == nil && op.res.version != "" {
		o.add("version", etag(op.res.version))
	}
	switch {
	case op.res.location != "":
		o.add("location", op.res.location)
	case op.t != nil && op.id != "" && op.method != http.MethodPost && !strings.HasPrefix(op.id, bulkRef) && len(op.id) <= 256:
		o.add("location", c.location(op.t, op.id))
	}
	if op.err != nil {
		o.add("response", errorMessage(op.err))
	}
	o.add("status", strconv.Itoa(op.status))
	return o
}
