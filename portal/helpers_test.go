// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
	"github.com/gatehouse-id/gatehouse/portal/access"
	"github.com/gatehouse-id/gatehouse/portal/portaltest"
	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/awsrole"
)

func mfaSubject(id string) mfa.Subject { return mfa.Subject{ID: id} }

// enrolDirectly gives a person an authenticator app by the flow's own calls.
func enrolDirectly(t *testing.T, s *portaltest.Server, personID, ticket string) {
	t.Helper()
	ctx := context.Background()
	ch, err := s.Portal.MFA().BeginEnrol(ctx, mfa.EnrolInput{Subject: mfaSubject(personID), Kind: mfa.KindTOTP, Account: "x", Session: "enrol", Ticket: ticket})
	if err != nil {
		t.Fatal(err)
	}
	var public struct{ URI string }
	if err := json.Unmarshal(ch.Public, &public); err != nil {
		t.Fatal(err)
	}
	key, _, _, err := totp.ParseURI(public.URI)
	if err != nil {
		t.Fatal(err)
	}
	code, err := key.Code(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Portal.MFA().FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: "enrol", Data: []byte(code)}, nil); err != nil {
		t.Fatal(err)
	}
}

func fetchEntity(t *testing.T, url string) *saml.Entity {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	entity, err := saml.ParseMetadata(b, saml.MetadataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return entity
}

func exchangeInput(account, assertion string) access.ExchangeInput {
	return access.ExchangeInput{
		AccountID: account, Partition: "aws", Region: "us-east-1", Assertion: assertion, Duration: time.Hour,
		Role: awsrole.RolePair{RoleARN: "arn:aws:iam::" + account + ":role/" + portaltest.PermissionSet, ProviderARN: "arn:aws:iam::" + account + ":saml-provider/gatehouse"},
	}
}
