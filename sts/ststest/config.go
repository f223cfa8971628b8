// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

// Config is what [New] needs. It is copied.
type Config struct {
	// Providers are the accounts' SAML providers; more by [Double.PutProvider].
	Providers []Provider
	// Roles are the roles that can be assumed; more by [Double.PutRole].
	Roles []Role
	// Region is where the double stands; "" is us-east-1. Requests signed for
	// another region are refused only if StrictRegion is set.
	Region       string
	StrictRegion bool
	// RefuseReplay refuses an assertion ID that was redeemed before. Real STS
	// takes an assertion again while it is fresh, as tools that fetch all
	// roles at once rely on, so the zero value does too.
	RefuseReplay bool
	// Skew is how far the assertion's clock may be off; 0 is none.
	Skew time.Duration
	// Key seals session tokens, 32 bytes, so that credentials outlive a
	// restart; nil is a random one.
	Key []byte
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Provider is an IAM SAML provider: an identity provider's metadata under an
// ARN.
type Provider struct {
	ARN string
	// Metadata is the identity provider's metadata XML.
	Metadata []byte
	// Fetch returns the current metadata instead, at each exchange.
	Fetch func(ctx context.Context) ([]byte, error)
}

// Role is an IAM role that trusts one SAML provider, other roles, or both.
type Role struct {
	ARN string
	// Provider is the ARN of the SAML provider that the trust policy names.
	Provider string
	// Recipients limits saml:aud to these sign-in endpoints; empty is any of
	// the partition's.
	Recipients []string
	// MaxSessionDuration is 1 to 12 hours; 0 is one hour, as in IAM.
	MaxSessionDuration time.Duration
	// TagSession says that the trust policy allows sts:TagSession; TagKeys
	// then limits the keys, empty is any.
	TagSession bool
	TagKeys    []string
	// SetSourceIdentity says that it allows sts:SetSourceIdentity.
	SetSourceIdentity bool
	// TrustedRoles are the ARNs of roles whose sessions may assume this one
	// (role chaining).
	TrustedRoles []string
}

func (c *Config) withDefaults() error {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if _, err := awsrole.PartitionOfRegion(c.Region); err != nil {
		return fmt.Errorf("ststest: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Key = slices.Clone(c.Key)
	if c.Key == nil {
		c.Key = make([]byte, 32)
		rand.Read(c.Key)
	}
	if len(c.Key) != 32 {
		return fmt.Errorf("ststest: the key has %d bytes, not 32", len(c.Key))
	}
	if c.Skew < 0 || c.Skew > 5*time.Minute {
		return fmt.Errorf("ststest: skew %v is not 0 to 5 minutes", c.Skew)
	}
	return nil
}

func (r Role) validate() error {
	if r.Provider != "" {
		if err := (awsrole.RolePair{RoleARN: r.ARN, ProviderARN: r.Provider}).Validate(); err != nil {
			return fmt.Errorf("ststest: %w", err)
		}
	} else if len(r.TrustedRoles) == 0 {
		return fmt.Errorf("ststest: role %s trusts nobody", r.ARN)
	}
	if d := r.MaxSessionDuration; d != 0 && (d < time.Hour || d > 12*time.Hour) {
		return fmt.Errorf("ststest: role %s: MaxSessionDuration %v is not 1 to 12 hours", r.ARN, d)
	}
	return nil
}

func (r Role) max() time.Duration {
	if r.MaxSessionDuration == 0 {
		return time.Hour
	}
	return r.MaxSessionDuration
}
