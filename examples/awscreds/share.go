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
	b, err := json.Marshal(map[string]string{
		"startUrl": p.StartURL, "region": p.Region,
		"accessToken": t.AccessToken, "expiresAt": stamp(t.ExpiresAt), "refreshToken": t.RefreshToken,
		"clientId": t.ClientID, "clientSecret": t.ClientSecret, "registrationExpiresAt": stamp(t.ClientExpires),
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

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
