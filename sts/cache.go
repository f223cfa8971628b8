// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ErrNotCached is returned by [Cache.Load] and [Vault.Get] for what is not
// there.
var ErrNotCached = errors.New("sts: not cached")

// Cache keeps credentials at rest. Implementations are safe for concurrent use
// by goroutines and processes.
type Cache interface {
	// Load returns the credentials of a key, expired or not, or an error that
	// is [ErrNotCached].
	Load(ctx context.Context, k Key) (aws.Credentials, error)
	// Save replaces the credentials of a key; a reader sees the old or the new
	// ones, never a part.
	Save(ctx context.Context, k Key, c aws.Credentials) error
	// Delete forgets a key; a missing one is no error.
	Delete(ctx context.Context, k Key) error
	// Lock waits until no other process holds the key, or until ctx ends. The
	// lock ends with the process.
	Lock(ctx context.Context, k Key) (unlock func(), err error)
}

// VaultCache keeps credentials in a vault.
type VaultCache struct{ Vault *Vault }

// stored is the JSON form of credentials; the AWS CLI's cache has the same.
type stored struct {
	AccessKeyID     string    `json:"AccessKeyId"`
	SecretAccessKey string    `json:"SecretAccessKey"`
	SessionToken    string    `json:"SessionToken"`
	Expiration      time.Time `json:"Expiration"`
	AccountID       string    `json:"AccountId,omitempty"`
}

func store(c aws.Credentials) stored {
	return stored{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Expires.UTC().Truncate(time.Second), c.AccountID}
}

func (s stored) credentials() aws.Credentials {
	return aws.Credentials{
		AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken,
		CanExpire: true, Expires: s.Expiration, AccountID: s.AccountID, Source: "gatehouse/sts cache",
	}
}

// name is the key as a file name: a hash, since every part may be hostile.
func (k Key) name() string {
	b, err := json.Marshal(k)
	if err != nil {
		panic("sts: " + err.Error()) // strings only
	}
	sum := sha256.Sum256(b)
	return "creds-" + hex.EncodeToString(sum[:20])
}

// Load implements [Cache].
func (c VaultCache) Load(ctx context.Context, k Key) (aws.Credentials, error) {
	b, err := c.Vault.Get(ctx, k.name())
	if err != nil {
		return aws.Credentials{}, err
	}
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return aws.Credentials{}, &Error{Check: CheckCache, Public: publicCache, Err: err}
	}
	return s.credentials(), nil
}

const publicCache = "The credential cache cannot be used."

// Save implements [Cache].
func (c VaultCache) Save(ctx context.Context, k Key, creds aws.Credentials) error {
	b, err := json.Marshal(store(creds))
	if err != nil {
		return err
	}
	return c.Vault.Put(ctx, k.name(), b)
}

// Delete implements [Cache].
func (c VaultCache) Delete(ctx context.Context, k Key) error { return c.Vault.Delete(ctx, k.name()) }

// Lock implements [Cache].
func (c VaultCache) Lock(ctx context.Context, k Key) (func(), error) {
	return c.Vault.Lock(ctx, k.name())
}

// CLICache keeps credentials in clear, in files of mode 0600, in the AWS CLI's
// own format and under its own names, so that the CLI and this program share
// them. Dir is ~/.aws/cli/cache. Prefer a [Vault] where nothing has to be
// shared.
type CLICache struct{ Dir string }

// file is sha1 of {"accountId","roleName","sessionName" or "startUrl"}, as
// botocore computes it.
func (c CLICache) file(k Key) (string, error) {
	if k.AccountID == "" || k.RoleName == "" || k.Session == "" && k.Portal == "" {
		return "", refuse(CheckCache, publicCache, "the AWS CLI's cache needs account, role name and session")
	}
	args := map[string]string{"accountId": k.AccountID, "roleName": k.RoleName}
	if k.Session != "" {
		args["sessionName"] = k.Session
	} else {
		args["startUrl"] = k.Portal
	}
	sum := sha1.Sum([]byte(minified(args)))
	return hex.EncodeToString(sum[:]) + ".json", nil
}

// minified is json.dumps(sort_keys=True, separators=(',', ':')) of Python,
// which escapes everything outside ASCII.
func minified(m map[string]string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b) // sorted keys, no blanks
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		panic("sts: " + err.Error()) // strings only
	}
	var out []byte
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case r < 0x80:
			out = append(out, byte(r))
		case r < 0x10000:
			out = fmt.Appendf(out, "\\u%04x", r)
		default:
			r -= 0x10000
			out = fmt.Appendf(out, "\\u%04x\\u%04x", 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	return string(out)
}

type cliFile struct {
	ProviderType string
	Credentials  stored
}

// Load implements [Cache].
func (c CLICache) Load(_ context.Context, k Key) (aws.Credentials, error) {
	name, err := c.file(k)
	if err != nil {
		return aws.Credentials{}, err
	}
	b, err := readFile(c.Dir, name)
	if err != nil {
		return aws.Credentials{}, err
	}
	var f cliFile
	if err := json.Unmarshal(b, &f); err != nil {
		return aws.Credentials{}, &Error{Check: CheckCache, Public: publicCache, Err: err}
	}
	return f.Credentials.credentials(), nil
}

// Save implements [Cache].
func (c CLICache) Save(_ context.Context, k Key, creds aws.Credentials) error {
	name, err := c.file(k)
	if err != nil {
		return err
	}
	b, err := json.Marshal(cliFile{"sso", store(creds)})
	if err != nil {
		return err
	}
	return writeFile(c.Dir, name, b)
}

// Delete implements [Cache].
func (c CLICache) Delete(_ context.Context, k Key) error {
	name, err := c.file(k)
	if err != nil {
		return err
	}
	return removeFile(c.Dir, name)
}

// Lock implements [Cache].
func (c CLICache) Lock(ctx context.Context, k Key) (func(), error) {
	name, err := c.file(k)
	if err != nil {
		return nil, err
	}
	return lockFile(ctx, c.Dir, name)
}
