// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts"
)

// bySAML exchanges a Response that somebody got by other means, and prints the
// credentials as a credential_process does. Nothing is kept: the Response
// itself ends within minutes.
func (c *loginCmd) bySAML(a *app) error {
	assertion, err := c.readResponse(a.in)
	if err != nil {
		return err
	}
	r, err := awsrole.Decode([]byte(assertion))
	if err != nil {
		return fail(exitUsage, err, "The file holds no SAML Response.")
	}
	for _, f := range awsrole.Lint(r, awsrole.LintOptions{Now: a.now()}) {
		a.say("%s: %s %s", f.Severity, clean(f.Detail), clean(f.Fix))
	}
	offer, err := awsrole.Parse(r.Attributes)
	if err != nil {
		return fail(exitUsage, err, "The Response offers no role that AWS would take: %v", err)
	}
	pair, err := c.pick(offer.Roles)
	if err != nil {
		return err
	}
	client, err := sts.New(sts.Config{Regions: []string{c.Region}, Endpoint: c.STS})
	if err != nil {
		return err
	}
	p, err := sts.NewProvider(sts.ProviderConfig{Fetch: func(ctx context.Context) (aws.Credentials, error) {
		s, err := client.Exchange(ctx, sts.Request{Assertion: assertion, RoleARN: pair.RoleARN, ProviderARN: pair.ProviderARN, Duration: offer.SessionDuration})
		if err != nil {
			return aws.Credentials{}, err
		}
		return s.Credentials, nil
	}})
	if err != nil {
		return err
	}
	creds, err := p.Retrieve(a.ctx)
	if err != nil {
		return err
	}
	return sts.WriteProcess(a.out, creds)
}

func (c *loginCmd) readResponse(stdin io.Reader) (string, error) {
	in := stdin
	if c.SAMLResponse != "-" {
		f, err := os.Open(c.SAMLResponse)
		if err != nil {
			return "", fail(exitUsage, err, "%v", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 1<<20))
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	if strings.HasPrefix(text, "<") {
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	}
	return strings.Join(strings.Fields(text), ""), nil
}

func (c *loginCmd) pick(roles []awsrole.RolePair) (awsrole.RolePair, error) {
	var names []string
	for _, r := range roles {
		if r.RoleARN == c.Role || c.Role == "" && len(roles) == 1 {
			return r, nil
		}
		names = append(names, r.RoleARN)
	}
	return awsrole.RolePair{}, fail(exitUsage, nil, "Say which role with --role: %s", fmt.Sprint(names))
}
