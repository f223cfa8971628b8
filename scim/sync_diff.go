// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/gatehouse-id/gatehouse/scim/filter"
)

// Plan reads source and target and compares them. It writes nothing: it is the
// dry run of [Sync.Apply].
//
// A person is found by externalId and by nothing else, but a person of the
// target without one is adopted by userName, and a group by displayName. A
// person who is inactive in the source is deactivated, and not created.
func (s *Sync) Plan(ctx context.Context) (*Plan, error) {
	if s.c.Source == nil {
		return nil, refuse(CheckSyncSource, "there is no source")
	}
	d := &differ{
		s: s, aws: s.c.Target.Profile() == AWS,
		plan:     &Plan{Format: 1, Target: s.c.Target.BaseURL(), Made: s.c.Now().UTC(), Users: []UserChange{}, Groups: []GroupChange{}},
		people:   map[string]PlanMember{},
		teams:    map[string]PlanMember{},
		names:    map[string]string{},
		withheld: map[string]bool{},
	}
	if err := d.users(ctx); err != nil {
		return nil, err
	}
	if err := d.groups(ctx); err != nil {
		return nil, err
	}
	return d.plan, nil
}

// differ makes one plan.
type differ struct {
	s    *Sync
	aws  bool
	plan *Plan

	pairs    []pair[User]
	people   map[string]PlanMember // by the source's id
	teams    map[string]PlanMember
	names    map[string]string // of the target's ids
	withheld map[string]bool   // the target's ids of members whom a problem keeps as they are, and of those who go by themselves
}

// has is a resource of the target.
type has[R any] struct {
	r     *R
	taken bool // by one of the source
}

// pair is a resource of the source and the target's, nil if it is to be made.
type pair[R any] struct {
	want, have *R
	object     *object // want, as the target keeps it
}

// index finds resources of the target.
type index[R any] struct {
	all      []*has[R]
	external map[string]*has[R]
	name     map[string]*has[R] // folded
}

func indexOf[R any]() *index[R] {
	return &index[R]{external: map[string]*has[R]{}, name: map[string]*has[R]{}}
}

func (x *index[R]) add(r *R, externalID, name string) {
	h := &has[R]{r: r}
	x.all = append(x.all, h)
	if externalID != "" {
		x.external[externalID] = h
	}
	name = filter.Fold(name)
	if old := x.name[name]; old == nil {
		x.name[name] = h
	}
}

func sourceError(err error) error {
	return &Error{Check: CheckSyncSource, Public: "the source cannot be read", Err: err}
}

func (d *differ) users(ctx context.Context) error {
	var wanted []*User
	for u, err := range d.s.c.Source.Users(ctx) {
		if err != nil {
			return sourceError(err)
		}
		wanted = append(wanted, u)
	}
	d.plan.People = len(wanted)
	have := indexOf[User]()
	for u, err := range d.s.c.Target.Users().All(ctx, ListOptions{Exclude: []string{"groups"}}) {
		if err != nil {
			return err
		}
		have.add(u, u.ExternalID, u.UserName)
		d.names[u.ID] = u.UserName
		if u.IsActive() && d.s.c.Manage(u) {
			d.plan.Active++
		}
	}
	twice := doubles(wanted, func(u *User) []string {
		return []string{"i" + u.ID, "e" + externalOf(&u.Base), "n" + filter.Fold(u.UserName)}
	})
	known := map[string]bool{}
	for i, u := range wanted {
		known[u.ID] = true
		d.user(u, have, twice[i])
	}
	// All are matched before they are compared: anybody may be one's manager.
	for _, p := range d.pairs {
		d.compare(p, known)
	}
	for _, h := range have.all {
		if !h.taken {
			d.orphan(h.r)
		}
	}
	return nil
}

// doubles says which elements share a key with another.
func doubles[R any](list []*R, keys func(*R) []string) map[int]bool {
	out, first := map[int]bool{}, make(map[string]int, 3*len(list))
	for i, r := range list {
		for _, k := range keys(r) {
			if j, ok := first[k]; ok {
				out[i], out[j] = true, true
			} else {
				first[k] = i
			}
		}
	}
	return out
}

func externalOf(b *Base) string {
	if b.ExternalID != "" {
		return b.ExternalID
	}
	return b.ID
}

