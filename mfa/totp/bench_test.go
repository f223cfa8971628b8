// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package totp_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// BenchmarkWrongCode is a wrong code over the full window of three steps; the
// bar is 2.5 times BenchmarkHMAC.
func BenchmarkWrongCode(b *testing.B) {
	k := totp.Key{Secret: seed(20), Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}
	code := []byte("000000")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := k.Find(code, 37037036, 1); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkHMAC is one bare HMAC of a step.
func BenchmarkHMAC(b *testing.B) {
	key := seed(20)
	var msg [8]byte
	binary.BigEndian.PutUint64(msg[:], 37037036)
	b.ReportAllocs()
	for b.Loop() {
		m := hmac.New(sha1.New, key)
		m.Write(msg[:])
		if len(m.Sum(nil)) != 20 {
			b.Fatal("size")
		}
	}
}
