// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package md4 is the hash of RFC 1320, which MS-CHAPv2 makes of passwords. It
// is broken, and is here for nothing else.
package md4

import (
	"encoding/binary"
	"math/bits"
)

// Sum returns the MD4 of b.
func Sum(b []byte) [16]byte {
	s := [4]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}
	whole := len(b) &^ 63
	for i := 0; i < whole; i += 64 {
		block(&s, b[i:i+64])
	}
	// Padding: one bit, zeros, and the length in bits (RFC 1320 3.1, 3.2).
	tail := make([]byte, 0, 128)
	tail = append(tail, b[whole:]...)
	tail = append(tail, 0x80)
	for len(tail)%64 != 56 {
		tail = append(tail, 0)
	}
	tail = binary.LittleEndian.AppendUint64(tail, uint64(len(b))<<3)
	for i := 0; i < len(tail); i += 64 {
		block(&s, tail[i:i+64])
	}
	var out [16]byte
	for i, v := range s {
		binary.LittleEndian.PutUint32(out[4*i:], v)
	}
	return out
}

// round is one of the three of RFC 1320 3.4: its function, constant, order of
// words and shifts.
type round struct {
	f     func(x, y, z uint32) uint32
	k     uint32
	order [16]int
	shift [4]int
}

func choose(x, y, z uint32) uint32   { return x&y | ^x&z }
func majority(x, y, z uint32) uint32 { return x&y | x&z | y&z }
func parity(x, y, z uint32) uint32   { return x ^ y ^ z }

func block(s *[4]uint32, p []byte) {
	var x [16]uint32
	for i := range x {
		x[i] = binary.LittleEndian.Uint32(p[4*i:])
	}
	a, b, c, d := s[0], s[1], s[2], s[3]
	for _, r := range [3]round{
		{choose, 0, [16]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, [4]int{3, 7, 11, 19}},
		{majority, 0x5a827999, [16]int{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}, [4]int{3, 5, 9, 13}},
		{parity, 0x6ed9eba1, [16]int{0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}, [4]int{3, 9, 11, 15}},
	} {
		for i, w := range r.order {
			t := bits.RotateLeft32(a+r.f(b, c, d)+x[w]+r.k, r.shift[i%4])
			a, b, c, d = d, t, b, c
		}
	}
	s[0] += a
	s[1] += b
	s[2] += c
	s[3] += d
}