func (d *differ) user(u *User, have *index[User], twice bool) {
	external := externalOf(&u.Base)
	h := have.external[external]
	named := have.name[filter.Fold(u.UserName)]
	if h == nil && named != nil && named.r.ExternalID == "" && !twice {
		h = named
	}
	problem := func(reason string) {
		d.plan.Problems = append(d.plan.Problems, Problem{"User", u.ID, u.UserName, reason})
		for _, x := range []*has[User]{h, named} {
			if x != nil {
				// Whoever it is stays as they are until a person has decided.
				x.taken = true
				d.withheld[x.r.ID] = true
			}
		}
	}
	switch {
	case u.ID == "" || u.UserName == "":
		problem("it has no id or no userName")
		return
	case twice:
		problem("id, externalId or userName are in the source twice")
		return
	case h == nil && named != nil && (d.s.c.Orphans != DeleteOrphans || !d.s.c.Manage(named.r)):
		problem("the userName belongs to another person of the target, externalId " + quoted(named.r.ExternalID))
		return
	case h != nil && h.taken:
		problem("the person of the target is another's already")
		return
	}
	want := userType().object(u)
	want.set("externalId", external)
	if d.aws {
		if missing := shapeForAWS(want); missing != "" && u.IsActive() {
			problem("IAM Identity Center needs " + missing)
			return
		}
	}
	p, m := pair[User]{want: u, object: want}, PlanMember{Key: u.ID, Name: u.UserName}
	switch {
	case h != nil:
		h.taken = true
		p.have, m.ID = h.r, h.r.ID
	case !u.IsActive():
		d.plan.Unchanged++
		return
	}
	d.pairs = append(d.pairs, p)
	d.people[u.ID] = m
}

func (d *differ) compare(p pair[User], known map[string]bool) {
	manager := d.manager(p, known)
	if p.have == nil {
		d.create(p.want, p.object, manager)
	} else {
		d.update(p.want, p.object, p.have, manager)
	}
}

// manager compares whom a person reports to, or returns nil.
func (d *differ) manager(p pair[User], known map[string]bool) *ManagerChange {
	if !slices.ContainsFunc(d.s.attrs, func(a *syncAttribute) bool { return a.ref }) || !p.want.IsActive() {
		return nil
	}
	var c ManagerChange
	if key := managerOf(p.want); key != "" {
		m, ok := d.people[key]
		if !ok {
			if !known[key] {
				d.plan.Problems = append(d.plan.Problems, Problem{"User", p.want.ID, p.want.UserName, "the manager " + quoted(key) + " is not in the source"})
			}
			return nil
		}
		c.New = m
	}
	if p.have != nil {
		c.Old.ID = managerOf(p.have)
		c.Old.Name = d.names[c.Old.ID]
	}
	if c.New.ID == c.Old.ID && (c.New.ID != "" || c.New.Key == "") {
		return nil
	}
	return &c
}

func managerOf(u *User) string {
	if u.Enterprise == nil || u.Enterprise.Manager == nil {
		return ""
	}
	return u.Enterprise.Manager.Value
}

func quoted(s string) string { return shorten(filter.TextValue(s).String(), 100) }

func (d *differ) create(u *User, want *object, manager *ManagerChange) {
	made := &object{}
	for _, a := range d.s.attrs {
		if v := a.of(want); v != nil && !a.ref {
			a.put(made, clone(v))
		}
	}
	d.plan.Users = append(d.plan.Users, UserChange{Action: PlanCreate, Key: u.ID, Name: u.UserName, User: userType().resource(made).(*User), Manager: manager})
}

func (d *differ) update(u *User, want *object, target *User, manager *ManagerChange) {
	c := UserChange{Action: PlanUpdate, Key: u.ID, ID: target.ID, Name: u.UserName, Manager: manager}
	have := userType().object(target)
	for _, a := range d.s.attrs {
		w, h := a.of(want), a.of(have)
		if a.ref || a.agrees(w, h) || w == nil && d.aws && a.awsMust {
			continue
		}
		c.Changes = append(c.Changes, SyncedChange{Path: a.path, Old: appendJSON(nil, h), New: appendJSON(nil, w)})
		if a.active && w == false {
			c.Action, c.Version = PlanDeactivate, target.Meta.Version
		}
	}
	if len(c.Changes) == 0 && manager == nil {
		d.plan.Unchanged++
		return
	}
	d.plan.Users = append(d.plan.Users, c)
}

func (d *differ) orphan(u *User) {
	c := UserChange{ID: u.ID, Name: u.UserName, Version: u.Meta.Version}
	switch {
	case d.s.c.Orphans == KeepOrphans || !d.s.c.Manage(u):
		d.plan.Unmanaged++
		return
	case d.s.c.Orphans == DeleteOrphans:
		c.Action = PlanDelete
		d.withheld[u.ID] = true
	case !u.IsActive():
		d.plan.Unchanged++
		return
	default:
		c.Action = PlanDeactivate
		c.Changes = []SyncedChange{{Path: "active", Old: json.RawMessage("true"), New: json.RawMessage("false")}}
	}
	if c.Name == "" {
		c.Name = u.ID
	}
	d.plan.Users = append(d.plan.Users, c)
}

