// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package access decides who may use which role in which AWS account, says
// why, and is the only place that builds assertions under the AWS identity
// provider's key.
//
// Start with [Access.Resolve], which lists what a person may use, and
// [Access.Issue], which checks that one role is among it and signs a SAML
// Response with exactly one Role pair. Assignments hold ids, never names.
package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
)

// Sentinel errors.
var (
	ErrNotFound = errors.New("access: not found")
	ErrNoAccess = errors.New("access: the role is not assigned to this person")
	ErrConflict = errors.New("access: already exists")
)

// Account is an AWS account that people sign in to.
type Account struct {
	ID             string // 12 digits
	Name           string
	Email          string
	Environment    string            // prod, staging, dev, or any short word; shown as text and colour
	Partition      string            // aws, aws-cn, aws-us-gov, aws-eusc
	Region         string            // region of the sign-in endpoint and of STS
	SignInURL      string            // ACS; empty: the region's endpoint
	ProviderARN    string            // the SAML provider in this account
	Roles          map[string]string // permission set name to role ARN, where it is not the default
	SourceIdentity bool              // send the person id as SourceIdentity (the trust policy must allow sts:SetSourceIdentity)
	Owner          string
}

// PermissionSet is a named role that exists in accounts.
type PermissionSet struct {
	ID              string
	Name            string // 1 to 32 of [\w+=,.@-]; the role's name in each account
	Description     string
	SessionDuration time.Duration // 15 minutes to 12 hours; 0: 1 hour
	RelayState      string        // console destination, or empty
	NoDeviceCode    bool          // not by device code: the CLI must use PKCE
	MFA             bool          // requires that a second factor was given in the session
	Owner           string
}

// PrincipalKind is USER or GROUP.
type PrincipalKind string

// The kinds of principal.
const (
	User  PrincipalKind = "USER"
	Group PrincipalKind = "GROUP"
)

// Assignment lets a principal use a permission set in an account.
type Assignment struct {
	ID              string
	AccountID       string
	PermissionSetID string
	PrincipalKind   PrincipalKind
	PrincipalID     string
	Owner           string
}

// Grant is one assignment that reaches a person, with what it joins.
type Grant struct {
	Assignment    Assignment
	Account       Account
	PermissionSet PermissionSet
	GroupName     string // of a group principal
}

// Store keeps accounts, permission sets and assignments. Its methods join the
// transaction in ctx; look-ups return [ErrNotFound].
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Accounts(ctx context.Context) ([]Account, error)
	Account(ctx context.Context, id string) (*Account, error)
	PutAccount(ctx context.Context, a *Account) error
	DeleteAccount(ctx context.Context, id string) error
	PermissionSets(ctx context.Context) ([]PermissionSet, error)
	PutPermissionSet(ctx context.Context, p *PermissionSet) error // ErrConflict if another has the name
	DeletePermissionSet(ctx context.Context, id string) error
	Assignments(ctx context.Context) ([]Assignment, error)
	// PutAssignment stores a; the same account, set and principal twice is one.
	PutAssignment(ctx context.Context, a *Assignment) error
	DeleteAssignment(ctx context.Context, id string) error
	// GrantsOf returns what reaches the person directly or through a group,
	// in one statement, sorted by account name, account id and set name.
	// accountID narrows it to one account unless empty.
	GrantsOf(ctx context.Context, personID, accountID string) ([]Grant, error)
}

// AccountAccess is an account with the roles that a person may use there.
type AccountAccess struct {
	Account Account
	Roles   []Role
}

// Role is a permission set that a person may use, and why.
type Role struct {
	PermissionSet PermissionSet
	Because       []Reason
}

// Reason is one assignment that grants a role.
type Reason struct {
	AssignmentID string
	GroupID      string // empty: assigned to the person
	GroupName    string
}

// Resolve returns what the person may use, by account name.
func (a *Access) Resolve(ctx context.Context, personID string) ([]AccountAccess, error) {
	return a.resolve(ctx, personID, "")
}

// ResolveAccount is [Access.Resolve] for one account; ErrNoAccess if there is
// nothing in it.
func (a *Access) ResolveAccount(ctx context.Context, personID, accountID string) (*AccountAccess, error) {
	if accountID == "" {
		return nil, ErrNoAccess
	}
	found, err := a.resolve(ctx, personID, accountID)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrNoAccess
	}
	return &found[0], nil
}

func (a *Access) resolve(ctx context.Context, personID, accountID string) ([]AccountAccess, error) {
	grants, err := a.c.Store.GrantsOf(ctx, personID, accountID)
	if err != nil {
		return nil, err
	}
	var out []AccountAccess
	for _, g := range grants {
		if n := len(out); n == 0 || out[n-1].Account.ID != g.Account.ID {
			out = append(out, AccountAccess{Account: g.Account})
		}
		acc := &out[len(out)-1]
		if n := len(acc.Roles); n == 0 || acc.Roles[n-1].PermissionSet.ID != g.PermissionSet.ID {
			acc.Roles = append(acc.Roles, Role{PermissionSet: g.PermissionSet})
		}
		r := Reason{AssignmentID: g.Assignment.ID}
		if g.Assignment.PrincipalKind == Group {
			r.GroupID, r.GroupName = g.Assignment.PrincipalID, g.GroupName
		}
		role := &acc.Roles[len(acc.Roles)-1]
		role.Because = append(role.Because, r)
	}
	return out, nil
}

// Role returns the role with the permission set's name, or [ErrNoAccess].
func (a *AccountAccess) Role(name string) (*Role, error) {
	for i := range a.Roles {
		if a.Roles[i].PermissionSet.Name == name {
			return &a.Roles[i], nil
		}
	}
	return nil, ErrNoAccess
}

// RoleARN is the role of a permission set in the account.
func (a *Account) RoleARN(p *PermissionSet) string {
	if arn := a.Roles[p.Name]; arn != "" {
		return arn
	}
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", a.Partition, a.ID, p.Name)
}

// Tag maps an attribute of a person to a session tag.
type Tag struct {
	Key       string // without the PrincipalTag: prefix
	Attribute string // userName, displayName, email, givenName, familyName, or a name in Person.Attributes
}

// selfWritten are the attributes that people may change themselves; none of
// them may feed a tag. (The portal lets nobody write attributes yet.)
var selfWritten = []string{"locale", "timezone", "nickName"}

// Check reports what is wrong with a tag mapping.
func (t Tag) Check() error {
	switch {
	case t.Key == "" || len(t.Key) > 128 || strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
		return fmt.Errorf("access: tag key %q has 1 to 128 characters and does not begin with aws:", audit.Clean(t.Key))
	case t.Attribute == "":
		return fmt.Errorf("access: tag %q names no attribute", t.Key)
	case slices.Contains(selfWritten, t.Attribute):
		return fmt.Errorf("access: tag %q is fed by %q, which people may write themselves", t.Key, t.Attribute)
	}
	return nil
}

func (t Tag) value(p *directory.Person) string {
	switch t.Attribute {
	case "userName":
		return p.UserName
	case "displayName":
		return p.DisplayName
	case "email":
		return p.Email
	case "givenName":
		return p.GivenName
	case "familyName":
		return p.FamilyName
	}
	return p.Attributes[t.Attribute]
}
