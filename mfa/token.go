// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// newToken returns 256 random bits in base64url.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// hashOf is how tokens are stored: a token of one purpose has no row under
// another.
func hashOf(purpose, token string) [32]byte {
	b := append(make([]byte, 0, 160), "gatehouse/mfa/"...)
	b = append(b, purpose...)
	b = append(b, 0)
	b = append(b, token...)
	return sha256.Sum256(b)
}

// sealedState is what a challenge keeps besides its row.
type sealedState struct {
	strength Strength
	// named says that somebody was named when it began, known or not.
	named bool
	round byte
	state []byte
}

func (s sealedState) encode() []byte {
	round := s.round
	if s.named {
		round |= namedBit
	}
	return append([]byte{byte(s.strength), round}, s.state...)
}

// namedBit shares a byte with the round, which is under maxRounds.
const namedBit = 0x80

func decodeState(b []byte) (sealedState, error) {
	if len(b) < 2 || !Strength(b[0]).valid() {
		return sealedState{}, errors.New("mfa: stored challenge state is malformed")
	}
	return sealedState{strength: Strength(b[0]), named: b[1]&namedBit != 0, round: b[1] &^ namedBit, state: b[2:]}, nil
}
