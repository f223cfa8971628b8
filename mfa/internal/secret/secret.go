// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package secret makes short codes for people to type, and keeps them as
// HMACs under a key that is sealed with them.
package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// alphabet is Crockford's base 32: no letters that look like digits.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Text returns n random characters of five bits each.
func Text(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return Encode(b)
}

// Encode returns one character for the low five bits of every byte.
func Encode(b []byte) string {
	out := make([]byte, len(b))
	for i, v := range b {
		out[i] = alphabet[v&31]
	}
	return string(out)
}

// Group divides s by hyphens into groups of n.
func Group(s string, n int) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && i%n == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Read returns what a person typed as exactly n characters of the alphabet:
// capitals, without spaces and hyphens, and with I and L read as 1 and O as 0.
func Read(typed []byte, n int) (string, bool) {
	if len(typed) > 4*n+32 {
		return "", false
	}
	out := make([]byte, 0, n)
	for _, c := range typed {
		switch c {
		case ' ', '-':
			continue
		case 'i', 'I', 'l', 'L':
			c = '1'
		case 'o', 'O':
			c = '0'
		}
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if strings.IndexByte(alphabet, c) < 0 || len(out) == n {
			return "", false
		}
		out = append(out, c)
	}
	return string(out), len(out) == n
}

// Digits returns n random decimal digits, each of 10^n values as likely as the
// others.
func Digits(n int) string {
	out := make([]byte, 0, n)
	var b [32]byte
	for len(out) < n {
		_, _ = rand.Read(b[:]) // never fails
		for _, v := range b {
			if v < 250 && len(out) < n {
				out = append(out, '0'+v%10)
			}
		}
	}
	return string(out)
}

// ReadDigits returns what a person typed as exactly n ASCII digits, without
// spaces and hyphens.
func ReadDigits(typed []byte, n int) (string, bool) {
	if len(typed) > 4*n+32 {
		return "", false
	}
	out := make([]byte, 0, n)
	for _, c := range typed {
		switch {
		case c == ' ' || c == '-':
			continue
		case c < '0' || c > '9' || len(out) == n:
			return "", false
		}
		out = append(out, c)
	}
	return string(out), len(out) == n
}

// NewKey returns a random key for [MAC].
func NewKey() []byte {
	k := make([]byte, 32)
	_, _ = rand.Read(k) // never fails
	return k
}

// MAC is HMAC-SHA-256 of a code.
func MAC(key []byte, code string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(code))
	return m.Sum(nil)
}

// Match says, in constant time, which of macs the code has; -1 is none. All
// are compared.
func Match(key []byte, code string, macs [][]byte) int {
	got, at := MAC(key, code), -1
	for i, m := range macs {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(got, m), i, at)
	}
	return at
}
