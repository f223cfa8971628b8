// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package otp computes one-time passwords by RFC 4226: what totp and hotp
// share.
package otp

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
)

// Algorithm is a hash for HMAC, by its name in otpauth URIs.
type Algorithm string

// The algorithms of RFC 6238.
const (
	SHA1   Algorithm = "SHA1"
	SHA256 Algorithm = "SHA256"
	SHA512 Algorithm = "SHA512"
)

// New returns a hash, or nil for an unknown algorithm.
func (a Algorithm) New() hash.Hash {
	switch a {
	case SHA1:
		return sha1.New() // RFC 4226: HMAC-SHA-1 is not touched by its collisions
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	}
	return nil
}

// Known says whether [Algorithm.New] returns a hash.
func (a Algorithm) Known() bool { return a == SHA1 || a == SHA256 || a == SHA512 }

// MinSecret is RFC 4226 R6: 128 bits at least.
const MinSecret = 16

// maxSecret bounds imports; longer keys are hashed by HMAC anyway.
const maxSecret = 256

// Check says whether secret, algorithm and digits are fit for use.
func Check(secret []byte, a Algorithm, digits int) error {
	switch {
	case len(secret) < MinSecret || len(secret) > maxSecret:
		return fmt.Errorf("otp: secret has %d bytes, not %d to %d", len(secret), MinSecret, maxSecret)
	case !a.Known():
		return fmt.Errorf("otp: algorithm %q is unknown", string(a))
	case digits < 6 || digits > 8:
		return fmt.Errorf("otp: %d digits are not 6 to 8", digits)
	}
	return nil
}

// resumable is a hash whose state can be saved, as all of the standard
// library's can.
type resumable interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Generator computes the codes of one secret. The two padded keys are hashed
// once, so every further code costs two blocks. Not for concurrent use.
type Generator struct {
	h            resumable
	inner, outer []byte
	buf          []byte
	mod          uint32
	digits       int
	// space holds the three slices: the saved state of a hash is at most a
	// block of 128 bytes with a sum of 64 and some counts.
	space [3 * stateSize]byte
}

const stateSize = 224

// NewGenerator returns a generator for a secret that [Check] accepts.
func NewGenerator(secret []byte, a Algorithm, digits int) (*Generator, error) {
	if err := Check(secret, a, digits); err != nil {
		return nil, err
	}
	h, ok := a.New().(resumable)
	if !ok {
		return nil, fmt.Errorf("otp: hash %q cannot be resumed", string(a))
	}
	g := &Generator{h: h, mod: 1, digits: digits}
	for range digits {
		g.mod *= 10
	}
	if len(secret) > h.BlockSize() { // RFC 2104 2
		h.Write(secret)
		secret = h.Sum(nil)
	}
	var err error
	if g.inner, err = g.keyed(g.space[:0:stateSize], secret, 0x36); err != nil {
		return nil, err
	}
	if g.outer, err = g.keyed(g.space[stateSize:stateSize:2*stateSize], secret, 0x5c); err != nil {
		return nil, err
	}
	g.buf = g.space[2*stateSize : 2*stateSize]
	return g, nil
}

// keyed is the state of the hash after the key with a pad.
func (g *Generator) keyed(to, key []byte, pad byte) ([]byte, error) {
	b := to[:g.h.BlockSize()]
	for i := range b {
		b[i] = pad
	}
	subtle.XORBytes(b, b, key)
	g.h.Reset()
	g.h.Write(b)
	return g.h.AppendBinary(to)
}

// Code returns the value of RFC 4226 5.3 for a counter.
func (g *Generator) Code(counter uint64) uint32 {
	b := binary.BigEndian.AppendUint64(g.buf[:0], counter)
	// The states are our own, so they are always accepted.
	_ = g.h.UnmarshalBinary(g.inner)
	g.h.Write(b)
	b = g.h.Sum(b[:0])
	_ = g.h.UnmarshalBinary(g.outer)
	g.h.Write(b)
	b = g.h.Sum(b[:0])
	o := b[len(b)-1] & 0xf
	return (binary.BigEndian.Uint32(b[o:]) & 0x7fffffff) % g.mod
}

// String returns the code with leading zeros.
func (g *Generator) String(counter uint64) string {
	return fmt.Sprintf("%0*d", g.digits, g.Code(counter))
}

// Find looks for code among n counters from first. It computes all of them,
// whichever matches, and returns the last that does.
func (g *Generator) Find(code uint32, first uint64, n int) (counter uint64, ok bool) {
	found, at := 0, 0
	for i := range n {
		eq := subtle.ConstantTimeEq(int32(g.Code(first+uint64(i))), int32(code))
		at = subtle.ConstantTimeSelect(eq, i, at)
		found |= eq
	}
	return first + uint64(at), found == 1
}

// FindPair looks for two codes in a row whose first is of one of n counters
// from first, and returns the counter of that one. All are computed.
func (g *Generator) FindPair(one, two uint32, first uint64, n int) (counter uint64, ok bool) {
	found, at := 0, 0
	last := g.Code(first)
	for i := range n {
		next := g.Code(first + uint64(i) + 1)
		eq := subtle.ConstantTimeEq(int32(last), int32(one)) & subtle.ConstantTimeEq(int32(next), int32(two))
		at = subtle.ConstantTimeSelect(eq, i, at)
		found |= eq
		last = next
	}
	return first + uint64(at), found == 1
}

// ParsePair reads two codes with a comma between; pair is false if there is no
// comma.
func ParsePair(s []byte, digits int) (one, two uint32, pair, ok bool) {
	a, b, pair := bytes.Cut(s, []byte{','})
	if !pair {
		return 0, 0, false, false
	}
	one, okA := Parse(a, digits)
	two, okB := Parse(b, digits)
	return one, two, true, okA && okB
}

// Parse reads a code of exactly so many ASCII digits. Spaces and hyphens,
// which authenticators show between groups of digits, are dropped first, so
// that one code has one reading.
func Parse(s []byte, digits int) (uint32, bool) {
	if len(s) > 32 {
		return 0, false
	}
	var v uint32
	n := 0
	for _, c := range s {
		switch {
		case c == ' ' || c == '-':
			continue
		case c < '0' || c > '9' || n == digits:
			return 0, false
		}
		v = v*10 + uint32(c-'0')
		n++
	}
	return v, n == digits
}

// NewSecret returns a random secret as long as the hash's output (RFC 6238
// 5.1).
func NewSecret(a Algorithm) []byte {
	b := make([]byte, a.New().Size())
	_, _ = rand.Read(b) // never fails
	return b
}
