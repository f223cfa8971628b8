// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/scim"
)

// SCIMUsers is the people of every source as a scim.Store: the tenant is the
// source's id, so a token that is bound to one source reads and writes that
// source alone.
func (d *Directory) SCIMUsers() scim.Store[scim.User] { return scimUsers{d} }

// SCIMGroups is the groups of every source as a scim.Store.
func (d *Directory) SCIMGroups() scim.Store[scim.Group] { return scimGroups{d} }

// actorKey carries who provisions, for the events.
type actorKey struct{}

// WithActor returns a context whose provisioning events name the actor.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

func actorOf(ctx context.Context) string {
	a, _ := ctx.Value(actorKey{}).(string)
	return "scim:" + a
}

// kept is what a provisioned person has beyond the directory's own fields.
type kept struct {
	User  scim.User                  `json:"user"`
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}

// scimError translates the store's errors.
func scimError(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return scim.ErrNotFound
	case errors.Is(err, ErrConflict):
		return scim.ErrConflict
	case errors.Is(err, ErrVersion):
		return scim.ErrVersion
	}
	return givenUp(err)
}

// givenUp says of a busy database that it was waited for long enough: 503 with
// Retry-After, and no more tries by the handler.
func givenUp(err error) error {
	if sqltx.IsBusy(err) {
		return errors.Join(scim.ErrBusy, err)
	}
	return err
}

var errText = &scim.Error{Check: scim.CheckInvalidValue, Public: "a value holds NUL or is not UTF-8"}

var errKept = &scim.Error{Check: scim.CheckMutability, Public: "this resource is kept by the portal's administrators or configuration; change it there, or hand it over there"}

// provisionable tells whether a provisioning client may change what the owner
// wrote: what provisioning made, or a sign-in by the same source. What an
// administrator or a declarative file keeps is theirs until they hand it over.
func provisionable(owner string) bool {
	return owner == OwnerSCIM || owner == OwnerSample || strings.HasPrefix(owner, OwnerSAML)
}

type scimUsers struct{ d *Directory }

// InTx makes the store a scim.Transactor.
func (s scimUsers) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return givenUp(s.d.c.Store.InTx(ctx, fn))
}

func (s scimUsers) Create(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	p := &Person{SourceID: tenant, Owner: OwnerSCIM}
	if err := fillPerson(p, u); err != nil {
		return nil, err
	}
	if err := s.d.CreatePerson(ctx, actorOf(ctx), p); err != nil {
		return nil, scimError(err)
	}
	return s.user(ctx, p, 0)
}

func (s scimUsers) Get(ctx context.Context, tenant, id string, omit scim.Omit) (*scim.User, error) {
	p, err := s.own(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return s.user(ctx, p, omit)
}

func (s scimUsers) own(ctx context.Context, tenant, id string) (*Person, error) {
	if !httpx.Text(id) {
		return nil, scim.ErrNotFound
	}
	p, err := s.d.c.Store.Person(ctx, id)
	if err == nil && p.SourceID != tenant {
		err = ErrNotFound
	}
	return p, scimError(err)
}

func (s scimUsers) Replace(ctx context.Context, tenant string, u *scim.User) (*scim.User, error) {
	p, err := s.own(ctx, tenant, u.ID)
	if err != nil {
		return nil, err
	}
	if !provisionable(p.Owner) {
		return nil, errKept
	}
	if strconv.FormatInt(p.Version, 10) != u.Meta.Version {
		return nil, scim.ErrVersion
	}
	if err := fillPerson(p, u); err != nil {
		return nil, err
	}
	if err := s.d.UpdatePerson(ctx, actorOf(ctx), "provisioned", p); err != nil {
		return nil, scimError(err)
	}
	return s.user(ctx, p, 0)
}

func (s scimUsers) Delete(ctx context.Context, tenant, id, version string) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		p, err := s.own(ctx, tenant, id)
		if err != nil {
			return err
		}
		if !provisionable(p.Owner) {
			return errKept
		}
		if version != "" && version != strconv.FormatInt(p.Version, 10) {
			return scim.ErrVersion
		}
		return scimError(s.d.DeletePerson(ctx, actorOf(ctx), tenant, id))
	})
}

