// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sts

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Vault is a folder of small encrypted files: AES-256-GCM, the file's name as
// associated data, mode 0600 in a folder of mode 0700, written whole or not at
// all. It is safe for concurrent use by goroutines and processes.
type Vault struct {
	dir  string
	aead cipher.AEAD
}

const maxVaultFile = 1 << 20

// NewVault opens the vault in dir, making the folder, with a 32-byte key: a
// random one that the OS keychain holds, or that of [PassphraseKey].
func NewVault(dir string, key []byte) (*Vault, error) {
	if len(key) != 32 {
		return nil, refuse(CheckCache, publicCache, "the vault's key has %d bytes, not 32", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	return &Vault{dir: dir, aead: aead}, nil
}

// passphraseRounds follows OWASP's figure for PBKDF2-HMAC-SHA256.
const passphraseRounds = 600_000

// PassphraseKey derives a vault's key from a passphrase with PBKDF2-SHA256 and
// the random salt that it keeps in dir.
func PassphraseKey(dir, passphrase string) ([]byte, error) {
	if passphrase == "" {
		return nil, refuse(CheckCache, "The passphrase is empty.", "an empty passphrase")
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	salt, err := readFile(dir, "salt")
	if errors.Is(err, ErrNotCached) {
		salt, err = newSalt(dir)
	}
	if err != nil {
		return nil, err
	}
	if len(salt) != 32 {
		return nil, refuse(CheckCache, publicCache, "a salt of %d bytes", len(salt))
	}
	return pbkdf2.Key(sha256.New, passphrase, salt, passphraseRounds, 32)
}

// newSalt makes the salt once; of two processes at once one wins and both
// read the winner's.
func newSalt(dir string) ([]byte, error) {
	unlock, err := lockFile(context.Background(), dir, "salt")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if salt, err := readFile(dir, "salt"); err == nil {
		return salt, nil
	}
	salt := make([]byte, 32)
	rand.Read(salt)
	return salt, writeFile(dir, "salt", salt)
}

// Get returns what Put stored, or an error that is [ErrNotCached]. A file that
// was changed, renamed or sealed under another key is an error.
func (v *Vault) Get(_ context.Context, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	b, err := readFile(v.dir, name)
	if err != nil {
		return nil, err
	}
	n := v.aead.NonceSize()
	if len(b) < n {
		return nil, refuse(CheckCache, publicCache, "%s is cut", name)
	}
	plain, err := v.aead.Open(nil, b[:n], b[n:], []byte("gatehouse vault|"+name))
	if err != nil {
		return nil, refuse(CheckCache, "The credential cache was made with another key, or was changed. Sign in again.", "%s: %w", name, err)
	}
	return plain, nil
}

// Put stores value under name, whole or not at all.
func (v *Vault) Put(_ context.Context, name string, value []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	if len(value) > maxVaultFile/2 {
		return refuse(CheckCache, publicCache, "%s has %d bytes", name, len(value))
	}
	nonce := make([]byte, v.aead.NonceSize())
	rand.Read(nonce)
	return writeFile(v.dir, name, v.aead.Seal(nonce, nonce, value, []byte("gatehouse vault|"+name)))
}

// Delete forgets name; a missing one is no error.
func (v *Vault) Delete(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return removeFile(v.dir, name)
}

// Lock waits until no other process holds name, or until ctx ends.
func (v *Vault) Lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return lockFile(ctx, v.dir, name)
}

func checkName(name string) error {
	if name == "" || len(name) > 100 || name[0] == '.' || strings.ContainsFunc(name, func(r rune) bool { return !isNameRune(r) }) {
		return refuse(CheckCache, publicCache, "vault name %q", name)
	}
	return nil
}

func isNameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-'
}

func cacheError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotCached
	}
	return &Error{Check: CheckCache, Public: publicCache, Err: err}
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cacheError(err)
	}
	return nil
}

func readFile(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, cacheError(err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxVaultFile {
		return nil, refuse(CheckCache, publicCache, "%s is no small file", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, cacheError(err)
	}
	return b, nil
}

// writeFile writes beside and renames, so that a reader never sees a part.
func writeFile(dir, name string, b []byte) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, name), b, 0o600)
}

// replaceFile is writeFile for a path in a folder that exists.
func replaceFile(path string, b []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // mode 0600
	if err != nil {
		return cacheError(err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return cacheError(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return cacheError(err)
	}
	return nil
}

func removeFile(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cacheError(err)
	}
	return nil
}

// lockFile takes an advisory lock on a file beside name. The file stays: to
// remove it would let two processes hold two files of one name.
func lockFile(ctx context.Context, dir, name string) (unlock func(), err error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "."+name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, cacheError(err)
	}
	wait := time.Millisecond
	for {
		ok, err := tryLock(f)
		if err != nil {
			_ = f.Close()
			return nil, cacheError(err)
		}
		if ok {
			return func() { _ = f.Close() }, nil // closing releases
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, &Error{Check: CheckCanceled, Public: advice[CheckCanceled], Err: ctx.Err()}
		case <-time.After(wait):
			wait = min(2*wait, 50*time.Millisecond)
		}
	}
}
