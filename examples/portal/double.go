// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/portal"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/sts"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

// double is the STS of the sample organisation: a strict stand-in beside the
// portal, which verifies every assertion against the portal's published
// metadata as AWS would. The portal itself never links it.
type double struct {
	d        *ststest.Double
	url      string
	exchange *portal.STS
}

// startDouble serves the double on a loopback port of its own: the given one if
// it is free, so that a written AWS configuration stays right. Its key lies in
// the data folder, so that credentials outlive a restart.
func startDouble(ctx context.Context, data string, port int) (*double, error) {
	key, err := loadSecret(filepath.Join(data, "keys", "sts-double.hex"))
	if err != nil {
		return nil, err
	}
	out := &double{}
	if out.d, err = ststest.New(ststest.Config{Key: key, Skew: time.Second}); err != nil {
		return nil, err
	}
	if out.url, err = out.d.Listen(ctx, fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
		if out.url, err = out.d.Listen(ctx, "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	out.exchange, err = portal.NewSTS(portal.STSConfig{
		Base: sts.Config{AWS: aws.Config{Region: "us-east-1"}, Endpoint: out.url}, Regions: []string{"us-east-1"},
	})
	return out, err
}

// trust gives the double the accounts' providers and roles.
func (x *double) trust(ctx context.Context, p *portal.Portal, store *sqlstore.Store) error {
	accounts, err := store.Accounts(ctx)
	if err != nil {
		return err
	}
	sets, err := store.PermissionSets(ctx)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if err := x.d.PutProvider(ststest.Provider{ARN: a.ProviderARN, Fetch: func(context.Context) ([]byte, error) { return p.AWSMetadata() }}); err != nil {
			return fmt.Errorf("STS double: %w", err)
		}
		for _, s := range sets {
			if err := x.d.PutRole(ststest.Role{ARN: a.RoleARN(&s), Provider: a.ProviderARN, MaxSessionDuration: 12 * time.Hour, TagSession: true, SetSourceIdentity: true}); err != nil {
				return fmt.Errorf("STS double: %w", err)
			}
		}
	}
	return nil
}
