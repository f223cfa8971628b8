// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package mschap is the client's side of MS-CHAPv2 (RFC 2759).
package mschap

import (
	"crypto/des"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"unicode/utf16"

	"github.com/gatehouse-id/gatehouse/mfa/radius/internal/md4"
)

// Exchange is one authentication.
type Exchange struct {
	challenge [8]byte  // RFC 2759 8.2
	hash      [16]byte // of the password
	response  [24]byte
}

// New answers the authenticator's challenge with the peer's.
func New(authenticator, peer [16]byte, user, password string) Exchange {
	e := Exchange{challenge: challengeHash(peer, authenticator, user), hash: passwordHash(password)}
	e.response = challengeResponse(e.challenge, e.hash)
	return e
}

// Response is the NT-Response.
func (e Exchange) Response() [24]byte { return e.response }

// Proved says whether the server's message, "S=" and 40 hexadecimal digits,
// shows that it knows the password too (RFC 2759 8.8).
func (e Exchange) Proved(message string) bool {
	want := e.Proof()
	return len(message) >= len(want) &&
		subtle.ConstantTimeCompare([]byte(strings.ToUpper(message[:len(want)])), []byte(want)) == 1
}

// Proof is what the server answers (RFC 2759 8.7).
func (e Exchange) Proof() string {
	hashHash := md4.Sum(e.hash[:])
	h := sha1.New()
	h.Write(hashHash[:])
	h.Write(e.response[:])
	h.Write([]byte("Magic server to client signing constant"))
	digest := h.Sum(nil)
	h.Reset()
	h.Write(digest)
	h.Write(e.challenge[:])
	h.Write([]byte("Pad to make it do more than one iteration"))
	return "S=" + strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
}

// challengeHash is RFC 2759 8.2. The name is without a domain before it.
func challengeHash(peer, authenticator [16]byte, user string) (out [8]byte) {
	if i := strings.LastIndexByte(user, '\\'); i >= 0 {
		user = user[i+1:]
	}
	h := sha1.New()
	h.Write(peer[:])
	h.Write(authenticator[:])
	h.Write([]byte(user))
	copy(out[:], h.Sum(nil))
	return out
}

// passwordHash is RFC 2759 8.3: MD4 of the password in UTF-16.
func passwordHash(password string) [16]byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(password)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return md4.Sum(b)
}

// challengeResponse is RFC 2759 8.5: the challenge under three DES keys.
func challengeResponse(challenge [8]byte, hash [16]byte) (out [24]byte) {
	var padded [21]byte
	copy(padded[:], hash[:])
	for i := range 3 {
		block, err := des.NewCipher(spread(padded[7*i : 7*i+7]))
		if err != nil {
			panic(err) // unreachable: the key has 8 bytes
		}
		block.Encrypt(out[8*i:], challenge[:])
	}
	return out
}

// spread makes seven bytes eight, seven bits in each above the parity bit,
// which DES ignores.
func spread(k []byte) []byte {
	var v uint64
	for _, b := range k {
		v = v<<8 | uint64(b)
	}
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(v>>(49-7*i)) << 1
	}
	return out
}
