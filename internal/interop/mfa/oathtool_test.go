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

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/hotp"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// TestOathtool compares codes with those of an independent implementation.
func TestOathtool(t *testing.T) {
	t.Parallel()
	oathtool := peer.Command(t, "oathtool", "oathtool")
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

// TestOathtoolHOTP: codes by oathtool pass in their order, as a token's would.
func TestOathtoolHOTP(t *testing.T) {
	t.Parallel()
	oathtool := peer.Command(t, "oathtool", "oathtool")
	f, err := hotp.New(hotp.Config{Issuer: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	seed := hotp.Seed{Kind: mfa.KindHOTP, Serial: "1", Secret: []byte("an example of a seed"), Algorithm: hotp.SHA1, Digits: 8, Counter: 1000}
	e, _, err := f.Provision(t.Context(), mfa.EnrolRequest{Options: seed.Options()})
	if err != nil {
		t.Fatal(err)
	}
	c := mfa.Credential{Record: mfa.Record{ID: "r"}, Secret: e.Secret}
	out, err := exec.CommandContext(t.Context(), oathtool, "--hotp", "--digits=8", "--counter=1000", "--window=19", hex.EncodeToString(seed.Secret)).Output()
	if err != nil {
		t.Fatal(err)
	}
	codes := strings.Fields(string(out))
	if len(codes) != 20 {
		t.Fatalf("codes %v", codes)
	}
	for i := 0; i < len(codes); i += 3 {
		v, err := f.Verify(t.Context(), mfa.VerifyRequest{Credentials: []mfa.Credential{c}, Answer: []byte(codes[i])})
		if err != nil {
			t.Fatalf("counter %d: %v", 1000+i, err)
		}
		c.Secret = v.Secret
	}
}
