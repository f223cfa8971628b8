// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package ststest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

func ExampleNew() {
	issuer, err := ststest.NewIssuer("https://idp.example.com/aws")
	if err != nil {
		log.Fatal(err)
	}
	pair := awsrole.RolePair{
		RoleARN:     "arn:aws:iam::111122223333:role/ReadOnly",
		ProviderARN: "arn:aws:iam::111122223333:saml-provider/Gatehouse",
	}
	double, err := ststest.New(ststest.Config{
		Providers: []ststest.Provider{{ARN: pair.ProviderARN, Metadata: issuer.Metadata()}},
		Roles:     []ststest.Role{{ARN: pair.RoleARN, Provider: pair.ProviderARN, MaxSessionDuration: 4 * time.Hour}},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = double.Listen(context.Background(), "0.0.0.0:8080")
	fmt.Println(err)
	_, err = issuer.Response("p-1", awsrole.Session{Role: pair, RoleSessionName: "a b", SessionDuration: time.Hour}, time.Now())
	fmt.Println(awsrole.CheckOf(err))
	// Output:
	// ststest: the double listens on loopback only
	// role-session-name
}