func (s scimUsers) Query(ctx context.Context, tenant string, q scim.Query) (scim.Page[scim.User], error) {
	people, total, err := s.d.c.Store.FindPeople(ctx, tenant, q)
	if err != nil {
		return scim.Page[scim.User]{}, givenUp(err)
	}
	page := scim.Page[scim.User]{Total: total}
	for i := range people {
		u, err := s.user(ctx, &people[i], q.Omit)
		if err != nil {
			return scim.Page[scim.User]{}, err
		}
		page.Resources = append(page.Resources, u)
	}
	return page, nil
}

// maxEmails bounds the addresses that a person is looked up by.
const maxEmails = 100

// fillPerson copies what a provisioning client may write. Passwords, roles and
// factors are not among it, and neither is an administrator's block.
func fillPerson(p *Person, u *scim.User) error {
	k := kept{User: *u, Extra: u.Extra}
	k.User.Base, k.User.Password, k.User.Groups, k.User.Roles, k.User.Active = scim.Base{}, "", nil, nil, nil
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if FoldLogin(u.UserName) == "" {
		return &scim.Error{Check: scim.CheckInvalidValue, Public: "userName cannot be a login name"}
	}
	p.Raw, p.ExternalID, p.UserName, p.DisplayName, p.Active = raw, u.ExternalID, u.UserName, u.DisplayName, u.IsActive()
	p.GivenName, p.FamilyName, p.Email = "", "", ""
	if u.Name != nil {
		p.GivenName, p.FamilyName = u.Name.GivenName, u.Name.FamilyName
		if p.DisplayName == "" {
			p.DisplayName = u.Name.Formatted
		}
	}
	if len(u.Emails) > maxEmails {
		return &scim.Error{Check: scim.CheckInvalidValue, Public: "emails: more than 100 addresses"}
	}
	for i, e := range u.Emails {
		if i == 0 || e.Primary {
			p.Email = e.Value
		}
	}
	fields := []string{p.UserName, p.DisplayName, p.GivenName, p.FamilyName, p.ExternalID}
	for _, e := range u.Emails {
		fields = append(fields, e.Value, e.Type)
	}
	for _, field := range fields {
		if len(field) > MaxName {
			return &scim.Error{Check: scim.CheckInvalidValue, Public: "a name or address is longer than 256 bytes"}
		}
		if !httpx.Text(field) {
			return errText
		}
	}
	p.Attributes = attributes(u)
	return nil
}

// Emails lists the person's addresses: what a source wrote, or the one address
// of the directory's own. Those from before [MaxName] bounded them, which are too
// long for an index, are left out.
func (p *Person) Emails() ([]scim.Value, error) {
	k, err := p.kept()
	if err != nil || len(k.User.Emails) > 0 || p.Email == "" {
		return slices.DeleteFunc(k.User.Emails, func(e scim.Value) bool { return len(e.Value) > MaxName || len(e.Type) > MaxName }), err
	}
	return []scim.Value{{Value: p.Email, Type: "work", Primary: true}}, nil
}

func (p *Person) kept() (k kept, err error) {
	if len(p.Raw) > 0 {
		err = json.Unmarshal(p.Raw, &k)
	}
	return k, err
}

// attributes are the source-written values that tags and applications may use.
func attributes(u *scim.User) map[string]string {
	out := map[string]string{}
	put := func(name, v string) {
		if v != "" && len(v) <= MaxName {
			out[name] = v
		}
	}
	put("title", u.Title)
	put("userType", u.UserType)
	if e := u.Enterprise; e != nil {
		put("department", e.Department)
		put("costCenter", e.CostCenter)
		put("division", e.Division)
		put("organization", e.Organization)
		put("employeeNumber", e.EmployeeNumber)
	}
	return out
}

