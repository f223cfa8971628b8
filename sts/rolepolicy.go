// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// RolePoliciesConfig is what [NewRolePolicies] needs. Credentials is required.
type RolePoliciesConfig struct {
	// Credentials returns credentials that may call iam:PutRolePolicy on the
	// roles of an account: of a role there, by [Client.Chain] or the SDK's
	// stscreds.
	Credentials func(ctx context.Context, accountID string) (aws.Credentials, error)
	// Endpoint replaces that of IAM: https, or http on loopback as for a double.
	Endpoint string
	// HTTPClient default: one with a timeout of 20 seconds.
	HTTPClient aws.HTTPClient
	// Now is the clock. Default [time.Now].
	Now func() time.Time
}

// RolePolicies writes inline policies to roles, with IAM's PutRolePolicy: what
// a deny of earlier sessions needs. It is safe for concurrent use.
type RolePolicies struct {
	c      RolePoliciesConfig
	signer *v4.Signer
}

// NewRolePolicies checks the configuration.
func NewRolePolicies(c RolePoliciesConfig) (*RolePolicies, error) {
	if c.Credentials == nil {
		return nil, refuse(CheckInput, "Nothing may write to roles.", "Credentials is required")
	}
	if err := checkEndpoint(c.Endpoint); err != nil {
		return nil, err
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &RolePolicies{c: c, signer: v4.NewSigner()}, nil
}

// maxRolePolicy is what IAM takes for all inline policies of a role together
// (characters without white space).
const maxRolePolicy = 10_240

// Put writes a policy of the name to the role, in place of one of that name,
// and leaves the role's other policies alone. Refusals are [*Error]; nothing is
// tried twice, as the same call again does no harm.
func (p *RolePolicies) Put(ctx context.Context, roleARN, name, document string) error {
	arn, role, err := readRoleARN(roleARN)
	if err != nil {
		return err
	}
	if !isPolicyName(name) || document == "" || len(document) > 2*maxRolePolicy {
		return refuse(CheckInput, "This policy cannot be written.", "policy name %q with %d bytes", name, len(document))
	}
	creds, err := p.c.Credentials(ctx, arn.account)
	if err != nil {
		return err
	}
	form := url.Values{
		"Action": {"PutRolePolicy"}, "Version": {"2010-05-08"}, "RoleName": {role}, "PolicyName": {name}, "PolicyDocument": {document},
	}.Encode()
	endpoint := p.c.Endpoint
	if endpoint == "" {
		endpoint = "https://" + arn.service.host + "/"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form))
	if err != nil {
		return refuse(CheckInput, "This policy cannot be written.", "%w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(form))
	if err := p.signer.SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), "iam", arn.service.region, p.c.Now()); err != nil {
		return refuse(CheckInput, "This policy cannot be written.", "%w", err)
	}
	return p.send(r, arn.service.region)
}

func (p *RolePolicies) send(r *http.Request, region string) error {
	resp, err := p.c.HTTPClient.Do(r)
	if err != nil {
		e := &Error{Check: CheckUnavailable, Public: "AWS IAM cannot be reached.", Err: err, Region: region}
		if errors.Is(err, context.Canceled) {
			e.Check, e.Public = CheckCanceled, advice[CheckCanceled]
		}
		return e
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil && resp.StatusCode == http.StatusOK {
		return nil
	}
	var answer struct {
		Code      string `xml:"Error>Code"`
		Message   string `xml:"Error>Message"`
		RequestID string `xml:"RequestId"`
	}
	_ = xml.Unmarshal(body, &answer) // without, the status says enough
	e := &Error{Check: checkOfCode(answer.Code, ""), Code: answer.Code, RequestID: answer.RequestID, Region: region}
	e.Err = errors.Join(err, fmt.Errorf("status %d: %s", resp.StatusCode, answer.Message))
	switch {
	case e.Check != "":
	case resp.StatusCode >= 500:
		e.Check = CheckUnavailable
	default:
		e.Check = CheckService
	}
	e.Public = iamAdvice(e.Check, answer.Code)
	return e
}

func iamAdvice(check Check, code string) string {
	switch {
	case check == CheckDenied:
		return "The credentials for this account may not call iam:PutRolePolicy on the role."
	case code == "NoSuchEntity":
		return "The account has no such role."
	case code == "LimitExceeded":
		return "The role has no room for another inline policy. Remove those that are no longer needed."
	case code == "UnmodifiableEntity":
		return "The role is kept by an AWS service and cannot be changed."
	case check == CheckUnavailable || check == CheckThrottled:
		return "AWS IAM does not answer. Try again in a moment."
	}
	return "AWS IAM refused the policy."
}

// iamEndpoint is where a partition's IAM is, which has one region each.
type iamEndpoint struct{ host, region string }

var iamEndpoints = map[string]iamEndpoint{
	"aws":        {"iam.amazonaws.com", "us-east-1"},
	"aws-cn":     {"iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
	"aws-us-gov": {"iam.us-gov.amazonaws.com", "us-gov-west-1"},
	"aws-eusc":   {"iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
}

type roleARN struct {
	account string
	service iamEndpoint
}

// readRoleARN reads arn:PARTITION:iam::ACCOUNT:role/PATH/NAME.
func readRoleARN(s string) (roleARN, string, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(s) > 2048 || len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || parts[3] != "" || !strings.HasPrefix(parts[5], "role/") {
		return roleARN{}, "", refuse(CheckInput, "This is no role.", "role ARN %q", s)
	}
	service, known := iamEndpoints[parts[1]]
	name := parts[5][strings.LastIndexByte(parts[5], '/')+1:]
	if account := parts[4]; !known || len(account) != 12 || strings.Trim(account, "0123456789") != "" || len(name) > 64 || !isPolicyName(name) {
		return roleARN{}, "", refuse(CheckInput, "This is no role.", "role ARN %q", s)
	}
	return roleARN{parts[4], service}, name, nil
}

// isPolicyName reports whether s is 1 to 128 of the characters of IAM's names.
func isPolicyName(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_+=,.@-", r))
	})
}
