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

// BenchmarkWrongCode is a wrong code over the full window of three steps,
// measured in turns with one bare HMAC: x-hmac is the quotient, and the bar is
// 2.5.
func BenchmarkWrongCode(b *testing.B) {
	k := totp.Key{Secret: seed(20), Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}
	code := []byte("000000")
	var bare time.Duration
	mac := bareHMAC()
	b.ReportAllocs()
	for i := range b.N {
		if i%turn == 0 {
			b.StopTimer()
			start := time.Now()
			for range min(turn, b.N-i) {
				mac()
			}
			bare += time.Since(start)
			b.StartTimer()
		}
		if _, ok, err := k.Find(code, 37037036, 1); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed())/float64(bare), "x-hmac")
}

const turn = 1024

// bareHMAC is one HMAC of a step.
func bareHMAC() func() []byte {
	key := seed(20)
	var msg [8]byte
	binary.BigEndian.PutUint64(msg[:], 37037036)
	return func() []byte {
		m := hmac.New(sha1.New, key)
		m.Write(msg[:])
		return m.Sum(nil)
	}
}

// BenchmarkHMAC is one bare HMAC of a step.
func BenchmarkHMAC(b *testing.B) {
	mac := bareHMAC()
	b.ReportAllocs()
	for b.Loop() {
		if len(mac()) != 20 {
			b.Fatal("size")
		}
	}
}
