// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// TestOathtool compares codes with those of an independent implementation.
func TestOathtool(t *testing.T) {
	t.Parallel()
	oathtool := findPeer(t, "oathtool", "oathtool")
	for _, alg := range []totp.Algorithm{totp.SHA1, totp.SHA256, totp.SHA512} {
		for digits := 6; digits <= 8; digits++ {
			for range 5 {
				period := []time.Duration{30 * time.Second, time.Minute}[rand.N(2)]
				k, err := totp.NewKey(alg, digits, period)
				if err != nil {
					t.Fatal(err)
				}
				at := time.Unix(rand.Int64N(4_000_000_000), 0).UTC()
				code, err := k.Code(at)
				if err != nil {
					t.Fatal(err)
				}
				out, err := exec.CommandContext(t.Context(), oathtool, "--totp="+string(alg), fmt.Sprintf("--digits=%d", digits),
					fmt.Sprintf("--time-step-size=%ds", period/time.Second), "--now="+at.Format("2006-01-02 15:04:05")+" UTC",
					hex.EncodeToString(k.Secret)).CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if got := strings.TrimSpace(string(out)); got != code {
					t.Errorf("%s/%d at %v: oathtool %s, ours %s", alg, digits, at, got, code)
				}
			}
		}
	}
}
