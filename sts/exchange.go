// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// Request asks for credentials of one role.
type Request struct {
	// Assertion is the base64 of the whole SAML Response; STS takes it for
	// five minutes after it was issued.
	Assertion string
	// RoleARN and ProviderARN are one Role pair of the assertion.
	RoleARN     string
	ProviderARN string
	// Duration is 15 minutes to 12 hours; 0 is the service's hour. More than
	// the role allows is lowered to what it allows, unless Exact is set.
	Duration time.Duration
	Exact    bool
	// Policy is a session policy (JSON), PolicyARNs managed ones. They narrow
	// what these credentials can do; they do not bind a person who holds the
	// assertion.
	Policy     string
	PolicyARNs []string
	// Regions overrides the client's order; each must be one of its regions.
	Regions []string
}

// Session is what STS handed out.
type Session struct {
	Credentials    aws.Credentials
	ARN            string // arn:..:assumed-role/ROLE/SESSION
	RoleID         string // AROA..:SESSION
	Subject        string
	SubjectType    string
	Issuer         string
	Audience       string
	NameQualifier  string
	SourceIdentity string
	Region         string // that answered
	// Duration is what was asked for in the end; 0 if it was left to the
	// service.
	Duration time.Duration
}

const (
	minDuration = 15 * time.Minute
	maxDuration = 12 * time.Hour
	// chainLimit is how long a session can last that another session began.
	chainLimit = time.Hour
)

// steps are tried when a role allows less than was asked: the maxima that
// roles really have. Every role allows an hour.
var steps = []time.Duration{8 * time.Hour, 6 * time.Hour, 4 * time.Hour, 3 * time.Hour, 2 * time.Hour, time.Hour}

// Exchange calls AssumeRoleWithSAML. A refusal is an [*Error] that says what
// to change.
func (c *Client) Exchange(ctx context.Context, r Request) (*Session, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	regions, err := c.order(r.Regions)
	if err != nil {
		return nil, err
	}
	if r.Exact || r.Duration <= chainLimit {
		return c.exchange(ctx, regions, r)
	}
	if known := c.limit(r.RoleARN); known > 0 && known < r.Duration {
		r.Duration = known
		return c.exchange(ctx, regions, r)
	}
	s, err := c.exchange(ctx, regions, r)
	lowered := false
	for _, d := range steps {
		if CheckOf(err) != CheckDuration {
			break
		}
		if d >= r.Duration {
			continue
		}
		r.Duration, lowered = d, true
		s, err = c.exchange(ctx, regions, r)
	}
	if err == nil && lowered {
		c.learn(r.RoleARN, r.Duration)
	}
	return s, err
}

func (r *Request) check() error {
	const public = "The request for AWS credentials is not complete."
	switch {
	case len(r.Assertion) < 4 || len(r.Assertion) > 100_000:
		return refuse(CheckInput, "The SAML response is missing or too large for AWS.", "an assertion of %d characters, not 4 to 100000", len(r.Assertion))
	case len(r.RoleARN) < 20 || len(r.RoleARN) > 2048 || !strings.HasPrefix(r.RoleARN, "arn:"):
		return refuse(CheckInput, public, "role ARN of %d characters", len(r.RoleARN))
	case len(r.ProviderARN) < 20 || len(r.ProviderARN) > 2048 || !strings.HasPrefix(r.ProviderARN, "arn:"):
		return refuse(CheckInput, public, "provider ARN of %d characters", len(r.ProviderARN))
	case len(r.Policy) > 2048 || len(r.PolicyARNs) > 10:
		return refuse(CheckPolicy, advice[CheckPolicy], "a policy of %d characters and %d policy ARNs", len(r.Policy), len(r.PolicyARNs))
	}
	return checkDuration(r.Duration)
}

func checkDuration(d time.Duration) error {
	if d != 0 && (d < minDuration || d > maxDuration || d%time.Second != 0) {
		return refuse(CheckDuration, "AWS sessions last 15 minutes to 12 hours.", "duration %v", d)
	}
	return nil
}

