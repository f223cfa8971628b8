// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

// Denier writes a deny policy to a role in AWS, which ends role sessions that
// AWS has already issued. The portal has no permission in AWS of its own, so
// an organisation that wants this brings one.
type Denier interface {
	// Deny attaches the policy to the role, as an inline policy of its name
	// besides those that the role has. The same call twice is once.
	Deny(ctx context.Context, d DenyPolicy) error
}

// DenyPolicy is what a [Denier] writes to one role. It denies one person only.
type DenyPolicy struct {
	Account Account
	RoleARN string
	// Name is the person's: a later policy takes the place of an earlier one of
	// the same person, which it covers, and leaves others alone. See [DenyName].
	Name   string
	Policy string // JSON
}

// DenyName is the name of a [DenyPolicy] of a person. One that denies by session
// names is called after those too: it must not take the place of one that
// denies others.
func DenyName(personID string, sessionNames ...string) string {
	name := "GatehouseRevoked-" + personID
	if len(sessionNames) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(sessionNames, "\n")))
		name += "-" + hex.EncodeToString(sum[:4])
	}
	return name
}

// SessionName is the person's RoleSessionName: the user name where AWS takes
// it, else the immutable id; nothing is ever substituted.
func SessionName(p *directory.Person) (string, error) { return awsrole.SessionName(p.UserName, p.ID) }

// SessionLength is how long a role session of the permission set may last.
func (p *PermissionSet) SessionLength() time.Duration { return p.duration() }
