// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sso"
)

// logout tells the portal, best effort, and removes token and credentials.
func (a *app) logout(v *secrets, p portal) error {
	t, err := v.token(a.ctx, p)
	if err == nil && t.AccessToken != "" {
		t.adopt()
		_, _ = p.sso().Logout(a.ctx, &sso.LogoutInput{AccessToken: &t.AccessToken})
		// A file that was shared is removed if it still is ours.
		if b, err := os.ReadFile(t.SharedWithFile); err == nil && strings.Contains(string(b), t.AccessToken) {
			_ = os.Remove(t.SharedWithFile)
		}
		// The registration stays: it grants nothing.
		if err := v.put(a.ctx, p.vaultName("token"), token{ClientID: t.ClientID, ClientSecret: t.ClientSecret, ClientExpires: t.ClientExpires}); err != nil {
			return err
		}
	}
	if err := v.Delete(a.ctx, p.vaultName("roles")); err != nil {
		return err
	}
	// All credentials go: which are of this portal cannot be told from the
	// names, and the others are fetched again.
	files, err := filepath.Glob(filepath.Join(a.dir, "vault", "creds-*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
