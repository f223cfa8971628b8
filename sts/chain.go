// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// ChainRequest asks for a second role by the session of a first one.
type ChainRequest struct {
	RoleARN     string
	SessionName string
	// Duration is 15 minutes to one hour, whatever the role's own maximum is;
	// 0 is the hour.
	Duration   time.Duration
	Policy     string
	PolicyARNs []string
	ExternalID string
	Regions    []string
}

// Chain calls AssumeRole with the credentials of another session. AWS ends
// chained sessions after an hour and refuses a longer request, so Chain
// refuses it first.
func (c *Client) Chain(ctx context.Context, from aws.CredentialsProvider, r ChainRequest) (*Session, error) {
	if from == nil || r.RoleARN == "" || r.SessionName == "" {
		return nil, refuse(CheckInput, "The request for AWS credentials is not complete.", "credentials, role and session name are required")
	}
	if err := checkDuration(r.Duration); err != nil {
		return nil, err
	}
	if r.Duration > chainLimit {
		return nil, refuse(CheckDuration, "Sessions by role chaining last one hour at most.", "chained session of %v", r.Duration)
	}
	regions, err := c.order(r.Regions)
	if err != nil {
		return nil, err
	}
	in := &sts.AssumeRoleInput{
		RoleArn: &r.RoleARN, RoleSessionName: &r.SessionName, DurationSeconds: seconds(r.Duration),
		Policy: optional(r.Policy), PolicyArns: policyARNs(r.PolicyARNs), ExternalId: optional(r.ExternalID),
	}
	var s *Session
	err = c.each(ctx, regions, func(region string, api *sts.Client) error {
		out, err := api.AssumeRole(ctx, in, func(o *sts.Options) { o.Credentials = from })
		if err != nil {
			return err
		}
		s = &Session{
			ARN: arnOf(out.AssumedRoleUser), RoleID: roleIDOf(out.AssumedRoleUser),
			SourceIdentity: aws.ToString(out.SourceIdentity), Region: region, Duration: r.Duration,
		}
		s.Credentials, err = credentialsOf(out.Credentials, s.ARN)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Identity is who credentials belong to.
type Identity struct{ ARN, UserID, Account string }

// WhoAmI calls GetCallerIdentity with credentials.
func (c *Client) WhoAmI(ctx context.Context, creds aws.CredentialsProvider) (*Identity, error) {
	var id *Identity
	err := c.each(ctx, c.regions, func(_ string, api *sts.Client) error {
		out, err := api.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.Credentials = creds })
		if err != nil {
			return err
		}
		id = &Identity{ARN: aws.ToString(out.Arn), UserID: aws.ToString(out.UserId), Account: aws.ToString(out.Account)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return id, nil
}
