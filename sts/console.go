// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ConsoleConfig is what [NewConsole] needs.
type ConsoleConfig struct {
	// Region chooses the partition, the sign-in endpoint and where the console
	// opens; required.
	Region string
	// Global uses the partition-wide sign-in endpoint instead of the region's.
	Global bool
	// Endpoint replaces the federation endpoint, on loopback only, as for a
	// double.
	Endpoint string
	// HTTP sends the request; nil is a client with a timeout that follows no
	// redirects.
	HTTP *http.Client
}

// Console makes URLs that sign in to the AWS console.
type Console struct {
	c        ConsoleConfig
	part     partition
	endpoint string
	login    string
}

// SignInURLValid is how long AWS takes a sign-in URL.
const SignInURLValid = 15 * time.Minute

// NewConsole checks the configuration.
func NewConsole(c ConsoleConfig) (*Console, error) {
	if !isRegion(c.Region) {
		return nil, refuse(CheckInput, "This is no AWS region.", "region %q", c.Region)
	}
	part := partitionOf(c.Region)
	host := c.Region + "." + part.signIn
	if c.Global {
		host = part.signIn
	}
	out := &Console{c: c, part: part, login: "https://" + host + "/federation"}
	out.endpoint = out.login
	if c.Endpoint != "" {
		if u, err := url.Parse(c.Endpoint); err != nil || !isLoopbackHost(u.Hostname()) || checkEndpoint(c.Endpoint) != nil {
			return nil, refuse(CheckInput, "The federation endpoint may only be replaced by one on loopback.", "endpoint %q", c.Endpoint)
		}
		out.endpoint = c.Endpoint
	}
	if c.HTTP == nil {
		out.c.HTTP = &http.Client{
			Timeout:       20 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return out, nil
}

// ConsoleRequest says which page to open and for how long.
type ConsoleRequest struct {
	// Destination is a page of the partition's console; "" is the region's
	// home page.
	Destination string
	// Issuer is where AWS sends the person when the session ends; may be
	// empty.
	Issuer string
	// Duration is 15 minutes to 12 hours; 0 leaves it to the credentials. It
	// works only with credentials of AssumeRole calls.
	Duration time.Duration
	// Chained says that the credentials come from role chaining, whose console
	// sessions last an hour at most and take no Duration above it.
	Chained bool
}

// SignInURL exchanges credentials for a sign-in token, by POST since they are
// secret, and returns the URL to open. The URL is a secret too, for
// [SignInURLValid].
func (c *Console) SignInURL(ctx context.Context, creds aws.Credentials, r ConsoleRequest) (string, error) {
	dest := r.Destination
	if dest == "" {
		dest = "https://" + c.part.console + "/console/home?region=" + c.c.Region
	}
	if err := c.checkDestination(dest); err != nil {
		return "", err
	}
	if err := checkIssuer(r.Issuer); err != nil {
		return "", err
	}
	if err := checkDuration(r.Duration); err != nil {
		return "", err
	}
	if r.Chained && r.Duration > chainLimit {
		return "", refuse(CheckDuration, "Console sessions by role chaining last one hour at most.", "chained console session of %v", r.Duration)
	}
	if creds.SessionToken == "" {
		return "", refuse(CheckInput, "Only temporary credentials open the console.", "credentials without a session token")
	}
	token, err := c.signInToken(ctx, creds, r.Duration)
	if err != nil {
		return "", err
	}
	q := url.Values{"Action": {"login"}, "Destination": {dest}, "SigninToken": {token}}
	if r.Issuer != "" {
		q.Set("Issuer", r.Issuer)
	}
	return c.login + "?" + q.Encode(), nil
}

func (c *Console) signInToken(ctx context.Context, creds aws.Credentials, d time.Duration) (string, error) {
	session, err := json.Marshal(struct {
		ID    string `json:"sessionId"`
		Key   string `json:"sessionKey"`
		Token string `json:"sessionToken"`
	}{creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken})
	if err != nil {
		return "", err
	}
	form := url.Values{"Action": {"getSigninToken"}, "Session": {string(session)}}
	if d != 0 {
		form.Set("SessionDuration", strconv.Itoa(int(d/time.Second)))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", refuse(CheckInput, "", "%w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.c.HTTP.Do(req)
	if err != nil {
		return "", refuse(CheckUnavailable, "The AWS sign-in endpoint cannot be reached.", "%w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		// The body is not quoted: it may repeat what was sent.
		check := CheckDenied
		if resp.StatusCode >= 500 {
			check = CheckUnavailable
		}
		return "", refuse(check, "AWS does not open the console with these credentials. They may have expired, or be of a kind that cannot sign in.", "federation endpoint answered %d", resp.StatusCode)
	}
	var answer struct{ SigninToken string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&answer); err != nil || answer.SigninToken == "" {
		return "", refuse(CheckService, "The AWS sign-in endpoint gave no token.", "federation endpoint: no SigninToken")
	}
	return answer.SigninToken, nil
}

// checkDestination allows https pages on the partition's console host or below
// it: no user, port, backslash, white space or control character.
func (c *Console) checkDestination(raw string) error {
	const public = "This is no page of the AWS console."
	if len(raw) > 2048 || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return refuse(CheckDestination, public, "a destination of %d bytes, or with characters that no URL has", len(raw))
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || strings.ContainsAny(u.Host, ":%[]") {
		return refuse(CheckDestination, public, "%q is not https://HOST/..", raw)
	}
	host := strings.ToLower(u.Host)
	sub, ok := strings.CutSuffix(host, c.part.console)
	if !ok || sub != "" && (len(sub) < 2 || !strings.HasSuffix(sub, ".") || strings.HasPrefix(sub, ".") || strings.Contains(sub, "..")) {
		return refuse(CheckDestination, public, "host %q is not the console of %s", host, c.part.id)
	}
	return nil
}

func checkIssuer(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > 1024 || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopbackHost(u.Hostname())) {
		return refuse(CheckInput, "The portal's address is no https URL.", "issuer %q", s)
	}
	return nil
}
