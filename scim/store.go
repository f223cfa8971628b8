// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// Store keeps the resources of one type: Store[User], Store[Group], or of an
// application's own struct that embeds [Base].
//
// The tenant comes from the token, is never empty, and nothing of one tenant is
// ever read, found, changed or counted as a member by another: there it is
// [ErrNotFound]. What goes in and comes out belongs to the caller, so a store
// copies. All methods are safe for concurrent use and honour cancellation.
//
// A store may return an [*Error] to choose the answer, for example
// [CheckMutability] or [CheckForbidden] when the application vetoes
// active:true, and [ErrBusy] for 503 with Retry-After. Other errors are answered
// with 500 and shown to nobody.
//
// Optional powers are found by type assertion, through Unwrap() any of
// wrappers: [Transactor] and [MemberStore].
type Store[R any] interface {
	// Create stores r under a new ID and returns it with ID, Meta.Created,
	// Meta.LastModified and Meta.Version. It returns ErrConflict if a unique
	// value (userName, without regard to case) is taken in the tenant; the
	// check and the write are one.
	Create(ctx context.Context, tenant string, r *R) (*R, error)

	// Get returns the resource, or ErrNotFound.
	Get(ctx context.Context, tenant, id string, omit Omit) (*R, error)

	// Replace stores r in the place of the resource of the same ID if its
	// version is r.Meta.Version, and returns it with the new version; otherwise
	// ErrVersion and nothing changes. Comparison and write are one. A
	// User.Password that is empty keeps the password; User.Groups is ignored.
	Replace(ctx context.Context, tenant string, r *R) (*R, error)

	// Delete removes the resource and its memberships if its version is the
	// given one, or whatever it is if version is empty.
	Delete(ctx context.Context, tenant, id, version string) error

	// Query returns one page of what matches.
	Query(ctx context.Context, tenant string, q Query) (Page[R], error)
}

// Omit says what an answer will not contain, so that a store need not load it.
type Omit uint8

// What can be omitted.
const (
	OmitMembers Omit = 1 << iota // Group.Members
	OmitGroups                   // User.Groups
)

// Query asks for one page of resources. Paths are those of the schema, in its
// spelling; comparisons say whether they are case-exact, values have the type
// of the attribute, and attributes that are never returned do not occur.
//
// A store that cannot serve a filter or order returns an error with
// [CheckInvalidFilter]; it must not answer a wider question, or scan what it
// keeps on a disk.
type Query struct {
	Filter filter.Expr // nil: all
	Sort   Sort

	// Start is the 1-based index of the first resource; it is 1 or more.
	Start int
	// Count is the most resources to return; 0 asks for the total alone.
	Count int
	// After is the Next of the page before, for a store that has such marks; it
	// takes the place of Start.
	After string

	Omit Omit
}

// Sort is an order. The zero value is the store's own order, which is total
// and stable. Resources without the attribute come last, or first if
// Descending (RFC 7644 section 3.4.2.3).
type Sort struct {
	By         filter.Path // zero: the store's own order
	Descending bool
	CaseExact  bool
}

// Page is an answer to a [Query].
type Page[R any] struct {
	Resources []*R
	Total     int // of all pages

	// Next marks where the next page begins, in a form that stays right when
	// resources come and go; it is empty on the last page and in stores
	// without such marks, whose cursors the handler makes of positions.
	Next string
}

// Transactor is a [Store] with transactions, which [Config.OnChange] needs.
type Transactor interface {
	// InTx runs fn in a transaction that commits if and only if fn returns nil.
	// Calls on this store, and on the others of the same database, with fn's
	// context join it; so do nested InTx calls. fn may run more than once.
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
}

// MemberStore is a Store[Group] that changes members without loading the
// group.
type MemberStore interface {
	// ChangeMembers adds and removes members of a group in one step and returns
	// its new Meta. It is idempotent: to add who is a member and to remove who
	// is none are no errors, and without any effect the version stays. A member
	// that is not in the tenant is refused with CheckInvalidValue. If
	// version is not empty and not the group's, it returns ErrVersion.
	ChangeMembers(ctx context.Context, tenant, groupID, version string, add []Member, remove []string) (Meta, error)
}

// power finds an optional interface of a store, through its wrappers.
func power[P any](store any) (P, bool) {
	for store != nil {
		if p, ok := store.(P); ok {
			return p, true
		}
		u, ok := store.(interface{ Unwrap() any })
		if !ok {
			break
		}
		store = u.Unwrap()
	}
	var none P
	return none, false
}
