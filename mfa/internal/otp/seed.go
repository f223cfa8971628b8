// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package otp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Options are those of [mfa.Flow.Provision] for hardware tokens.
type Options struct {
	// Serial is on the token.
	Serial string `json:"serial"`
	// Secret is the seed in hexadecimal.
	Secret string `json:"secret"`
	// Algorithm is SHA1 if empty, Digits are 6 if zero.
	Algorithm Algorithm `json:"algorithm,omitempty"`
	Digits    int       `json:"digits,omitempty"`
	// Counter is the next of a HOTP token; Period is a TOTP token's, in
	// seconds, 30 if zero.
	Counter uint64 `json:"counter,omitempty"`
	Period  int    `json:"period,omitempty"`
}

// MaxCounter leaves room for windows and for signed columns.
const MaxCounter = 1 << 62

// ReadOptions checks what [Options] has, and decodes the seed.
func ReadOptions(b json.RawMessage) (o Options, secret []byte, err error) {
	if len(b) > 4096 || json.Unmarshal(b, &o) != nil {
		return o, nil, errors.New("otp: malformed options")
	}
	if o.Serial == "" || len(o.Serial) > 64 || strings.ContainsFunc(o.Serial, func(r rune) bool { return r < '!' || r > '~' }) {
		return o, nil, errors.New("otp: serial number is not 1 to 64 printable ASCII characters")
	}
	if secret, err = hex.DecodeString(o.Secret); err != nil {
		return o, nil, errors.New("otp: secret is not hexadecimal")
	}
	if o.Algorithm == "" {
		o.Algorithm = SHA1
	}
	if o.Digits == 0 {
		o.Digits = 6
	}
	if o.Period == 0 {
		o.Period = 30
	}
	if o.Counter > MaxCounter {
		return o, nil, fmt.Errorf("otp: counter %d is too large", o.Counter)
	}
	return o, secret, Check(secret, o.Algorithm, o.Digits)
}

// TokenKey is a token's unique key: tokens of two makers may have one serial
// number, but one token is never two people's.
func TokenKey(serial string, secret []byte) string {
	sum := sha256.Sum256(append([]byte("gatehouse/mfa/token\x00"), secret...))
	return serial + ":" + hex.EncodeToString(sum[:8])
}
