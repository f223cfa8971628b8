// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"

	"github.com/gatehouse-id/gatehouse/sts"
)

// token is a signed-in session at a portal with the client that it belongs to.
type token struct {
	ClientID       string    `json:"client_id"`
	ClientSecret   string    `json:"client_secret"`
	ClientExpires  time.Time `json:"client_expires"`
	AccessToken    string    `json:"access_token"`
	RefreshToken   string    `json:"refresh_token,omitempty"`
	ExpiresAt      time.Time `json:"expires_at"`
	SharedWithFile string    `json:"shared,omitempty"`
}

const refreshBefore = 5 * time.Minute

// vaultName names what belongs to a portal; its start URL is part of it, so
// that a portal that was set up anew under an old name finds nothing.
func (p portal) vaultName(kind string) string {
	sum := sha256.Sum256([]byte(p.Name + "\x00" + p.StartURL + "\x00" + p.Endpoint))
	return kind + "-" + hex.EncodeToString(sum[:16])
}

func (p portal) oidc() *ssooidc.Client {
	return ssooidc.New(ssooidc.Options{Region: p.Region, BaseEndpoint: p.base(), RetryMaxAttempts: 3})
}

func (p portal) sso(with ...func(*sso.Options)) *sso.Client {
	return sso.New(sso.Options{Region: p.Region, BaseEndpoint: p.base(), RetryMaxAttempts: 3}, with...)
}

func (p portal) base() *string {
	if p.Endpoint == "" {
		return nil
	}
	return aws.String(p.Endpoint)
}

func needSignIn(p portal) error {
	return fail(exitSignIn, nil, "Nobody is signed in at %s. Run: awscreds login --portal %s", p.Name, p.Name)
}

// accessToken returns a token that lives, refreshed if it soon ends, by one
// process at a time.
func (a *app) accessToken(p portal) (string, error) {
	v, err := a.vault()
	if err != nil {
		return "", err
	}
	t, err := v.token(a.ctx, p)
	if err != nil {
		return "", err
	}
	if a.now().Add(refreshBefore).Before(t.ExpiresAt) {
		return t.AccessToken, nil
	}
	unlock, err := v.Lock(a.ctx, p.vaultName("token"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if t, err = v.token(a.ctx, p); err != nil {
		return "", err
	}
	t.adopt()
	if a.now().Add(refreshBefore).Before(t.ExpiresAt) {
		return t.AccessToken, nil // another process was faster
	}
	if err := a.refresh(p, t); err != nil {
		if a.now().Before(t.ExpiresAt) {
			return t.AccessToken, nil // it still lives
		}
		return "", err
	}
	if t.SharedWithFile != "" {
		if _, err := a.share(p, t); err != nil {
			return "", err
		}
	}
	return t.AccessToken, v.put(a.ctx, p.vaultName("token"), t)
}

func (s *secrets) token(ctx context.Context, p portal) (*token, error) {
	var t token
	if err := s.get(ctx, p.vaultName("token"), &t); err != nil {
		if errors.Is(err, sts.ErrNotCached) {
			return nil, needSignIn(p)
		}
		return nil, err
	}
	return &t, nil
}

func (a *app) refresh(p portal, t *token) error {
	if t.RefreshToken == "" || !a.now().Before(t.ClientExpires) {
		return needSignIn(p)
	}
	out, err := p.oidc().CreateToken(a.ctx, &ssooidc.CreateTokenInput{
		ClientId: &t.ClientID, ClientSecret: &t.ClientSecret, GrantType: aws.String("refresh_token"), RefreshToken: &t.RefreshToken,
	})
	if err != nil {
		return err
	}
	t.take(out, a.now())
	return nil
}

func (t *token) take(out *ssooidc.CreateTokenOutput, now time.Time) {
	t.AccessToken = aws.ToString(out.AccessToken)
	t.ExpiresAt = now.Add(time.Duration(out.ExpiresIn) * time.Second)
	if out.RefreshToken != nil {
		t.RefreshToken = *out.RefreshToken
	}
}