// user is a person as a SCIM resource.
func (s scimUsers) user(ctx context.Context, p *Person, omit scim.Omit) (*scim.User, error) {
	k, err := p.kept()
	if err != nil {
		return nil, err
	}
	u := k.User
	u.Base = scim.Base{ID: p.ID, ExternalID: p.ExternalID, Extra: k.Extra, Meta: meta(p.Created, p.Modified, p.Version)}
	u.UserName, u.DisplayName, u.Active = p.UserName, p.DisplayName, &p.Active
	if p.GivenName != "" || p.FamilyName != "" {
		if u.Name == nil {
			u.Name = &scim.Name{}
		}
		u.Name.GivenName, u.Name.FamilyName = p.GivenName, p.FamilyName
	}
	if len(u.Emails) == 0 && p.Email != "" {
		u.Emails = []scim.Value{{Value: p.Email, Type: "work", Primary: true}}
	}
	if omit&scim.OmitGroups != 0 {
		return &u, nil
	}
	groups, err := s.d.c.Store.GroupsOf(ctx, p.ID)
	for _, g := range groups {
		u.Groups = append(u.Groups, scim.Membership{Value: g.ID, Display: g.DisplayName, Type: "direct"})
	}
	return &u, err
}

func meta(created, modified time.Time, version int64) scim.Meta {
	return scim.Meta{Created: created, LastModified: modified, Version: strconv.FormatInt(version, 10)}
}

type scimGroups struct{ d *Directory }

// InTx makes the store a scim.Transactor.
func (s scimGroups) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return givenUp(s.d.c.Store.InTx(ctx, fn))
}

func (s scimGroups) Create(ctx context.Context, tenant string, g *scim.Group) (*scim.Group, error) {
	if err := groupText(g.DisplayName, g.ExternalID, ids(g.Members)); err != nil {
		return nil, err
	}
	out := &Group{SourceID: tenant, DisplayName: g.DisplayName, ExternalID: g.ExternalID, Owner: OwnerSCIM}
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.d.CreateGroup(ctx, actorOf(ctx), out); err != nil {
			return scimError(err)
		}
		return memberError(s.d.c.Store.AddMembers(ctx, out.ID, ids(g.Members)))
	})
	if err != nil {
		return nil, err
	}
	return s.group(ctx, out, 0)
}

// groupText refuses a group whose values no database can keep.
func groupText(displayName, externalID string, members []string) error {
	if len(displayName) > MaxName || len(externalID) > MaxName {
		return &scim.Error{Check: scim.CheckInvalidValue, Public: "displayName or externalId is longer than 256 bytes"}
	}
	if !httpx.Text(displayName, externalID) || !httpx.Text(members...) {
		return errText
	}
	return nil
}

func ids(members []scim.Member) []string {
	out := make([]string, 0, len(members))
	for _, m := range members {
		out = append(out, m.Value)
	}
	return out
}

func memberError(err error) error {
	if errors.Is(err, ErrNotFound) {
		return &scim.Error{Check: scim.CheckInvalidValue, Public: "a member does not exist; members are users of the same source", Err: err}
	}
	return err
}

func (s scimGroups) own(ctx context.Context, tenant, id string) (*Group, error) {
	if !httpx.Text(id) {
		return nil, scim.ErrNotFound
	}
	g, err := s.d.c.Store.Group(ctx, id)
	if err == nil && g.SourceID != tenant {
		err = ErrNotFound
	}
	return g, scimError(err)
}

