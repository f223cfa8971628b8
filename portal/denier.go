// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/sts"
)

// IAM is the [access.Denier] that writes to roles by AWS IAM, for
// [Config.Denier]. A role takes about twenty-five of its policies; they can be
// removed when the longest session of the role has passed.
type IAM struct{ policies *sts.RolePolicies }

// NewIAM returns a Denier. The credentials that c has for an account need
// iam:PutRolePolicy on the roles that people assume through the portal, and no
// more.
func NewIAM(c sts.RolePoliciesConfig) (*IAM, error) {
	policies, err := sts.NewRolePolicies(c)
	if err != nil {
		return nil, err
	}
	return &IAM{policies}, nil
}

// Deny implements [access.Denier].
func (i *IAM) Deny(ctx context.Context, d access.DenyPolicy) error {
	return i.policies.Put(ctx, d.RoleARN, d.Name, d.Policy)
}
