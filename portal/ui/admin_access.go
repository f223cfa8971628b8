// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// AdminAccounts lists the AWS accounts.
type AdminAccounts struct {
	Frame    Frame
	Query    string
	Accounts []AccountRow
	Total    int
}

func (p AdminAccounts) view() view {
	return adminView("admin-accounts", "AWS accounts", inAWSAccounts, &p.Frame)
}

// AccountRow is one account of a list. Account.Roles are not shown.
type AccountRow struct {
	Account     Account
	Partition   string // "aws", "aws-cn", "aws-us-gov"
	Region      string
	Owner       string
	Assignments int
}

// AdminAccount is one account: how the portal reaches it and who may use it.
type AdminAccount struct {
	Frame       Frame
	Account     Account
	Partition   string
	Region      string
	Owner       string
	ProviderARN string // the SAML provider in that account
	SignIn      string // the endpoint that responses are posted to
	Roles       []RoleRow
	Assignments []AssignmentRow
}

func (p AdminAccount) view() view {
	return adminView("admin-account", p.Account.Name, inAWSAccounts, &p.Frame)
}

// RoleRow maps a permission set to the role in an account.
type RoleRow struct {
	PermissionSet string
	RoleARN       string
}

// AdminPermissionSets lists the permission sets.
type AdminPermissionSets struct {
	Frame Frame
	Sets  []PermissionSetRow
	Total int
}

func (p AdminPermissionSets) view() view {
	return adminView("admin-permission-sets", "Permission sets", inPermSets, &p.Frame)
}

// PermissionSetRow is one permission set of a list.
type PermissionSetRow struct {
	ID          string
	Name        string
	Description string
	Session     time.Duration
	Owner       string
	Assignments int
}

// AdminAssignments lists who has which permission set where, and adds one: a
// POST of [FieldPrincipal], [FieldPermissionSet] and [FieldAccount] to
// [PathAdminAssignments].
type AdminAssignments struct {
	Frame          Frame
	Query          string
	Problem        string
	Assignments    []AssignmentRow
	Total          int
	Principals     []Option // ids "group:…" and "person:…"
	PermissionSets []Option
	Accounts       []Option
}

func (p AdminAssignments) view() view {
	return adminView("admin-assignments", "Assignments", inAssignments, &p.Frame)
}

// AssignmentRow is one assignment. Owner names who keeps it; one that is not
// Editable is kept by "apply" or a source.
type AssignmentRow struct {
	ID            string
	Principal     string
	Kind          string // "Group" or "Person"
	PermissionSet string
	Account       Account
	Owner         string
	Editable      bool
}
