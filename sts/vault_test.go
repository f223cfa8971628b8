// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-id/gatehouse/sts"
)

func TestVault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vault")
	key := bytes.Repeat([]byte{7}, 32)
	v, err := sts.NewVault(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if _, err := v.Get(ctx, "a"); !errors.Is(err, sts.ErrNotCached) {
		t.Errorf("missing: %v", err)
	}
	if err := v.Put(ctx, "a", []byte("wJalrSecret")); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Get(ctx, "a"); err != nil || string(got) != "wJalrSecret" {
		t.Errorf("%q, %v", got, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "a"))
	if err != nil || bytes.Contains(raw, []byte("Secret")) {
		t.Errorf("in clear on disk, or %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "a")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	for name, change := range map[string]func() error{
		"renamed": func() error { return os.WriteFile(filepath.Join(dir, "b"), raw, 0o600) },
		"changed": func() error {
			return os.WriteFile(filepath.Join(dir, "b"), append(bytes.Clone(raw[:len(raw)-1]), raw[len(raw)-1]^1), 0o600)
		},
		"cut":   func() error { return os.WriteFile(filepath.Join(dir, "b"), raw[:5], 0o600) },
		"large": func() error { return os.WriteFile(filepath.Join(dir, "b"), make([]byte, 1<<20+1), 0o600) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Get(ctx, "b"); sts.CheckOf(err) != sts.CheckCache {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, err := sts.NewVault(dir, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Get(ctx, "a"); sts.CheckOf(err) != sts.CheckCache {
		t.Errorf("other key: %v", err)
	}
	for _, name := range []string{"", "../a", "a/b", ".lock", strings.Repeat("x", 101), "a\x00"} {
		if err := v.Put(ctx, name, nil); sts.CheckOf(err) != sts.CheckCache {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for range 2 {
		if err := v.Delete(ctx, "a"); err != nil {
			t.Error(err)
		}
	}
	if _, err := sts.NewVault(dir, key[:31]); sts.CheckOf(err) != sts.CheckCache {
		t.Errorf("short key: %v", err)
	}
}

func TestVaultLock(t *testing.T) {
	v, err := sts.NewVault(t.TempDir(), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := v.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Lock(ctx, "a"); sts.CheckOf(err) != sts.CheckCanceled {
		t.Errorf("a held lock was given: %v", err)
	}
	if other, err := v.Lock(t.Context(), "b"); err != nil {
		t.Error(err)
	} else {
		other()
	}
	unlock()
	again, err := v.Lock(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestPassphraseKey(t *testing.T) {
	dir := t.TempDir()
	a, err := sts.PassphraseKey(dir, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	b, err := sts.PassphraseKey(dir, "correct horse")
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("the same passphrase gives another key, or %v", err)
	}
	if c, _ := sts.PassphraseKey(dir, "wrong horse"); bytes.Equal(a, c) {
		t.Error("another passphrase gives the same key")
	}
	if c, _ := sts.PassphraseKey(t.TempDir(), "correct horse"); bytes.Equal(a, c) {
		t.Error("another salt gives the same key")
	}
	if _, err := sts.PassphraseKey(dir, ""); sts.CheckOf(err) != sts.CheckCache {
		t.Error(err)
	}
}

// TestCLICache holds the file to the AWS CLI's names and format. The hashes
// were computed with Python's json and hashlib as botocore does.
func TestCLICache(t *testing.T) {
	dir := t.TempDir()
	c := sts.CLICache{Dir: dir}
	creds := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "TOKEN", CanExpire: true, Expires: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), AccountID: "111122223333"}
	for _, tc := range []struct {
		key  sts.Key
		file string
	}{
		{sts.Key{Portal: "ignored", Session: "corp", AccountID: "111122223333", RoleName: "Admin"}, "0cdbf32b99792a73981dd3f142bc63ab50240b44.json"},
		{sts.Key{Portal: "https://portal.example.com/start?a=1&b=<ü>", AccountID: "111122223333", RoleName: "Admin"}, "21c9d6012e3cbe74366fa80be5082d26fb956582.json"},
	} {
		if err := c.Save(t.Context(), tc.key, creds); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, tc.file))
		if err != nil {
			t.Errorf("%+v: %v", tc.key, err)
			continue
		}
		var f map[string]any
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		inner, _ := f["Credentials"].(map[string]any)
		if f["ProviderType"] != "sso" || inner["AccessKeyId"] != "AKID" || inner["Expiration"] != "2026-11-24T12:00:00Z" || inner["AccountId"] != "111122223333" {
			t.Errorf("%s", b)
		}
		if got, err := c.Load(t.Context(), tc.key); err != nil || got.AccessKeyID != "AKID" || !got.Expires.Equal(creds.Expires) || got.SessionToken != "TOKEN" {
			t.Errorf("%+v, %v", got, err)
		}
		if err := c.Delete(t.Context(), tc.key); err != nil {
			t.Error(err)
		}
		if _, err := c.Load(t.Context(), tc.key); !errors.Is(err, sts.ErrNotCached) {
			t.Error(err)
		}
	}
	if err := c.Save(t.Context(), sts.Key{RoleARN: "arn:aws:iam::111122223333:role/x"}, creds); sts.CheckOf(err) != sts.CheckCache {
		t.Error(err)
	}
}
