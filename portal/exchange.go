// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/sts"
)

// STS is the [access.Exchange] at AWS STS: one client for each region of an
// account, made when it is first needed.
type STS struct{ clients map[string]*sts.Client }

// STSConfig says where role credentials come from.
type STSConfig struct {
	// Base is what clients are made of; its Regions are ignored.
	Base sts.Config
	// Regions are the regions of the accounts. Others are refused.
	Regions []string
}

// NewSTS returns an exchange for accounts in the regions.
func NewSTS(c STSConfig) (*STS, error) {
	out := &STS{clients: map[string]*sts.Client{}}
	for _, r := range c.Regions {
		base := c.Base
		base.Regions = []string{r}
		client, err := sts.New(base)
		if err != nil {
			return nil, err
		}
		out.clients[r] = client
	}
	return out, nil
}

// AssumeRole exchanges the assertion in the account's region.
func (s *STS) AssumeRole(ctx context.Context, in access.ExchangeInput) (access.Credentials, error) {
	client, ok := s.clients[in.Region]
	if !ok {
		return access.Credentials{}, &access.ExchangeError{Public: "The region of this account is not set up here. Ask an administrator.", Err: fmt.Errorf("region %q is not configured", in.Region)}
	}
	out, err := client.Exchange(ctx, sts.Request{
		Assertion: in.Assertion, RoleARN: in.Role.RoleARN, ProviderARN: in.Role.ProviderARN, Duration: in.Duration,
	})
	var refused *sts.Error
	switch {
	case errors.As(err, &refused):
		return access.Credentials{}, &access.ExchangeError{
			Public: refused.Public, Err: err,
			Throttled: refused.Check == sts.CheckThrottled, Temporary: refused.Check == sts.CheckUnavailable,
		}
	case err != nil:
		return access.Credentials{}, &access.ExchangeError{Public: "AWS does not answer. Try again in a moment.", Err: err, Temporary: true}
	}
	c := out.Credentials
	return access.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expires}, nil
}
