// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"net/http"
	"time"
)

// Config is what a [Handler] stands on. BaseURL, Users and one of Tokens and
// Authenticate are required.
type Config struct {
	// BaseURL is where the handler is mounted, for example
	// https://app.example.com/scim/v2. Locations are made from it, never from
	// the request. Its path is taken off request paths that have it.
	BaseURL string

	Users  Store[User]
	Groups Store[Group] // nil: the server has no groups
	Types  []Type       // further resource types, made by [NewType]

	// UserExtensions are schemas of extensions of users beside the enterprise
	// extension; values are kept in [Base.Extra]. GroupExtensions likewise.
	UserExtensions  []Schema
	GroupExtensions []Schema

	// Rules restrict attributes of the standard schemas.
	Rules []AttributeRule

	// Unknown says what happens to attributes that no schema has.
	Unknown Unknown

	// ChangePassword lets clients set passwords: User.Password reaches the
	// store and OnChange. Without it the attribute does not exist, and what
	// clients send (Okta always does) is dropped.
	ChangePassword bool

	// Tokens authenticates requests by bearer tokens. Authenticate does it by
	// the application's own means; its errors answer 401 unless they are an
	// [*Error] with another Check.
	Tokens       *Tokens
	Authenticate func(r *http.Request) (Caller, error)

	// Allow is asked once a request, after authentication; a positive wait
	// answers 429 with Retry-After. Nil allows all.
	Allow func(ctx context.Context, c Caller) (wait time.Duration)

	// Me returns the id of the user that the caller is. Nil answers /Me with
	// [Caller.UserID], or 501 if that is empty.
	Me func(ctx context.Context, c Caller) (id string, err error)

	// OnChange is called for every change, in the store's transaction: an error
	// undoes the change and is the answer. All stores must be [Transactor]s
	// then. It may be called again for a change whose transaction is repeated.
	OnChange func(ctx context.Context, c Change) error

	// OnError is told of every refusal and failure, with the cause. It may be
	// nil.
	OnError func(r *http.Request, err *Error)

	Profile Profile // "" is [Auto]
	Limits  Limits
	Now     func() time.Time // nil: time.Now
}

// Caller is who sent a request.
type Caller struct {
	Tenant   string // never empty
	Actor    string // for audit: the token's id
	ReadOnly bool
	UserID   string  // for /Me; may be empty
	Profile  Profile // "": the handler's
}

// AttributeRule restricts an attribute of a resource type.
type AttributeRule struct {
	Type string // "User" or "Group"
	Path string // "roles", "name.middleName" or with the URN of an extension
	Rule Rule
}

// Rule is what an [AttributeRule] does.
type Rule uint8

// The rules. Refuse and Ignore take the attribute out of the schema; whoever
// sends it is answered with invalidValue, or it is dropped.
const (
	Refuse Rule = iota + 1
	Ignore
	MakeReadOnly
)

// Unknown is a policy for attributes that no schema has.
type Unknown uint8

// The policies.
const (
	KeepUnknown   Unknown = iota // stored in Base.Extra and returned; the default
	RefuseUnknown                // 400 invalidSyntax, in PATCH paths invalidPath
	IgnoreUnknown                // dropped
)

// Limits bound what a request may cost. Zero fields mean the defaults.
type Limits struct {
	Body       int64 // bytes of a request body; 2 MiB
	Depth      int   // nested objects and lists; 16
	Values     int   // values in a request body; 100,000
	Text       int   // bytes of one text value; 64 KiB
	Filter     int   // bytes of a filter; 8 KiB
	Operations int   // of a PATCH or Bulk request; 1,000
	PageSize   int   // resources on a page if the client does not say; 100
	MaxPage    int   // resources on a page at most; 1,000
	Concurrent int   // requests at the same time, beyond which the answer is 429; 256
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, d int) {
		if *p <= 0 {
			*p = d
		}
	}
	if l.Body <= 0 {
		l.Body = 2 << 20
	}
	set(&l.Depth, 16)
	set(&l.Values, 100_000)
	set(&l.Text, 64<<10)
	set(&l.Filter, 8<<10)
	set(&l.Operations, 1000)
	set(&l.PageSize, 100)
	set(&l.MaxPage, 1000)
	set(&l.Concurrent, 256)
	l.PageSize = min(l.PageSize, l.MaxPage)
	return l
}

// ChangeOp is what happened to a resource.
type ChangeOp string

// The kinds of change.
const (
	Created        ChangeOp = "created"
	Updated        ChangeOp = "updated"
	Deleted        ChangeOp = "deleted"
	MembersChanged ChangeOp = "membersChanged" // by a [MemberStore]
)

// Change is what [Config.OnChange] is told. Before and After are *User, *Group
// or a pointer to an application's own struct, and must not be changed.
type Change struct {
	Op     ChangeOp
	Caller Caller
	Type   string // "User", "Group", …
	ID     string
	Before Resource // Updated and Deleted; without members of a deleted group
	After  Resource // Created and Updated

	Added   []Member // MembersChanged: what was asked for
	Removed []string
}
