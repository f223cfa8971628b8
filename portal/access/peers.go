// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

type acsKey struct{}

// Peers are AWS's partitions as service providers of the AWS identity
// provider. Their only endpoint is the sign-in endpoint of the account that a
// Response is being made for; AWS sends no requests.
type Peers struct{}

// Peer returns the partition with the audience, for [Access.Issue] only.
func (Peers) Peer(ctx context.Context, entityID string) (*saml.Peer, error) {
	acs, _ := ctx.Value(acsKey{}).(string)
	for _, p := range awsrole.Partitions() {
		if p.Audience == entityID && p.IsSignInURL(acs) {
			return &saml.Peer{
				NoEncryption: true,
				Entity: &saml.Entity{EntityID: entityID, SP: &saml.SPRole{
					ACS: []saml.Endpoint{{Binding: saml.BindingPOST, Location: acs, Default: true}},
				}},
			}, nil
		}
	}
	return nil, saml.ErrNotFound
}

func withACS(ctx context.Context, acs string) context.Context {
	return context.WithValue(ctx, acsKey{}, acs)
}
