// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/saml/awsrole"
	"github.com/gatehouse-id/gatehouse/sts"
	"github.com/gatehouse-id/gatehouse/sts/ststest"
)

// TestPartitionsAgree holds package sts to the hosts of package awsrole; the
// two stand alone and each keeps its own.
func TestPartitionsAgree(t *testing.T) {
	srv, _ := double(t)
	k, err := srv.Mint(roleARN, "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	creds := aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}
	for _, p := range awsrole.Partitions() {
		c, err := sts.NewConsole(sts.ConsoleConfig{Region: p.Region, Endpoint: srv.URL + "/federation"})
		if err != nil {
			t.Fatal(err)
		}
		link, err := c.SignInURL(t.Context(), creds, sts.ConsoleRequest{Destination: "https://" + p.ConsoleHost + "/"})
		if err != nil {
			t.Errorf("%s: %v", p.ID, err)
		}
		federation, err := p.FederationURL(p.Region)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(link, federation+"?") {
			t.Errorf("%s: %s does not begin with %s", p.ID, link, federation)
		}
		host := stsHost(t, p.Region)
		if !strings.HasSuffix(host, "."+p.DNSSuffix) {
			t.Errorf("%s: STS is at %s, not below %s", p.ID, host, p.DNSSuffix)
		}
	}
}

// stsHost is where the SDK asks for a region.
func stsHost(t *testing.T, region string) (host string) {
	t.Helper()
	c, err := sts.New(sts.Config{Regions: []string{region}, Attempts: 1, AWS: aws.Config{HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		host = r.URL.Host
		return nil, context.Canceled
	})}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exchange(t.Context(), sts.Request{Assertion: "AAAA", RoleARN: roleARN, ProviderARN: providerARN}); err == nil {
		t.Fatal("an answer from nowhere")
	}
	return host
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var _ http.Handler = (*ststest.Double)(nil)
