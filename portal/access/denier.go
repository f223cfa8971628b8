// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/directory"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

// Denier writes a deny policy to a role in AWS, which ends role sessions that
// AWS has already issued. The portal has no permission in AWS of its own, so
// an organisation that wants this brings one.
type Denier interface {
	// Deny attaches the policy to the role, as an inline policy besides those
	// that it has. The policy denies one person only. The same call twice is
	// once; a later policy must not lift an earlier one of somebody else.
	Deny(ctx context.Context, account Account, roleARN, policy string) error
}

// SessionName is the person's RoleSessionName: the user name where AWS takes
// it, else the immutable id; nothing is ever substituted.
func SessionName(p *directory.Person) (string, error) { return awsrole.SessionName(p.UserName, p.ID) }

// SessionLength is how long a role session of the permission set may last.
func (p *PermissionSet) SessionLength() time.Duration { return p.duration() }
