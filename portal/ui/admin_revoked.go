// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// AdminRevoked says what ended when everything of a person was revoked, what
// AWS may still run, and the policy that ends that too. Where CanApply, it
// posts [FieldAccount] to [PathAdminDeny].
type AdminRevoked struct {
	Frame        Frame
	Problem      string
	Person       Option
	Revoked      time.Time // zero: nothing was revoked lately
	Browsers     int
	CommandLines int
	Accounts     []RemainingAccount
	CanApply     bool
}

func (p AdminRevoked) view() view {
	return adminView("admin-revoked", "Revoked: "+p.Person.Name, inPeople, &p.Frame)
}

// RemainingAccount is an account in which role sessions may still run.
type RemainingAccount struct {
	Account        Account
	Roles          []RemainingRole
	Policy         string // JSON; empty where nothing was revoked
	SourceIdentity bool   // the policy names the person by SourceIdentity
}

// RemainingRole is one role of an account.
type RemainingRole struct {
	ARN    string
	Signed time.Time // when the portal last signed for it
	Until  time.Time // when its last session ends at the latest; zero: none can run
}
