// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// State is where a person stands, as lists show it.
type State string

// The states of a person.
const (
	StateActive   State = "Active"
	StateBlocked  State = "Blocked"  // by an administrator; the source cannot lift it
	StateDisabled State = "Disabled" // by the source
	StateInvited  State = "Invited"
)

func (s State) colour() Colour {
	switch s {
	case StateActive:
		return Green
	case StateBlocked, StateDisabled:
		return Red
	case StateInvited:
		return Amber
	}
	return Grey
}

// AdminPeople lists people and creates one in a source that the portal keeps
// itself: a POST of [FieldUsername], [FieldName], [FieldEmail] and
// [FieldSource] to [PathAdminPeople].
type AdminPeople struct {
	Frame   Frame
	Query   string
	Problem string
	People  []PersonRow // at most 50
	Total   int
	Sources []Option // where a person can be created; none: no form
}

func (p AdminPeople) view() view { return adminView("admin-people", "People", inPeople, &p.Frame) }

// PersonRow is one person of a list.
type PersonRow struct {
	ID       string
	Name     string
	Username string
	Email    string
	Source   string
	State    State
	Factors  int
	LastSeen time.Time
}

// AdminPerson is one person, with everything that an administrator may do.
type AdminPerson struct {
	Frame    Frame
	Problem  string
	Person   PersonRow
	Owner    string // who writes it: "scim", "apply"
	Ours     bool   // made here, so that it can be handed over to provisioning
	Created  time.Time
	Groups   []Option
	Factors  []Factor
	Sessions []Session
	Grants   []GrantRow
	// Which tickets may be handed out: [TicketInvite], [TicketReset], [TicketFactor].
	Tickets []string
}

func (p AdminPerson) view() view { return adminView("admin-person", p.Person.Name, inPeople, &p.Frame) }

// GrantRow is a role that a person or group has in an account, and through what.
type GrantRow struct {
	Account       Account
	PermissionSet string
	Via           string
}

// AdminTicket shows a ticket once, for handing over on a second channel.
type AdminTicket struct {
	Frame   Frame
	Person  Option
	Kind    string // [TicketInvite], [TicketReset] or [TicketFactor]
	Ticket  string
	Link    string // absolute URL that leads to the form, without the ticket
	Expires time.Time
}

func (p AdminTicket) view() view { return adminView("admin-ticket", "Ticket", inPeople, &p.Frame) }

// AdminGroups lists groups and creates one: a POST of [FieldName] and
// [FieldSource] to [PathAdminGroups].
type AdminGroups struct {
	Frame   Frame
	Query   string
	Problem string
	Groups  []GroupRow
	Total   int
	Sources []Option
}

func (p AdminGroups) view() view { return adminView("admin-groups", "Groups", inGroups, &p.Frame) }

// GroupRow is one group of a list.
type GroupRow struct {
	ID      string
	Name    string
	Source  string
	Owner   string
	Members int
}

// AdminGroup is one group with its members. Where Editable, it posts
// [FieldAction] and [FieldPerson] to [PathAdminGroupMembers].
type AdminGroup struct {
	Frame      Frame
	Problem    string
	Group      GroupRow
	Editable   bool
	Ours       bool        // made here, so that it can be handed over to provisioning
	Members    []PersonRow // at most 50
	Total      int
	Parents    []Option
	Children   []Option
	Candidates []Option // people who can be added
	Grants     []GrantRow
}

func (p AdminGroup) view() view { return adminView("admin-group", p.Group.Name, inGroups, &p.Frame) }

func adminView(template, title string, s section, f *Frame) view {
	return view{template: template, title: title, section: s, frame: f, wide: true, scripts: []string{"app.js"}}
}
