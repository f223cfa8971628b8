// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// free is a factor that costs nothing, so that what a benchmark measures is
// the flow.
type free struct{}

func (free) Info() mfa.Info {
	return mfa.Info{Kind: "free", FirstFactor: true}
}

func (free) Begin(context.Context, mfa.BeginRequest) (mfa.Begun, error) {
	return mfa.Begun{State: []byte("state")}, nil
}

func (free) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	c := r.Credentials[0]
	return mfa.Verified{RecordID: c.ID, Secret: c.Secret}, nil
}

func (free) Discover([]byte) (string, any, error) { return "key", nil, nil }

func (free) Provision(context.Context, mfa.EnrolRequest) (mfa.Enrolled, json.RawMessage, error) {
	return mfa.Enrolled{Key: "key", Secret: []byte("secret")}, nil, nil
}

// BenchmarkFinish is a first factor's finish on the memory store, without what
// the factor costs.
func BenchmarkFinish(b *testing.B) {
	store := mfa.NewMemoryStore(1 << 30)
	keys, err := mfa.NewKeyring("1", map[string][]byte{"1": make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	f, err := mfa.New(mfa.Config{Store: store, Sealer: keys, Factors: []mfa.Factor{free{}}})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	if _, _, err := f.Provision(ctx, mfa.ProvisionInput{Subject: alice, Kind: "free", Actor: "x"}, nil); err != nil {
		b.Fatal(err)
	}
	var ids []string
	b.ReportAllocs()
	for b.Loop() {
		if len(ids) == 0 {
			b.StopTimer()
			for range 10_000 {
				ch, err := f.Begin(ctx, mfa.BeginInput{Subject: mfa.Subject{Tenant: alice.Tenant}, Kind: "free", Purpose: mfa.First, Session: session})
				if err != nil {
					b.Fatal(err)
				}
				ids = append(ids, ch.ID)
			}
			b.StartTimer()
		}
		if _, err := f.Finish(ctx, ids[0], mfa.Answer{Session: session}, nil); err != nil {
			b.Fatal(err)
		}
		ids = ids[1:]
	}
}
