// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"fmt"
	"regexp"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

var setName = regexp.MustCompile(`^[\w+=,.@-]{1,32}$`)

// Check reports what is wrong with an account. Partition must be one that AWS
// has; a SignInURL must be one of its sign-in endpoints.
func (a *Account) Check() error {
	partition, err := awsrole.PartitionOf(a.Partition)
	if err != nil {
		return fmt.Errorf("access: account %s: partition: %w", a.ID, err)
	}
	if err := partition.ValidateRegion(a.Region); err != nil {
		return fmt.Errorf("access: account %s: region: %w", a.ID, err)
	}
	if a.SignInURL != "" && !partition.IsSignInURL(a.SignInURL) {
		return fmt.Errorf("access: account %s: sign_in_url %q is not a sign-in endpoint of %s", a.ID, a.SignInURL, a.Partition)
	}
	if !accountID.MatchString(a.ID) {
		return fmt.Errorf("access: account %q: id has 12 digits", a.ID)
	}
	// The role is made here, so what is wrong with the pair is the provider.
	plain := awsrole.RolePair{RoleARN: (&Account{ID: a.ID, Partition: a.Partition}).RoleARN(&PermissionSet{Name: "Any"}), ProviderARN: a.ProviderARN}
	if err := plain.Validate(); err != nil {
		return fmt.Errorf("access: account %s: provider_arn: %w", a.ID, err)
	}
	pairs := map[string]string{}
	for name, arn := range a.Roles {
		pairs["role "+name] = arn
	}
	for what, arn := range pairs {
		pair := awsrole.RolePair{RoleARN: arn, ProviderARN: a.ProviderARN}
		if err := pair.Validate(); err != nil {
			return fmt.Errorf("access: account %s: %s: %w", a.ID, what, err)
		}
		if pair.Account() != a.ID {
			return fmt.Errorf("access: account %s: %s is of account %s", a.ID, what, pair.Account())
		}
	}
	if a.Name == "" || len(a.Name) > 128 {
		return fmt.Errorf("access: account %s: name has 1 to 128 bytes", a.ID)
	}
	return nil
}

// Check reports what is wrong with a permission set.
func (p *PermissionSet) Check() error {
	switch {
	case !setName.MatchString(p.Name):
		return fmt.Errorf("access: permission set %q: a name has 1 to 32 letters, digits or _+=,.@-", p.Name)
	case len(p.Description) > 700:
		return fmt.Errorf("access: permission set %s: description is longer than 700 bytes", p.Name)
	case p.SessionDuration != 0 && (p.SessionDuration < 15*time.Minute || p.SessionDuration > 12*time.Hour || p.SessionDuration%time.Second != 0):
		return fmt.Errorf("access: permission set %s: session duration is not between 15 minutes and 12 hours", p.Name)
	case len(p.RelayState) > 240:
		return fmt.Errorf("access: permission set %s: relay state is longer than 240 bytes", p.Name)
	}
	return nil
}
