// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package seal encrypts small secrets at rest with AES-256-GCM under a keyring.
//
// A sealed value names the key that sealed it, so keys rotate by adding a new
// primary and keeping the old one for reading. The associated data binds a
// value to its place (table|row|column|purpose): a value copied into another
// row does not open.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// ErrOpen is wrapped by the error for a value that does not open: unknown key,
// other associated data, or changed bytes. It names a key that is missing, which
// the value shows to everybody; the others it does not tell apart.
var ErrOpen = errors.New("seal: value does not open")

// Keyring seals with its primary key and opens with any of its keys. It is
// immutable and safe for concurrent use.
type Keyring struct {
	primary string
	aeads   map[string]cipher.AEAD
	raw     map[string][]byte
}

// NewKeyring returns a keyring over keys of [KeySize] bytes, by id. Ids are 1
// to 32 bytes and primary is one of them.
func NewKeyring(primary string, keys map[string][]byte) (*Keyring, error) {
	k := &Keyring{primary: primary, aeads: map[string]cipher.AEAD{}, raw: map[string][]byte{}}
	for id, key := range keys {
		if len(id) == 0 || len(id) > 32 {
			return nil, fmt.Errorf("seal: key id %q is not 1 to 32 bytes", id)
		}
		if len(key) != KeySize {
			return nil, fmt.Errorf("seal: key %q has %d bytes, not %d", id, len(key), KeySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		if k.aeads[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, err
		}
		k.raw[id] = append([]byte(nil), key...)
	}
	if _, ok := k.aeads[primary]; !ok {
		return nil, fmt.Errorf("seal: no key %q", primary)
	}
	return k, nil
}

// Seal returns plain sealed under the primary key and bound to aad:
// one byte length of the key id, the id, nonce and ciphertext.
func (k *Keyring) Seal(plain, aad []byte) ([]byte, error) {
	out := make([]byte, 0, 1+len(k.primary)+len(plain)+28)
	out = append(out, byte(len(k.primary)))
	out = append(out, k.primary...)
	return k.aeads[k.primary].Seal(out, nil, plain, bind(k.primary, aad)), nil
}

// Open returns what was sealed, or an error that wraps [ErrOpen].
func (k *Keyring) Open(sealed, aad []byte) ([]byte, error) {
	if len(sealed) == 0 || len(sealed) < 1+int(sealed[0]) {
		return nil, ErrOpen
	}
	id, body := string(sealed[1:1+int(sealed[0])]), sealed[1+int(sealed[0]):]
	aead, ok := k.aeads[id]
	if !ok {
		return nil, fmt.Errorf("%w: sealed under key %q, not in this keyring", ErrOpen, id)
	}
	plain, err := aead.Open(nil, nil, body, bind(id, aad))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Current reports whether sealed is under the primary key; if not, the caller
// may seal it again when it writes the row next.
func (k *Keyring) Current(sealed []byte) bool {
	return len(sealed) > 0 && len(sealed) > int(sealed[0]) && string(sealed[1:1+int(sealed[0])]) == k.primary
}

// Derive returns a 32-byte key for purpose, from the primary key: for HMACs of
// short codes, cookies and stateless registrations.
func (k *Keyring) Derive(purpose string) []byte {
	key, err := hkdfExpand(k.raw[k.primary], purpose)
	if err != nil {
		panic(err) // unreachable: the length is fixed
	}
	return key
}

// DeriveAll returns [Keyring.Derive] for every key, by id: for verifying what
// an older primary key authenticated.
func (k *Keyring) DeriveAll(purpose string) map[string][]byte {
	out := make(map[string][]byte, len(k.raw))
	for id, raw := range maps.All(k.raw) {
		key, err := hkdfExpand(raw, purpose)
		if err != nil {
			panic(err) // unreachable: the length is fixed
		}
		out[id] = key
	}
	return out
}

// Primary is the id of the key that seals.
func (k *Keyring) Primary() string { return k.primary }

// Token returns 256 random bits in unpadded base64url, 43 characters.
func Token() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return encode(b)
}

// Hash is what a store keeps of a token of 128 bits or more: SHA-256 over
// purpose, a zero byte and the token, in unpadded base64url. A token of one
// purpose is never found under another.
func Hash(purpose, token string) string {
	h := sha256.New()
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write([]byte(token))
	return encode(h.Sum(nil))
}
