// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters of new password hashes: argon2id with 19 MiB, two passes and
// one lane (OWASP's first choice).
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// MaxPassword bounds a password, in bytes; longer ones are refused unhashed.
const MaxPassword = 256

// Passwords hashes with argon2id in a bounded pool: each hash takes 19 MiB, so
// the number of hashes at once bounds memory. It is safe for concurrent use.
type Passwords struct {
	slots chan struct{}
	dummy string
}

// NewPasswords returns a pool of n hashes at once; 0 means one a processor.
func NewPasswords(n int) *Passwords {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	p := &Passwords{slots: make(chan struct{}, n)}
	// A PHC string that no password matches, at the cost of one that could.
	zero := make([]byte, argonKey)
	p.dummy = phc(zero[:argonSalt], zero)
	return p
}

// Hash returns the PHC string of password under a new salt. It waits for a
// slot or for ctx.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt)
	key, err := p.derive(ctx, password, salt, argonTime, argonMemory, argonThreads, argonKey)
	if err != nil {
		return "", err
	}
	return phc(salt, key), nil
}

// Verify reports whether password has the hash. An empty hash stands for a
// person who does not exist or has no password: it costs the same and is
// always false.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.dummy
	}
	h, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	key, err := p.derive(ctx, password, h.salt, h.time, h.memory, h.threads, uint32(len(h.key)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1 && known, nil
}

func (p *Passwords) derive(ctx context.Context, password string, salt []byte, time, memory uint32, threads uint8, size uint32) ([]byte, error) {
	if len(password) > MaxPassword {
		password = password[:MaxPassword] + "\x00too long" // the same cost, matched by nothing that Hash was given
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), salt, time, memory, threads, size), nil
}

type phcHash struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key))
}

// parsePHC reads an argon2id PHC string and bounds what it may cost.
func parsePHC(s string) (phcHash, error) {
	var h phcHash
	var version int
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errors.New("directory: password hash is not an argon2id PHC string")
	}
	if n, err := fmt.Sscanf(parts[2], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return h, errors.New("directory: password hash has another argon2 version")
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); n != 3 || err != nil {
		return h, errors.New("directory: password hash has no parameters")
	}
	if h.memory < 8 || h.memory > 128*1024 || h.time < 1 || h.time > 10 || h.threads < 1 || h.threads > 8 {
		return h, errors.New("directory: password hash parameters are out of bounds")
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(h.salt) < 8 || len(h.salt) > 64 || len(h.key) < 16 || len(h.key) > 64 {
		return h, errors.New("directory: password hash salt or key is malformed")
	}
	return h, nil
}
