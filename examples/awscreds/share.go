// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// awsDir is the folder of the AWS CLI's files.
func (a *app) awsDir() (string, error) {
	home := a.env("HOME")
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(home, ".aws"), nil
}

// sessionName is the sso-session that profiles of the portal name.
func (p portal) sessionName() string { return "gatehouse-" + p.Name }

// sharedToken is the AWS CLI's token cache.
type sharedToken struct {
	StartURL              string    `json:"startUrl"`
	Region                string    `json:"region"`
	AccessToken           string    `json:"accessToken"`
	ExpiresAt             time.Time `json:"expiresAt"`
	RefreshToken          string    `json:"refreshToken,omitempty"`
	ClientID              string    `json:"clientId"`
	ClientSecret          string    `json:"clientSecret"`
	RegistrationExpiresAt time.Time `json:"registrationExpiresAt"`
}

// share writes the token where the AWS CLI and SDKs look for that of the
// portal's sso-session. They check no host there, so this works with every
// version of them.
func (a *app) share(p portal, t *token) (string, error) {
	dir, err := a.awsDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "sso", "cache")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	b, err := json.Marshal(sharedToken{
		StartURL: p.StartURL, Region: p.Region, AccessToken: t.AccessToken, ExpiresAt: t.ExpiresAt.UTC().Truncate(time.Second), RefreshToken: t.RefreshToken,
		ClientID: t.ClientID, ClientSecret: t.ClientSecret, RegistrationExpiresAt: t.ClientExpires.UTC().Truncate(time.Second),
	})
	if err != nil {
		return "", err
	}
	sum := sha1.Sum([]byte(p.sessionName()))
	path := filepath.Join(dir, hex.EncodeToString(sum[:])+".json")
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return "", err
	}
	return path, os.Rename(tmp, path)
}

// adopt takes over what the CLI or an SDK has refreshed in the shared file: a
// refresh token that was rotated away must not be used again, the portal would
// take that for theft.
func (t *token) adopt() {
	if t.SharedWithFile == "" {
		return
	}
	b, err := os.ReadFile(t.SharedWithFile)
	if err != nil {
		return
	}
	var f sharedToken
	if json.Unmarshal(b, &f) == nil && f.ClientID == t.ClientID && f.AccessToken != "" && f.ExpiresAt.After(t.ExpiresAt) {
		t.AccessToken, t.ExpiresAt = f.AccessToken, f.ExpiresAt
		if f.RefreshToken != "" {
			t.RefreshToken = f.RefreshToken
		}
	}
}