func (d *differ) groups(ctx context.Context) error {
	source := d.s.c.Source.Groups(ctx)
	if source == nil {
		return nil
	}
	var wanted []*Group
	for g, err := range source {
		if err != nil {
			return sourceError(err)
		}
		wanted = append(wanted, g)
	}
	have := indexOf[Group]()
	for g, err := range d.s.c.Target.groupsWithMembers(ctx) {
		if err != nil {
			return err
		}
		have.add(g, g.ExternalID, g.DisplayName)
		d.names[g.ID] = g.DisplayName
		if d.s.c.Manage(g) {
			d.plan.Memberships += len(g.Members)
		}
	}
	twice := doubles(wanted, func(g *Group) []string {
		return []string{"i" + g.ID, "e" + externalOf(&g.Base), "n" + filter.Fold(g.DisplayName)}
	})
	// All are matched before members are compared: a group may be one's.
	var pairs []pair[Group]
	for i, g := range wanted {
		if h, ok := d.match(g, have, twice[i]); ok {
			m := PlanMember{Key: g.ID, Group: true, Name: g.DisplayName}
			if h != nil {
				m.ID = h.ID
			}
			d.teams[g.ID] = m
			pairs = append(pairs, pair[Group]{want: g, have: h})
		}
	}
	for _, p := range pairs {
		d.group(p.want, p.have)
	}
	for _, h := range have.all {
		if !h.taken {
			d.orphanGroup(h.r)
		}
	}
	return nil
}

// match finds the group of the target; nil is a group to be made.
func (d *differ) match(g *Group, have *index[Group], twice bool) (*Group, bool) {
	h := have.external[externalOf(&g.Base)]
	named := have.name[filter.Fold(g.DisplayName)]
	if h == nil && named != nil && named.r.ExternalID == "" && !twice {
		h = named
	}
	var reason string
	switch {
	case g.ID == "" || g.DisplayName == "":
		reason = "it has no id or no displayName"
	case twice:
		reason = "id, externalId or displayName are in the source twice"
	case h == nil && named != nil:
		reason = "the displayName belongs to another group of the target, externalId " + quoted(named.r.ExternalID)
	case h != nil && h.taken:
		reason = "the group of the target is another's already"
	case h == nil:
		return nil, true
	default:
		h.taken = true
		return h.r, true
	}
	d.plan.Problems = append(d.plan.Problems, Problem{"Group", g.ID, g.DisplayName, reason})
	for _, x := range []*has[Group]{h, named} {
		if x != nil {
			x.taken = true
		}
	}
	return nil, false
}

func (d *differ) group(g, target *Group) {
	c := GroupChange{Action: PlanCreate, Key: g.ID, Name: g.DisplayName, ExternalID: externalOf(&g.Base)}
	in := map[string]bool{}
	if target != nil {
		c.Action, c.ID = PlanUpdate, target.ID
		if target.ExternalID == c.ExternalID {
			c.ExternalID = ""
		}
		if target.DisplayName != g.DisplayName {
			c.OldName = target.DisplayName
		}
		for _, m := range target.Members {
			in[m.Value] = true
		}
	}
	wanted, seen, nested := map[string]bool{}, map[string]bool{}, 0
	for _, m := range g.Members {
		p, ok := d.people[m.Value]
		if m.Type == "Group" || !ok && m.Type == "" {
			p, ok = d.teams[m.Value]
		}
		if ok && d.aws && p.Group {
			nested++
			continue
		}
		if !ok || seen[m.Type+m.Value] {
			continue
		}
		seen[m.Type+m.Value] = true
		if p.ID != "" {
			wanted[p.ID] = true
			if in[p.ID] {
				continue
			}
		}
		c.Add = append(c.Add, p)
	}
	if nested > 0 {
		d.plan.Problems = append(d.plan.Problems, Problem{"Group", g.ID, g.DisplayName, "IAM Identity Center has no groups in groups; " + strconv.Itoa(nested) + " are left out"})
	}
	if target != nil {
		c.Remove = d.leaving(target, wanted)
		if c.OldName == "" && c.ExternalID == "" && len(c.Add)+len(c.Remove) == 0 {
			d.plan.Unchanged++
			return
		}
	}
	d.plan.Groups = append(d.plan.Groups, c)
}

func (d *differ) leaving(target *Group, stay map[string]bool) []PlanMember {
	var out []PlanMember
	for _, m := range target.Members {
		if !stay[m.Value] && !d.withheld[m.Value] {
			out = append(out, PlanMember{ID: m.Value, Name: d.names[m.Value]})
		}
	}
	return out
}

func (d *differ) orphanGroup(g *Group) {
	c := GroupChange{Action: PlanDelete, ID: g.ID, Name: g.DisplayName, Remove: d.leaving(g, nil)}
	switch {
	case d.s.c.Orphans == KeepOrphans || !d.s.c.Manage(g):
		d.plan.Unmanaged++
		return
	case d.s.c.Orphans == DeactivateOrphans:
		if c.Action = PlanEmpty; len(c.Remove) == 0 {
			d.plan.Unchanged++
			return
		}
	}
	if c.Name == "" {
		c.Name = g.ID
	}
	d.plan.Groups = append(d.plan.Groups, c)
}
