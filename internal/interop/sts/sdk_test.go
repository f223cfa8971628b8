// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-id/gatehouse/sts"
)

// who calls GetCallerIdentity at the double by the SDK's own signer.
func who(t *testing.T, url string, p aws.CredentialsProvider) string {
	t.Helper()
	out, err := awssts.New(awssts.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: p}).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Arn)
}

// TestProviderInTheSDK: sts.Provider as the SDK's credentials.
func TestProviderInTheSDK(t *testing.T) {
	t.Parallel()
	srv, issuer := double(t)
	client, err := sts.New(sts.Config{Regions: []string{"us-east-1"}, Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Exchange(t.Context(), sts.Request{Assertion: respond(t, issuer), RoleARN: roleARN, ProviderARN: providerARN})
	if err != nil {
		t.Fatal(err)
	}
	cached := aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return s.Credentials, nil }))
	if got := who(t, srv.URL, cached); got != s.ARN {
		t.Error(got)
	}

	endpoint, err := sts.NewEndpoint(map[string]aws.CredentialsProvider{"/creds": cached})
	if err != nil {
		t.Fatal(err)
	}
	local := httptest.NewServer(http.Handler(endpoint))
	t.Cleanup(local.Close)
	p := endpointcreds.New(local.URL+"/creds", func(o *endpointcreds.Options) { o.AuthorizationToken = endpoint.Token() })
	if got := who(t, srv.URL, p); got != s.ARN {
		t.Error(got)
	}
}

// TestChainInTheSDK: the SDK's own role chaining, stscreds, from credentials of
// sts.Provider.
func TestChainInTheSDK(t *testing.T) {
	t.Parallel()
	srv, issuer := double(t)
	client, err := sts.New(sts.Config{Regions: []string{"us-east-1"}, Endpoint: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	first, err := sts.NewProvider(sts.ProviderConfig{
		Key: sts.Key{Portal: "p", Session: "s", AccountID: account, RoleName: "Admin"},
		Fetch: func(ctx context.Context) (aws.Credentials, error) {
			s, err := client.Exchange(ctx, sts.Request{Assertion: respond(t, issuer), RoleARN: roleARN, ProviderARN: providerARN})
			if err != nil {
				return aws.Credentials{}, err
			}
			return s.Credentials, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	chain := func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "second" }
	api := awssts.New(awssts.Options{Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: first})
	if got := who(t, srv.URL, stscreds.NewAssumeRoleProvider(api, chainedARN, chain)); got != "arn:aws:sts::"+account+":assumed-role/Chained/second" {
		t.Error(got)
	}
	var refused smithy.APIError
	_, err = stscreds.NewAssumeRoleProvider(api, roleARN+"Other", chain).Retrieve(t.Context())
	if !errors.As(err, &refused) || refused.ErrorCode() != "AccessDenied" {
		t.Errorf("a role that does not trust the first: %v", err)
	}
}

// TestProcessInTheSDK: awscreds under processcreds, and its profiles.
func TestProcessInTheSDK(t *testing.T) {
	w := newWorld(t, "--share")
	for _, kv := range w.env {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	p := processcreds.NewProvider(w.bin + " process --portal corp --account " + account + " --role Admin")
	if got := who(t, w.sts.URL, p); !strings.Contains(got, "assumed-role/Admin/alice") {
		t.Error(got)
	}
	for _, kind := range [][]string{{"profiles"}, {"profiles", "--sso"}} {
		must(t, w.env, w.bin, kind...)
		cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile("Prod-Admin"), config.WithSharedConfigFiles([]string{filepath.Join(w.home, ".aws", "config")}))
		if err != nil {
			t.Fatal(err)
		}
		out, err := awssts.NewFromConfig(cfg, func(o *awssts.Options) { o.BaseEndpoint = &w.sts.URL }).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
		if err != nil || !strings.Contains(aws.ToString(out.Arn), "assumed-role/Admin/alice") {
			t.Errorf("%v: %v", kind, err)
		}
	}
}
