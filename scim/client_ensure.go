// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// EnsureUser makes a user, or finds the one that is there already: if the
// server answers with a conflict, perhaps because an earlier attempt was done
// and its answer lost, the user of the same externalId or userName is looked
// up and returned as it is. One of the same userName and another externalId is
// another person, and refused with CheckUniqueness.
func (c *Client) EnsureUser(ctx context.Context, u *User) (user *User, created bool, err error) {
	return ensure(ctx, c.Users(), u, u.ExternalID, "userName", u.UserName)
}

// EnsureGroup finds a group by externalId or displayName, or makes it. Names of
// groups are not unique by the standard, so it looks before it makes, and again
// whenever an answer was lost. At most 100 members are sent at a time; members
// of a group that was there are not changed.
func (c *Client) EnsureGroup(ctx context.Context, g *Group) (group *Group, created bool, err error) {
	first := *g
	if len(first.Members) > MemberChunk {
		first.Members = first.Members[:MemberChunk]
	}
	for attempt := 1; ; attempt++ {
		group, err = lookUp(ctx, c.Groups(), g.ExternalID, "displayName", g.DisplayName)
		if !errors.Is(err, ErrNotFound) {
			return group, false, err
		}
		if group, err = c.Groups().Create(ctx, &first); err == nil {
			break
		}
		// Whether it was made is not known, or another has made it.
		unsure := hasCheck(err, CheckConnection) || hasCheck(err, CheckInternal) || errors.Is(err, ErrConflict)
		if !unsure || attempt >= c.c.Attempts {
			return nil, false, err
		}
		wait, _ := c.wait(Request{}, attempt, err)
		if e := c.c.Sleep(ctx, wait); e != nil {
			return nil, false, err
		}
	}
	var rest []string
	for _, m := range g.Members[len(first.Members):] {
		rest = append(rest, m.Value)
	}
	return group, true, c.AddMembers(ctx, group.ID, rest...)
}

func ensure[R any](ctx context.Context, r *Resources[R], x *R, externalID, name, value string) (*R, bool, error) {
	made, err := r.create(ctx, x, false)
	if err == nil || !errors.Is(err, ErrConflict) {
		return made, err == nil, err
	}
	found, missing := lookUp(ctx, r, externalID, name, value)
	if errors.Is(missing, ErrNotFound) {
		return nil, false, err // of something else
	}
	if missing != nil {
		return nil, false, errors.Join(missing, err)
	}
	return found, false, nil
}

// lookUp finds what has the externalId, or the name and no other externalId.
func lookUp[R any](ctx context.Context, r *Resources[R], externalID, name, value string) (*R, error) {
	if externalID != "" {
		found, err := r.Find(ctx, equals("externalId", externalID))
		if err == nil && r.of(found).Common().ExternalID != externalID {
			return nil, errNoMatch
		}
		if !errors.Is(err, ErrNotFound) {
			return found, err
		}
	}
	found, err := r.Find(ctx, equals(name, value))
	if err != nil {
		return nil, err
	}
	if filter.Fold(r.t.object(r.of(found)).text(name)) != filter.Fold(value) {
		return nil, errNoMatch
	}
	if other := r.of(found).Common().ExternalID; other != "" && other != externalID {
		return nil, refuse(CheckUniqueness, "the "+name+" belongs to another resource")
	}
	return found, nil
}

// errNoMatch keeps the account of one person from going to another.
var errNoMatch = refuse(CheckAnswer, "the server answers a filter with what does not match it")

// equals writes a filter.
func equals(attribute, value string) string {
	return (&filter.Compare{Path: filter.Path{Name: attribute}, Op: filter.Eq, Value: filter.TextValue(value)}).String()
}

// MemberChunk is how many members one request adds or removes: no known server
// takes fewer.
const MemberChunk = 100

// AddMembers adds members to a group, 100 at a time. A server that says that it
// has no PATCH is sent the whole group.
func (c *Client) AddMembers(ctx context.Context, groupID string, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	if !caps.Patch {
		return c.editGroup(ctx, groupID, func(g *Group) bool {
			n := len(g.Members)
			g.Members = with(g.Members, ids)
			return len(g.Members) != n
		})
	}
	for part := range slices.Chunk(ids, MemberChunk) {
		if _, err := c.Groups().Patch(ctx, groupID, "", PatchOp{Op: "add", Path: "members", Value: memberValues(part)}); err != nil {
			return err
		}
	}
	return nil
}

