// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"slices"
	"strings"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// drop restricts an attribute; it reports whether the type has it.
func (t *resourceType) drop(path string, r Rule) bool {
	p, err := filter.ParsePath(path)
	if err != nil || r < Refuse || r > MakeReadOnly {
		return false
	}
	to, ok := t.resolve(p)
	if !ok || to.attr == nil || find(commonAttributes, to.attr.Name) == to.attr || to.leaf().Required {
		return false
	}
	if r == MakeReadOnly {
		to.leaf().Mutability = ReadOnly
		return true
	}
	// The canonical path, and the parent's for values without a path.
	key := strings.ToLower(to.path().String())
	if r == Refuse {
		t.refused[key] = true
	} else {
		t.ignored[key] = true
	}
	list := &t.schema.Attributes
	if to.ext != nil {
		list = &to.ext.Attributes
	}
	if to.sub != nil {
		list = &to.attr.SubAttributes
	}
	name := to.leaf().Name
	*list = slices.DeleteFunc(slices.Clone(*list), func(a Attribute) bool { return a.Name == name })
	return true
}
