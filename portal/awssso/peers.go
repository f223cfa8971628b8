// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package awssso

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// Session is a person's live browser session: the root of every token.
type Session struct {
	ID       string
	PersonID string
	// Name is shown on the pages, so that people see as whom they approve.
	Name string
	// AuthTime and AMR (RFC 8176) say when and how the person signed in.
	AuthTime time.Time
	AMR      []string
	// MFATime is when a second factor was last verified, zero if never.
	MFATime time.Time
	// Expires is the session's absolute end. Nothing handed out lives longer,
	// credentials of AWS excepted.
	Expires time.Time
	// Unsolicited marks a session that began by an unsolicited SAML Response.
	// It cannot approve anything here: whoever sent the Response chose it.
	Unsolicited bool
}

// ErrNoSession is what [Sessions] and [Config.Browser] return when there is no
// live session of an enabled person.
var ErrNoSession = errors.New("awssso: no session")

// Sessions finds sessions by id, at every call.
type Sessions interface {
	// Session returns the live session with this id, or [ErrNoSession] if it
	// has ended, never was, or its person is disabled. It must see a revocation
	// that has committed.
	Session(ctx context.Context, id string) (Session, error)
}

// Flow is the way on which a token was obtained.
type Flow string

// The flows.
const (
	FlowDevice Flow = "device_code"
	FlowCode   Flow = "authorization_code"
)

// Grant is what a verified access token stands for.
type Grant struct {
	// Session is live now.
	Session Session
	// Flow, AuthTime and AMR are those of the approval, not of the present:
	// a stronger sign-in later does not strengthen an older token.
	Flow     Flow
	AuthTime time.Time
	AMR      []string
	// FamilyID names the token's family in events and on the sessions page.
	FamilyID string

	client string // what the client calls itself
}

// Account is an AWS account as ListAccounts shows it.
type Account struct {
	ID    string
	Name  string
	Email string
	// Environment is the account's, if it has one: an addition of ours to the
	// listing, which AWS's clients pass over.
	Environment string
}

// Credentials are temporary AWS credentials.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// ErrNoAccess is what [Access] returns for a role that the person may not use,
// whether or not it exists.
var ErrNoAccess = errors.New("awssso: no access to this role")

// Access says what a person may use and exchanges it for credentials. All
// methods decide afresh at every call.
type Access interface {
	// Accounts returns every account in which the person has a role.
	Accounts(ctx context.Context, personID string) ([]Account, error)
	// Roles returns the names of the person's roles in an account; none for an
	// account that is foreign or unknown.
	Roles(ctx context.Context, personID, accountID string) ([]string, error)
	// Credentials returns credentials of one role, or [ErrNoAccess], or an
	// [*Error] whose Check is [CheckDeviceRole], [CheckStrength],
	// [CheckExchange], [CheckThrottled] or [CheckUnavailable] and whose Public
	// tells the person what to do. It is called outside of any transaction.
	Credentials(ctx context.Context, grant Grant, accountID, roleName string) (Credentials, error)
}

// AccountPager is an optional power of an [Access] that can read one page of
// accounts for the price of one page.
type AccountPager interface {
	// AccountsPage returns at most limit of [Access.Accounts], ordered by name
	// without case and then by id, after that place. Empty strings are the
	// beginning.
	AccountsPage(ctx context.Context, personID, afterName, afterID string, limit int) ([]Account, error)
}

// DevicePolicy says who may sign in by device code.
type DevicePolicy string

// The device policies. The zero value is [DeviceOn].
const (
	DeviceOn          DevicePolicy = "on"           // from any network; from another one the code is typed, with a fresh second factor
	DeviceSameNetwork DevicePolicy = "same-network" // only when device and browser share an address
	DeviceOff         DevicePolicy = "off"          // not at all
)

// Policy is what the organisation decides about signing in from a command
// line.
type Policy struct {
	Device DevicePolicy
	// Length is the longest life of what one approval grants, refreshes
	// included. Zero means until the session's absolute end.
	Length time.Duration
}

// Browser tells who is signed in in a browser.
type Browser func(r *http.Request) (Session, error)

// usedMFA reports whether the session has a second factor no older than age.
func (s Session) usedMFA(now time.Time, age time.Duration) bool {
	t := s.MFATime
	if t.IsZero() && slices.Contains(s.AMR, "mfa") {
		t = s.AuthTime
	}
	return !t.IsZero() && now.Sub(t) <= age
}