// RemoveMembers removes members from a group, 100 at a time. Who is no member
// is passed over. A server that says that it has no PATCH is sent the whole
// group.
func (c *Client) RemoveMembers(ctx context.Context, groupID string, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	if !caps.Patch {
		return c.editGroup(ctx, groupID, func(g *Group) bool {
			n := len(g.Members)
			g.Members = without(g.Members, ids)
			return len(g.Members) != n
		})
	}
	for part := range slices.Chunk(ids, MemberChunk) {
		err := c.removeMembers(ctx, groupID, part)
		if hasCheck(err, CheckNoTarget) && len(part) > 1 {
			// Some of them are gone already; the others must go all the same.
			for _, id := range part {
				if err = c.removeMembers(ctx, groupID, []string{id}); err != nil && !hasCheck(err, CheckNoTarget) {
					return err
				}
			}
		}
		if err != nil && !hasCheck(err, CheckNoTarget) {
			return err
		}
	}
	return nil
}

func (c *Client) removeMembers(ctx context.Context, groupID string, ids []string) error {
	var ops []PatchOp
	if c.c.Profile == AWS {
		ops = []PatchOp{{Op: "remove", Path: "members", Value: memberValues(ids)}}
	} else {
		for _, id := range ids {
			ops = append(ops, PatchOp{Op: "remove", Path: "members[" + equals("value", id) + "]"})
		}
	}
	_, err := c.Groups().Patch(ctx, groupID, "", ops...)
	return err
}

// edits is how often a resource is read and put back while others change it or
// answers are lost.
const edits = 5

// editGroup changes a group by GET and PUT. Without versions the last writer
// wins; nothing better can be had from such a server.
func (c *Client) editGroup(ctx context.Context, id string, edit func(*Group) (changed bool)) error {
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	for range edits {
		g, e := c.Groups().Get(ctx, id)
		if e != nil || !edit(g) {
			return e
		}
		if !caps.ETag {
			g.Meta.Version = ""
		}
		if _, err = c.Groups().Replace(ctx, g); !readAgain(ctx, err) {
			return err
		}
	}
	return err
}

// readAgain reports that a resource that was put with its version may or may
// not have been replaced, or was changed by another: to read it again tells.
func readAgain(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (hasCheck(err, CheckVersion) || hasCheck(err, CheckConnection) || hasCheck(err, CheckInternal))
}

func with(members []Member, ids []string) []Member {
	in := make(map[string]bool, len(members))
	for _, m := range members {
		in[m.Value] = true
	}
	out := slices.Clone(members)
	for _, id := range ids {
		if !in[id] {
			out = append(out, Member{Value: id})
		}
	}
	return out
}

func without(members []Member, ids []string) []Member {
	away := make(map[string]bool, len(ids))
	for _, id := range ids {
		away[id] = true
	}
	return slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return away[m.Value] })
}

type memberValue struct {
	Value string `json:"value"`
}

func memberValues(ids []string) []memberValue {
	out := make([]memberValue, len(ids))
	for i, id := range ids {
		out[i].Value = id
	}
	return out
}

// MembersOf returns the ids of a group's direct members. Servers of the AWS
// profile answer groups without them; there the users are asked for.
func (c *Client) MembersOf(ctx context.Context, groupID string) ([]string, error) {
	var ids []string
	if c.c.Profile != AWS {
		g, err := c.Groups().Get(ctx, groupID)
		if err != nil {
			return nil, err
		}
		for _, m := range g.Members {
			ids = append(ids, m.Value)
		}
		return ids, nil
	}
	for u, err := range c.Users().All(ctx, ListOptions{Filter: (&filter.Compare{
		Path: filter.Path{Name: "groups", Sub: "value"}, Op: filter.Eq, Value: filter.TextValue(groupID),
	}).String()}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, u.ID)
	}
	return ids, nil
}

func patchMessage(ops []PatchOp) ([]byte, error) {
	out := obj("schemas", []any{PatchOpURN})
	list := make([]any, 0, len(ops))
	for i, op := range ops {
		o := obj("op", op.Op)
		if op.Path != "" {
			o.add("path", op.Path)
		}
		if op.Value != nil {
			b, err := json.Marshal(op.Value)
			if err != nil {
				return nil, &Error{Check: CheckInvalidValue, Public: "operation " + strconv.Itoa(i+1) + " has a value that is no JSON", Err: err}
			}
			o.add("value", raw(b))
		}
		list = append(list, o)
	}
	out.add("Operations", list)
	return appendJSON(nil, out), nil
}
