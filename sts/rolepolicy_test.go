// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/gatehouse-id/gatehouse/sts"
)

const denial = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

// iam is a double of IAM: it keeps what was put, if the request is signed, and
// answers as it is told otherwise.
type iam struct {
	t      *testing.T
	put    url.Values
	scope  string
	host   string
	status int
	answer string
}

var iamKeys = aws.Credentials{AccessKeyID: "TESTKEY", SecretAccessKey: "secret", SessionToken: "session"}

// RoundTrip answers a request to wherever.
func (d *iam) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	d.host = r.URL.Host
	d.scope, _, _ = strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), ", ")
	again := r.Clone(r.Context())
	again.Header = http.Header{"Content-Type": r.Header["Content-Type"]}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	region := strings.Split(d.scope+"////", "/")[2]
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), iamKeys, again, hex.EncodeToString(sum[:]), "iam", region, at); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	switch {
	case again.Header.Get("Authorization") != r.Header.Get("Authorization"):
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.WriteString(`<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>`)
	case d.status != 0:
		w.WriteHeader(d.status)
		_, _ = w.WriteString(d.answer)
	default:
		d.put, err = url.ParseQuery(string(body))
		_, _ = w.WriteString(`<PutRolePolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PutRolePolicyResponse>`)
	}
	return w.Result(), err
}

func rolePolicies(t *testing.T, d *iam, keys aws.Credentials) *sts.RolePolicies {
	t.Helper()
	p, err := sts.NewRolePolicies(sts.RolePoliciesConfig{
		HTTPClient: &http.Client{Transport: d}, Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) },
		Credentials: func(_ context.Context, account string) (aws.Credentials, error) {
			if account != "111122223333" {
				return aws.Credentials{}, errors.New("no credentials for " + account)
			}
			return keys, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRolePoliciesPut(t *testing.T) {
	t.Parallel()
	for partition, want := range map[string][2]string{
		"aws":        {"iam.amazonaws.com", "us-east-1"},
		"aws-cn":     {"iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		"aws-us-gov": {"iam.us-gov.amazonaws.com", "us-gov-west-1"},
		"aws-eusc":   {"iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
	} {
		d := &iam{t: t}
		arn := "arn:" + partition + ":iam::111122223333:role/teams/web/Admin,1"
		if err := rolePolicies(t, d, iamKeys).Put(t.Context(), arn, "GatehouseRevoked-p-1", denial); err != nil {
			t.Errorf("%s: %v", partition, err)
		}
		if d.host != want[0] || d.scope != "TESTKEY/20260301/"+want[1]+"/iam/aws4_request" {
			t.Errorf("%s: at %s, signed for %s", partition, d.host, d.scope)
		}
		if got, want := d.put.Encode(), (url.Values{"Action": {"PutRolePolicy"}, "Version": {"2010-05-08"}, "RoleName": {"Admin,1"}, "PolicyName": {"GatehouseRevoked-p-1"}, "PolicyDocument": {denial}}).Encode(); got != want {
			t.Errorf("%s: sent %s", partition, got)
		}
	}
}

func TestRolePoliciesRefused(t *testing.T) {
	t.Parallel()
	good := "arn:aws:iam::111122223333:role/Admin"
	refused := func(code string) string {
		return `<ErrorResponse><Error><Type>Sender</Type><Code>` + code + `</Code><Message>m</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`
	}
	for name, c := range map[string]struct {
		arn, policy string
		status      int
		answer      string
		check       sts.Check
		public      string
	}{
		"denied":        {good, "n", 403, refused("AccessDenied"), sts.CheckDenied, "iam:PutRolePolicy"},
		"no role":       {good, "n", 404, refused("NoSuchEntity"), sts.CheckService, "no such role"},
		"full":          {good, "n", 409, refused("LimitExceeded"), sts.CheckService, "no room"},
		"of a service":  {good, "n", 400, refused("UnmodifiableEntity"), sts.CheckService, "kept by an AWS service"},
		"malformed":     {good, "n", 400, refused("MalformedPolicyDocument"), sts.CheckPolicy, "refused the policy"},
		"throttled":     {good, "n", 400, refused("Throttling"), sts.CheckThrottled, "Try again"},
		"failing":       {good, "n", 500, "<html>", sts.CheckUnavailable, "Try again"},
		"redirected":    {good, "n", 302, "", sts.CheckService, "refused the policy"},
		"user":          {"arn:aws:iam::111122223333:user/Admin", "n", 0, "", sts.CheckInput, "no role"},
		"partition":     {"arn:aws-x:iam::111122223333:role/Admin", "n", 0, "", sts.CheckInput, "no role"},
		"account":       {"arn:aws:iam::11112222333:role/Admin", "n", 0, "", sts.CheckInput, "no role"},
		"other service": {"arn:aws:sts::111122223333:role/Admin", "n", 0, "", sts.CheckInput, "no role"},
		"role name":     {good + "/", "n", 0, "", sts.CheckInput, "no role"},
		"policy name":   {good, "a b", 0, "", sts.CheckInput, "cannot be written"},
	} {
		d := &iam{t: t, status: c.status, answer: c.answer}
		err := rolePolicies(t, d, iamKeys).Put(t.Context(), c.arn, c.policy, denial)
		var e *sts.Error
		if !errors.As(err, &e) || e.Check != c.check || !strings.Contains(e.Public, c.public) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %+v", name, err, e)
		}
	}
	other := iamKeys
	other.SecretAccessKey = "other"
	if err := rolePolicies(t, &iam{t: t}, other).Put(t.Context(), good, "n", denial); sts.CheckOf(err) != sts.CheckService || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("another key: %v", err)
	}
	if err := rolePolicies(t, &iam{t: t}, iamKeys).Put(t.Context(), strings.Replace(good, "1111", "4444", 1), "n", denial); err == nil || !strings.Contains(err.Error(), "no credentials for 444422223333") {
		t.Errorf("another account: %v", err)
	}
	for name, c := range map[string]sts.RolePoliciesConfig{
		"no credentials": {},
		"plain http":     {Endpoint: "http://iam.example.com", Credentials: func(context.Context, string) (aws.Credentials, error) { return iamKeys, nil }},
	} {
		if _, err := sts.NewRolePolicies(c); sts.CheckOf(err) != sts.CheckInput {
			t.Errorf("%s: %v", name, err)
		}
	}
}
