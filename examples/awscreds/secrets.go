// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/zalando/go-keyring"

	"github.com/gatehouse-id/gatehouse/sts"
)

// secrets is the encrypted folder of tokens and credentials.
type secrets struct{ *sts.Vault }

// vault opens the encrypted folder with the key that AWSCREDS_CACHE names.
func (a *app) vault() (*secrets, error) {
	if a.secret != nil {
		return a.secret, nil
	}
	dir := filepath.Join(a.dir, "vault")
	key, err := a.vaultKey(dir)
	if err != nil {
		return nil, err
	}
	v, err := sts.NewVault(dir, key)
	if err != nil {
		return nil, err
	}
	a.secret = &secrets{v}
	return a.secret, nil
}

func (a *app) vaultKey(dir string) ([]byte, error) {
	switch mode := a.env("AWSCREDS_CACHE"); mode {
	case "", "keychain":
		return a.keychainKey()
	case "passphrase":
		passphrase := a.env("AWSCREDS_PASSPHRASE")
		if passphrase == "" && a.ask != nil {
			var err error
			if passphrase, err = a.ask("Passphrase of the credential cache: "); err != nil {
				return nil, err
			}
		}
		if passphrase == "" {
			return nil, fail(exitUsage, nil, "Set AWSCREDS_PASSPHRASE, the passphrase of the credential cache.")
		}
		return sts.PassphraseKey(dir, passphrase)
	case "key-file":
		return keyFromFile(a.env("AWSCREDS_KEY_FILE"))
	default:
		return nil, fail(exitUsage, nil, "AWSCREDS_CACHE is %q, not keychain, passphrase or key-file.", mode)
	}
}

func (a *app) keychainKey() ([]byte, error) {
	const service = "awscreds"
	account := "vault key of " + a.dir
	const hint = "The system's keychain cannot be used. Set AWSCREDS_CACHE=key-file and AWSCREDS_KEY_FILE to a file for the key, which is made; or AWSCREDS_CACHE=passphrase and AWSCREDS_PASSPHRASE."
	text, err := keyring.Get(service, account)
	if errors.Is(err, keyring.ErrNotFound) {
		text = newKey()
		err = keyring.Set(service, account, text)
	}
	if err != nil {
		return nil, fail(exitUsage, err, hint)
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, fail(exitUsage, err, "The keychain's entry for awscreds is damaged. Remove it and sign in again.")
	}
	return key, nil
}

// checkKey says whether the key of the encrypted folder can be had, before
// something is to be kept there. It asks nobody for a passphrase.
func (a *app) checkKey() error {
	if a.env("AWSCREDS_CACHE") == "passphrase" && (a.ask != nil || a.env("AWSCREDS_PASSPHRASE") != "") {
		return nil
	}
	_, err := a.vault()
	return err
}

func newKey() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// keyFromFile reads the key, making the file once; one that others can read is
// refused.
func keyFromFile(path string) ([]byte, error) {
	if path == "" {
		return nil, fail(exitUsage, nil, "Set AWSCREDS_KEY_FILE, the file that holds the cache's key.")
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.WriteString(newKey() + "\n")
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fail(exitUsage, err, "The key file cannot be written.")
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fail(exitUsage, err, "The key file cannot be read.")
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		return nil, fail(exitUsage, nil, "The key file %s can be read by others. Run: chmod 600 %s", path, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fail(exitUsage, err, "The key file cannot be read.")
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != 32 {
		return nil, fail(exitUsage, err, "The key file %s holds no key of 64 hexadecimal digits.", path)
	}
	return key, nil
}

func (s *secrets) get(ctx context.Context, name string, v any) error {
	b, err := s.Get(ctx, name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func (s *secrets) put(ctx context.Context, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.Put(ctx, name, b)
}