func (c *Client) exchange(ctx context.Context, regions []string, r Request) (*Session, error) {
	in := &sts.AssumeRoleWithSAMLInput{
		SAMLAssertion: &r.Assertion, RoleArn: &r.RoleARN, PrincipalArn: &r.ProviderARN,
		DurationSeconds: seconds(r.Duration), Policy: optional(r.Policy), PolicyArns: policyARNs(r.PolicyARNs),
	}
	var s *Session
	err := c.each(ctx, regions, func(region string, api *sts.Client) error {
		out, err := api.AssumeRoleWithSAML(ctx, in)
		if err != nil {
			return err
		}
		s = &Session{
			ARN: arnOf(out.AssumedRoleUser), RoleID: roleIDOf(out.AssumedRoleUser),
			Subject: aws.ToString(out.Subject), SubjectType: aws.ToString(out.SubjectType),
			Issuer: aws.ToString(out.Issuer), Audience: aws.ToString(out.Audience),
			NameQualifier: aws.ToString(out.NameQualifier), SourceIdentity: aws.ToString(out.SourceIdentity),
			Region: region, Duration: r.Duration,
		}
		s.Credentials, err = credentialsOf(out.Credentials, s.ARN)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// limit is what the role was found to allow, if that was not long ago: an
// administrator may have raised it since.
func (c *Client) limit(role string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.limits[role]; time.Since(l.found) < limitValid {
		return l.duration
	}
	return 0
}

const (
	maxLimits  = 10_000
	limitValid = time.Hour
)

// limit is a duration that a role allows, longer ones having been refused.
type limit struct {
	duration time.Duration
	found    time.Time
}

func (c *Client) learn(role string, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.limits) >= maxLimits {
		clear(c.limits)
	}
	c.limits[role] = limit{d, time.Now()}
}

// Forget drops what the client learned about how long a role's sessions may
// be, as after an administrator raised the maximum.
func (c *Client) Forget(roleARN string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.limits, roleARN)
}

// Outcome is the result for one request of [Client.ExchangeAll].
type Outcome struct {
	Request Request
	Session *Session
	Err     error
}

// ExchangeAll asks for many roles at once, at most parallel at a time (0: 8),
// and returns the outcomes in the order of the requests. One refusal stops
// nothing else.
func (c *Client) ExchangeAll(ctx context.Context, requests []Request, parallel int) []Outcome {
	out := make([]Outcome, len(requests))
	inParallel(len(requests), parallel, func(i int) {
		out[i].Request = requests[i]
		out[i].Session, out[i].Err = c.Exchange(ctx, requests[i])
	})
	return out
}

// inParallel runs do for 0 to n-1, at most limit at a time, and waits.
func inParallel(n, limit int, do func(i int)) {
	if limit <= 0 {
		limit = 8
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, limit) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

func credentialsOf(c *types.Credentials, arn string) (aws.Credentials, error) {
	if c == nil || aws.ToString(c.AccessKeyId) == "" || aws.ToString(c.SecretAccessKey) == "" || aws.ToString(c.SessionToken) == "" || c.Expiration == nil {
		return aws.Credentials{}, refuse(CheckService, advice[CheckService], "an answer without credentials")
	}
	out := aws.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
		Source: "gatehouse/sts", CanExpire: true, Expires: *c.Expiration,
	}
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 {
		out.AccountID = f[4]
	}
	return out, nil
}

func arnOf(u *types.AssumedRoleUser) string {
	if u == nil {
		return ""
	}
	return aws.ToString(u.Arn)
}

func roleIDOf(u *types.AssumedRoleUser) string {
	if u == nil {
		return ""
	}
	return aws.ToString(u.AssumedRoleId)
}

func seconds(d time.Duration) *int32 {
	if d == 0 {
		return nil
	}
	return aws.Int32(int32(d / time.Second))
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func policyARNs(arns []string) []types.PolicyDescriptorType {
	var out []types.PolicyDescriptorType
	for _, a := range arns {
		out = append(out, types.PolicyDescriptorType{Arn: &a})
	}
	return out
}
