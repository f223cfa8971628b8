// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestProofsEndWithTheirCredential: what somebody else takes away signs nobody
// in any more; what the proof itself spent does.
func TestProofsEndWithTheirCredential(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enrolTOTP()
	codes := r.enrolRecovery()
	decide := func(what string, res mfa.Result, want mfa.Outcome) {
		t.Helper()
		d, err := r.flow.Decide(t.Context(), mfa.Request{Subject: alice, Authenticated: append(r.password(), res.Evidence)})
		if err != nil || d.Outcome != want {
			t.Errorf("%s: %+v, %v", what, d, err)
		}
	}
	_, pass := r.provision("")
	long := r.proveWith(mfa.KindPass, mfa.Second, pass)
	decide("a pass", long, mfa.Allow)
	r.pass(2 * time.Hour)
	decide("a pass that has ended", long, mfa.Ask)
	_, pass = r.provision(`{"once":true}`)
	decide("a pass for one use", r.proveWith(mfa.KindPass, mfa.Second, pass), mfa.Allow)
	var paper mfa.Result
	for i, code := range codes {
		paper = r.proveWith(mfa.KindRecovery, mfa.Second, code)
		if last := i == len(codes)-1; last != (paper.Evidence.RecordID == "") {
			t.Errorf("code %d of %d: %+v", i+1, len(codes), paper)
		}
	}
	decide("the last recovery code", paper, mfa.Allow)
	key := byTOTP(r)
	decide("a factor", key, mfa.Allow)
	if err := r.flow.Reset(t.Context(), mfa.ResetInput{Subject: alice, RecordID: key.RecordID, Actor: "admin"}, nil); err != nil {
		t.Fatal(err)
	}
	decide("a factor that was reset", key, mfa.Ask)
}
