// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scimtest

import (
	"context"

	"github.com/gatehouse-id/gatehouse/scim"
)

// Faulty is a store that breaks the contract on purpose, and the check that
// must notice.
type Faulty struct {
	Name    string
	Noticed string // name of the check
	Stores  Stores
}

// Broken makes stores that break the contract, each in one way, over new ones.
func Broken(open func() Stores) []Faulty {
	change := func(name, noticed string, fn func(*Stores)) Faulty {
		s := open().withDefaults()
		fn(&s)
		return Faulty{name, noticed, s}
	}
	return []Faulty{
		change("lost update", "lost update", func(s *Stores) { s.Users = lastWins{s.Users} }),
		change("lost update at once", "lost update when replaced at once", func(s *Stores) { s.Users = lastWins{s.Users} }),
		change("cross-tenant read", "cross-tenant read", func(s *Stores) { s.Users = oneTenant{s.Users} }),
		change("cross-tenant write", "cross-tenant write", func(s *Stores) { s.Users = oneTenant{s.Users} }),
		change("joins no transaction", "joins the transaction", func(s *Stores) { s.Users = noJoin{s.Users} }),
		change("ignores the filter", "filter", func(s *Stores) { s.Users = noFilter{s.Users} }),
		change("shares what it stores", "copies", func(s *Stores) { s.Users = &shared{Store: s.Users, kept: map[string]*scim.User{}} }),
	}
}

// lastWins replaces whatever is there.
type lastWins struct{ scim.Store[scim.User] }

func (s lastWins) Unwrap() any { return s.Store }

func (s lastWins) Replace(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	for {
		now, err := s.Store.Get(ctx, tenant, u.ID, 0)
		if err != nil {
			return nil, err
		}
		forced := *u
		forced.Meta.Version = now.Meta.Version
		if made, err := s.Store.Replace(ctx, tenant, &forced); err == nil || ctx.Err() != nil {
			return made, err
		}
	}
}

// oneTenant forgets who asks.
type oneTenant struct{ scim.Store[scim.User] }

func (s oneTenant) Unwrap() any { return s.Store }

func (s oneTenant) Create(ctx context.Context, _ string, u *scim.User) (*scim.User, error) {
	return s.Store.Create(ctx, "all", u)
}

func (s oneTenant) Get(ctx context.Context, _, id string, omit scim.Omit) (*scim.User, error) {
	return s.Store.Get(ctx, "all", id, omit)
}

func (s oneTenant) Replace(ctx context.Context, _ string, u *scim.User) (*scim.User, error) {
	return s.Store.Replace(ctx, "all", u)
}

func (s oneTenant) Delete(ctx context.Context, _, id, version string) error {
	return s.Store.Delete(ctx, "all", id, version)
}

func (s oneTenant) Query(ctx context.Context, _ string, q scim.Query) (scim.Page[scim.User], error) {
	return s.Store.Query(ctx, "all", q)
}

// noJoin has transactions that nothing is part of.
type noJoin struct{ scim.Store[scim.User] }

func (s noJoin) InTx(ctx context.Context, fn func(ctx context.Context) error) error { return fn(ctx) }

// noFilter answers a wider question.
type noFilter struct{ scim.Store[scim.User] }

func (s noFilter) Unwrap() any { return s.Store }

func (s noFilter) Query(ctx context.Context, tenant string, q scim.Query) (scim.Page[scim.User], error) {
	q.Filter = nil
	return s.Store.Query(ctx, tenant, q)
}

// shared hands out what it keeps.
type shared struct {
	scim.Store[scim.User]
	kept map[string]*scim.User
}

func (s *shared) Create(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	made, err := s.Store.Create(ctx, tenant, u)
	if err == nil {
		s.kept[made.ID] = made
	}
	return made, err
}

func (s *shared) Get(_ context.Context, _, id string, _ scim.Omit) (*scim.User, error) {
	if u := s.kept[id]; u != nil {
		return u, nil
	}
	return nil, scim.ErrNotFound
}