func (s scimGroups) Get(ctx context.Context, tenant, id string, omit scim.Omit) (*scim.Group, error) {
	g, err := s.own(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return s.group(ctx, g, omit)
}

func (s scimGroups) group(ctx context.Context, g *Group, omit scim.Omit) (*scim.Group, error) {
	out := &scim.Group{Base: scim.Base{ID: g.ID, ExternalID: g.ExternalID, Meta: meta(g.Created, g.Modified, g.Version)}, DisplayName: g.DisplayName}
	if omit&scim.OmitMembers != 0 {
		return out, nil
	}
	members, err := s.d.c.Store.Members(ctx, g.ID)
	for _, id := range members {
		out.Members = append(out.Members, scim.Member{Value: id, Type: "User"})
	}
	return out, err
}

func (s scimGroups) Replace(ctx context.Context, tenant string, in *scim.Group) (*scim.Group, error) {
	if err := groupText(in.DisplayName, in.ExternalID, ids(in.Members)); err != nil {
		return nil, err
	}
	var g *Group
	err := s.InTx(ctx, func(ctx context.Context) (err error) {
		if g, err = s.writable(ctx, tenant, in.ID, in.Meta.Version); err != nil {
			return err
		}
		have, err := s.d.c.Store.Members(ctx, g.ID)
		if err != nil {
			return err
		}
		add, remove := difference(have, ids(in.Members))
		g.DisplayName, g.ExternalID = in.DisplayName, in.ExternalID
		return s.change(ctx, g, add, remove)
	})
	if err != nil {
		return nil, err
	}
	return s.group(ctx, g, 0)
}

// writable returns a group of the tenant that provisioning may change.
func (s scimGroups) writable(ctx context.Context, tenant, id, version string) (*Group, error) {
	g, err := s.own(ctx, tenant, id)
	switch {
	case err != nil:
		return nil, err
	case !provisionable(g.Owner):
		return nil, errKept
	case version != "" && version != strconv.FormatInt(g.Version, 10):
		return nil, scim.ErrVersion
	}
	return g, nil
}

// change stores the group's fields and members, with one event.
func (s scimGroups) change(ctx context.Context, g *Group, add, remove []string) error {
	g.Modified = s.d.c.Now().UTC().Truncate(time.Microsecond)
	if err := s.d.c.Store.UpdateGroup(ctx, g); err != nil {
		return scimError(err)
	}
	if err := memberError(s.d.c.Store.AddMembers(ctx, g.ID, add)); err != nil {
		return err
	}
	if err := s.d.c.Store.RemoveMembers(ctx, g.ID, remove); err != nil {
		return err
	}
	return s.d.c.Record(ctx, audit.Event{
		Type: audit.GroupChanged, Actor: actorOf(ctx), Source: g.SourceID,
		Details: map[string]string{"group": g.ID, "added": strconv.Itoa(len(add)), "removed": strconv.Itoa(len(remove))},
	})
}

func difference(have, want []string) (add, remove []string) {
	had, wanted := map[string]bool{}, map[string]bool{}
	for _, id := range have {
		had[id] = true
	}
	for _, id := range want {
		if !wanted[id] && !had[id] {
			add = append(add, id)
		}
		wanted[id] = true
	}
	for _, id := range have {
		if !wanted[id] {
			remove = append(remove, id)
		}
	}
	return add, remove
}

func (s scimGroups) Delete(ctx context.Context, tenant, id, version string) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.writable(ctx, tenant, id, version); err != nil {
			return err
		}
		if err := s.d.c.Store.DeleteGroup(ctx, tenant, id); err != nil {
			return scimError(err)
		}
		return s.d.c.Record(ctx, audit.Event{Type: audit.GroupDeleted, Actor: actorOf(ctx), Source: tenant, Details: map[string]string{"group": id}})
	})
}

func (s scimGroups) Query(ctx context.Context, tenant string, q scim.Query) (scim.Page[scim.Group], error) {
	groups, total, err := s.d.c.Store.FindGroups(ctx, tenant, q)
	if err != nil {
		return scim.Page[scim.Group]{}, givenUp(err)
	}
	page := scim.Page[scim.Group]{Total: total}
	for i := range groups {
		g, err := s.group(ctx, &groups[i], q.Omit)
		if err != nil {
			return scim.Page[scim.Group]{}, err
		}
		page.Resources = append(page.Resources, g)
	}
	return page, nil
}

// ChangeMembers makes the store a scim.MemberStore: a group is never loaded to
// add or remove members.
func (s scimGroups) ChangeMembers(ctx context.Context, tenant, groupID, version string, add []scim.Member, remove []string) (scim.Meta, error) {
	if err := groupText("", "", append(ids(add), remove...)); err != nil {
		return scim.Meta{}, err
	}
	var g *Group
	err := s.InTx(ctx, func(ctx context.Context) (err error) {
		if g, err = s.writable(ctx, tenant, groupID, version); err != nil {
			return err
		}
		have, err := s.d.c.Store.AreMembers(ctx, groupID, append(ids(add), remove...))
		if err != nil {
			return err
		}
		var plus, minus []string
		for _, m := range add {
			if !have[m.Value] {
				plus, have[m.Value] = append(plus, m.Value), true
			}
		}
		for _, id := range remove {
			if have[id] {
				minus, have[id] = append(minus, id), false
			}
		}
		if len(plus)+len(minus) == 0 {
			return nil
		}
		return s.change(ctx, g, plus, minus)
	})
	if err != nil {
		return scim.Meta{}, err
	}
	return meta(g.Created, g.Modified, g.Version), nil
}
