// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"iter"
	"slices"
)

// Snapshot is a [SyncSource] in memory.
type Snapshot struct {
	People     []*User
	Teams      []*Group // nil: groups of the target are left alone
	Attributes []string // nil: all of [SyncAttributes]
}

// Users implements [SyncSource].
func (s *Snapshot) Users(context.Context) iter.Seq2[*User, error] { return each(s.People) }

// Groups implements [SyncSource].
func (s *Snapshot) Groups(context.Context) iter.Seq2[*Group, error] {
	if s.Teams == nil {
		return nil
	}
	return each(s.Teams)
}

// SyncAttributes implements [AttributeSource].
func (s *Snapshot) SyncAttributes() []string {
	if s.Attributes == nil {
		return SyncAttributes()
	}
	return slices.Clone(s.Attributes)
}

func each[R any](list []*R) iter.Seq2[*R, error] {
	return func(yield func(*R, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// ClientSource is another SCIM server as a source. The target's externalId is
// the source's externalId, or else its id.
func ClientSource(c *Client) SyncSource { return clientSource{c} }

type clientSource struct{ c *Client }

func (s clientSource) Users(ctx context.Context) iter.Seq2[*User, error] {
	return s.c.Users().All(ctx, ListOptions{Exclude: []string{"groups"}})
}

func (s clientSource) Groups(ctx context.Context) iter.Seq2[*Group, error] {
	return s.c.groupsWithMembers(ctx)
}

// groupPage is how many groups are asked for at a time: they may be large.
const groupPage = 50

// groupsWithMembers are all groups. Where the server does not say who is in
// them, the users are asked for, group by group.
func (c *Client) groupsWithMembers(ctx context.Context) iter.Seq2[*Group, error] {
	return func(yield func(*Group, error) bool) {
		for g, err := range c.Groups().All(ctx, ListOptions{Size: groupPage}) {
			if err == nil && c.c.Profile == AWS {
				var ids []string
				ids, err = c.MembersOf(ctx, g.ID)
				g.Members = nil
				for _, id := range ids {
					g.Members = append(g.Members, Member{Value: id, Type: "User"})
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(g, nil) {
				return
			}
		}
	}
}
