// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package patch is the language of SCIM's PATCH requests (RFC 7644 section
// 3.5.2): operations and their paths.
//
// [ParsePath] reads a path within bounds; [Request] is a request to send.
// Applying operations to resources is the work of scim.Handler.
package patch

import (
	"encoding/json"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// Kind is what an operation does.
type Kind string

// The kinds of operation.
const (
	Add     Kind = "add"
	Remove  Kind = "remove"
	Replace Kind = "replace"
)

// URN is the schema of a PATCH request.
const URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Path is the target of an operation: Attr, Attr[Filter] or
// Attr[Filter].Sub. Attr has no Sub if there is a Filter.
type Path struct {
	Attr   filter.Path
	Filter filter.Expr
	Sub    string
}

func (p Path) String() string {
	s := p.Attr.String()
	if p.Filter != nil {
		s += "[" + p.Filter.String() + "]"
	}
	if p.Sub != "" {
		s += "." + p.Sub
	}
	return s
}

// ParsePath reads the path of an operation within the default limits.
func ParsePath(s string) (Path, error) { return ParsePathWithin(s, filter.Limits{}) }

// ParsePathWithin reads the path of an operation within the given limits, in
// linear time.
func ParsePathWithin(s string, l filter.Limits) (Path, error) {
	attr, within, sub, err := filter.ParseTarget(s, l)
	return Path{Attr: attr, Filter: within, Sub: sub}, err
}

// Op is one operation of a request.
type Op struct {
	Op    Kind            `json:"op"`
	Path  string          `json:"path,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Request is the body of a PATCH request.
type Request struct {
	Operations []Op
}

// MarshalJSON writes the request with its schema.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Schemas    []string `json:"schemas"`
		Operations []Op     `json:"Operations"`
	}{[]string{URN}, r.Operations})
}

// NewOp makes an operation whose value is v as JSON.
func NewOp(kind Kind, path string, v any) (Op, error) {
	op := Op{Op: kind, Path: path}
	if v == nil {
		return op, nil
	}
	raw, err := json.Marshal(v)
	op.Value = raw
	return op, err
}
