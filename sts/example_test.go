// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

// exampleDouble starts a double that trusts an issuer, and returns a Response
// of it; a real program gets that from its identity provider.
func exampleDouble(ctx context.Context) (endpoint, assertion string, err error) {
	issuer, err := ststest.NewIssuer("https://idp.example.com/aws")
	if err != nil {
		return "", "", err
	}
	double, err := ststest.New(ststest.Config{
		Skew:      time.Minute,
		Providers: []ststest.Provider{{ARN: providerARN, Metadata: issuer.Metadata()}},
		Roles:     []ststest.Role{{ARN: roleARN, Provider: providerARN}},
	})
	if err != nil {
		return "", "", err
	}
	if endpoint, err = double.Listen(ctx, "127.0.0.1:0"); err != nil {
		return "", "", err
	}
	assertion, err = issuer.Response("p-1", awsrole.Session{
		Role:            awsrole.RolePair{RoleARN: roleARN, ProviderARN: providerARN},
		RoleSessionName: "alice", SessionDuration: time.Hour,
	}, time.Now())
	return endpoint, assertion, err
}

func ExampleClient_Exchange() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	endpoint, assertion, err := exampleDouble(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client, err := sts.New(sts.Config{
		Regions:  []string{"eu-central-1", "eu-west-1"}, // the second one if the first is down
		Endpoint: endpoint,                              // leave it out for AWS
	})
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.Exchange(ctx, sts.Request{
		Assertion: assertion, RoleARN: roleARN, ProviderARN: providerARN,
		Duration: 8 * time.Hour, // lowered to what the role allows
	})
	if err != nil {
		log.Fatal(err) // an *sts.Error: Check, Code, and a sentence in Public
	}
	fmt.Println(session.ARN, session.Duration)
	// Output: arn:aws:sts::111122223333:assumed-role/Admin/alice 1h0m0s
}

func ExampleNewProvider() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	endpoint, assertion, err := exampleDouble(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client, err := sts.New(sts.Config{Regions: []string{"us-east-1"}, Endpoint: endpoint})
	if err != nil {
		log.Fatal(err)
	}
	provider, err := sts.NewProvider(sts.ProviderConfig{Fetch: func(ctx context.Context) (aws.Credentials, error) {
		// Ask the identity provider for a new assertion here.
		s, err := client.Exchange(ctx, sts.Request{Assertion: assertion, RoleARN: roleARN, ProviderARN: providerARN})
		if err != nil {
			return aws.Credentials{}, err
		}
		return s.Credentials, nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer provider.Close()
	cfg := aws.Config{Region: "us-east-1", Credentials: provider} // for any AWS client
	creds, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(creds.AccountID, creds.CanExpire)
	// Output: 111122223333 true
}

func ExampleMergeProfiles() {
	old := []byte("[default]\nregion = us-east-1\n")
	m, err := sts.MergeProfiles(old, "corp", []sts.Section{{
		Kind: "profile", Name: sts.ProfileName("Prod / EU"), Settings: []sts.Setting{{Key: "region", Value: "eu-central-1"}},
	}}, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Diff())
	_, _ = os.Stdout.Write(m.Content)
	// Output:
	// +[profile Prod-EU]
	// +region = eu-central-1
	// [default]
	// region = us-east-1
	// # >>> gatehouse corp >>> (this block is generated; changes in it are lost)
	// [profile Prod-EU]
	// region = eu-central-1
	//
	// # <<< gatehouse corp <<<
}

func ExampleNewConsole() {
	console, err := sts.NewConsole(sts.ConsoleConfig{Region: "eu-central-1"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = console.SignInURL(context.Background(), aws.Credentials{}, sts.ConsoleRequest{
		Destination: "https://console.aws.amazon.com.evil.example/",
	})
	fmt.Println(sts.CheckOf(err))
	// Output: destination
}
