// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Plan is the difference between a source and a target, and what would end it.
// [Plan.String] is for people; as JSON it can be kept, read with [ParsePlan]
// and applied later. It holds personal data.
type Plan struct {
	Format int           `json:"format"` // 1
	Target string        `json:"target"` // the base URL
	Made   time.Time     `json:"made"`
	Users  []UserChange  `json:"users"`
	Groups []GroupChange `json:"groups"`

	// Problems are people and groups that cannot be synchronised, or a part of
	// them that cannot; nothing happens to it.
	Problems []Problem `json:"problems,omitempty"`

	Unchanged int `json:"unchanged"` // people and groups that agree
	Unmanaged int `json:"unmanaged"` // of the target, not in the source, left alone
	Active    int `json:"active"`    // managed people of the target who are active
	People    int `json:"people"`    // in the source

	Memberships int `json:"memberships"` // in managed groups of the target
}

// PlanAction is what happens to a resource.
type PlanAction string

// The actions. Empty takes all members out of a group.
const (
	PlanCreate     PlanAction = "create"
	PlanUpdate     PlanAction = "update"
	PlanDeactivate PlanAction = "deactivate"
	PlanDelete     PlanAction = "delete"
	PlanEmpty      PlanAction = "empty"
)

// UserChange is a change of one person.
type UserChange struct {
	Action  PlanAction     `json:"action"`
	Key     string         `json:"key,omitempty"` // the source's id
	ID      string         `json:"id,omitempty"`  // the target's, except for create
	Name    string         `json:"name"`          // userName
	Version string         `json:"version,omitempty"`
	User    *User          `json:"user,omitempty"`    // create: the whole
	Changes []SyncedChange `json:"changes,omitempty"` // update and deactivate
	Manager *ManagerChange `json:"manager,omitempty"` // beside User or Changes
}

// ManagerChange is a change of whom a person reports to; a side without an id
// and a key is nobody. Those who are yet to be made are set when they are.
type ManagerChange struct {
	Old PlanMember `json:"old"`
	New PlanMember `json:"new"`
}

// SyncedChange is a change of one attribute; a side without a value is null.
type SyncedChange struct {
	Path string          `json:"path"`
	Old  json.RawMessage `json:"old"`
	New  json.RawMessage `json:"new"`
}

// GroupChange is a change of one group.
type GroupChange struct {
	Action     PlanAction   `json:"action"`
	Key        string       `json:"key,omitempty"`
	ID         string       `json:"id,omitempty"`
	Name       string       `json:"name"` // displayName
	OldName    string       `json:"oldName,omitempty"`
	ExternalID string       `json:"externalId,omitempty"` // to set
	Add        []PlanMember `json:"add,omitempty"`
	Remove     []PlanMember `json:"remove,omitempty"` // delete: all who are in it
}

// PlanMember is a member or manager by the target's id or, if it is yet to be
// made, by the source's.
type PlanMember struct {
	ID    string `json:"id,omitempty"`
	Key   string `json:"key,omitempty"`
	Group bool   `json:"group,omitempty"` // the key is a group's
	Name  string `json:"name,omitempty"`
}

// Problem is why a person or group is left out.
type Problem struct {
	Type   string `json:"type"` // "User" or "Group"
	Key    string `json:"key,omitempty"`
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason"`
}

// Empty reports that there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Users)+len(p.Groups) == 0 }

// Counts of what a plan does.
type PlanCounts struct {
	Create, Update, Deactivate, Delete                    int // people
	CreateGroups, UpdateGroups, EmptyGroups, DeleteGroups int
	AddMembers, RemoveMembers                             int
}

// Counts adds the plan up.
func (p *Plan) Counts() PlanCounts {
	var n PlanCounts
	for i := range p.Users {
		switch p.Users[i].Action {
		case PlanCreate:
			n.Create++
		case PlanUpdate:
			n.Update++
		case PlanDeactivate:
			n.Deactivate++
		case PlanDelete:
			n.Delete++
		}
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		switch g.Action {
		case PlanCreate:
			n.CreateGroups++
		case PlanUpdate:
			n.UpdateGroups++
		case PlanEmpty:
			n.EmptyGroups++
		case PlanDelete:
			n.DeleteGroups++
		}
		n.AddMembers += len(g.Add)
		n.RemoveMembers += len(g.Remove)
	}
	return n
}

// Summary is the plan in one line.
func (p *Plan) Summary() string {
	n := p.Counts()
	return fmt.Sprintf("people: %d to create, %d to update, %d to deactivate, %d to delete; groups: %d to create, %d to update, %d to empty, %d to delete; members: %d to add, %d to remove; %d unchanged, %d problems",
		n.Create, n.Update, n.Deactivate, n.Delete, n.CreateGroups, n.UpdateGroups, n.EmptyGroups, n.DeleteGroups, n.AddMembers, n.RemoveMembers, p.Unchanged, len(p.Problems))
}

// String is the plan for people, a change a line; texts of others are quoted.
func (p *Plan) String() string {
	var b strings.Builder
	p.print(&b)
	return b.String()
}

var planMarks = map[PlanAction]string{PlanCreate: "+", PlanUpdate: "~", PlanDeactivate: "-", PlanDelete: "x", PlanEmpty: "-"}

func (p *Plan) print(w io.Writer) {
	fmt.Fprintln(w, p.Summary())
	for i := range p.Users {
		u := &p.Users[i]
		fmt.Fprintf(w, "%s %s user %q\n", planMarks[u.Action], u.Action, u.Name)
		for _, d := range u.Changes {
			fmt.Fprintf(w, "    %s: %s -> %s\n", d.Path, shorten(sideText(d.Old), 200), shorten(sideText(d.New), 200))
		}
		if m := u.Manager; m != nil {
			fmt.Fprintf(w, "    manager: %s -> %s\n", m.Old.quoted(), m.New.quoted())
		}
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		fmt.Fprintf(w, "%s %s group %q\n", planMarks[g.Action], g.Action, g.Name)
		if g.OldName != "" {
			fmt.Fprintf(w, "    displayName: %q -> %q\n", g.OldName, g.Name)
		}
		for _, m := range g.Add {
			fmt.Fprintf(w, "    + member %q\n", m.label())
		}
		for _, m := range g.Remove {
			fmt.Fprintf(w, "    - member %q\n", m.label())
		}
	}
	for _, x := range p.Problems {
		fmt.Fprintf(w, "! %s %q: %s\n", strings.ToLower(x.Type), x.Name, x.Reason)
	}
}

func (m PlanMember) label() string {
	for _, s := range []string{m.Name, m.Key} {
		if s != "" {
			return s
		}
	}
	return m.ID
}

func (m PlanMember) quoted() string {
	if m.label() == "" {
		return "(none)"
	}
	return strconv.Quote(m.label())
}

// sideText quotes JSON so that a terminal prints it and does nothing else.
func sideText(b json.RawMessage) string {
	if len(b) == 0 || string(b) == "null" {
		return "(none)"
	}
	s := strconv.QuoteToGraphic(string(b))
	return strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
}

// ParsePlan reads a plan that was kept as JSON, and checks it.
func ParsePlan(b []byte) (*Plan, error) {
	bad := func(err error) (*Plan, error) {
		return nil, &Error{Check: CheckPlan, Public: "this is not a plan", Err: err}
	}
	if _, err := parseJSON(b, lenient); err != nil {
		return bad(err)
	}
	var p Plan
	if err := json.Unmarshal(b, &p); err != nil {
		return bad(err)
	}
	if err := p.check(); err != nil {
		return bad(err)
	}
	return &p, nil
}

func (p *Plan) check() error {
	if p.Format != 1 {
		return errors.New("a plan of another format")
	}
	for i := range p.Users {
		if u := &p.Users[i]; !u.valid() {
			return fmt.Errorf("change %d of people cannot be done", i+1)
		}
	}
	for i := range p.Groups {
		g := &p.Groups[i]
		ok := g.Name != "" && len(g.Add)+len(g.Remove) < 10_000_000
		switch g.Action {
		case PlanCreate:
			ok = ok && g.ID == "" && g.Key != "" && len(g.Remove) == 0
		case PlanUpdate:
			ok = ok && g.ID != ""
		case PlanEmpty, PlanDelete:
			ok = ok && g.ID != "" && len(g.Add) == 0
		default:
			ok = false
		}
		for _, m := range g.Add {
			ok = ok && m.ID+m.Key != ""
		}
		for _, m := range g.Remove {
			ok = ok && m.ID != ""
		}
		if !ok {
			return fmt.Errorf("change %d of groups cannot be done", i+1)
		}
	}
	return nil
}

func (u *UserChange) valid() bool {
	if u.Name == "" || (u.ID == "") != (u.Action == PlanCreate) {
		return false
	}
	if u.Manager != nil && u.Action != PlanCreate && u.Action != PlanUpdate {
		return false
	}
	for _, c := range u.Changes {
		a := findSyncAttribute(c.Path)
		if a == nil || a.ref || a.must && (len(c.New) == 0 || string(c.New) == "null") {
			return false
		}
		if a.active && string(c.New) == "false" && u.Action != PlanDeactivate {
			return false // it would not be counted
		}
	}
	switch u.Action {
	case PlanCreate:
		return u.User != nil && u.User.UserName == u.Name && u.User.Password == "" && u.Key != ""
	case PlanUpdate:
		return len(u.Changes) > 0 || u.Manager != nil
	case PlanDeactivate, PlanDelete:
		return true
	}
	return false
}
