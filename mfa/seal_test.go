// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatehouse-id/gatehouse/mfa"
)

func TestReseal(t *testing.T) {
	t.Parallel()
	key := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	ring := func(primary string, keys map[string][]byte) mfa.Sealer {
		t.Helper()
		s, err := mfa.NewKeyring(primary, keys)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	store := mfa.NewMemoryStore(1000)
	with := func(s mfa.Sealer) func(*mfa.Config) {
		return func(c *mfa.Config) { c.Store, c.Sealer = store, s }
	}
	old := newRig(t, with(ring("1", map[string][]byte{"1": key(1)})))
	d := old.enrolTOTP()
	old.enrolRecovery()
	both := newRig(t, with(ring("2", map[string][]byte{"1": key(1), "2": key(2)})))
	for _, want := range []int{2, 0} {
		if n, err := both.flow.Reseal(t.Context()); n != want || err != nil {
			t.Errorf("resealed %d, %v, want %d", n, err, want)
		}
	}
	fresh := newRig(t, with(ring("2", map[string][]byte{"2": key(2)})))
	fresh.pass(old.clock().Sub(fresh.clock()))
	fresh.want("without the old key", fresh.answer(mfa.KindTOTP, d.Code(fresh.clock())), "")
	err := old.answer(mfa.KindTOTP, "000000")
	if err == nil || mfa.CheckOf(err) != "" || !strings.HasPrefix(err.Error(), "mfa: ") || !strings.Contains(err.Error(), `key "2"`) {
		t.Errorf("without the new key: %v", err)
	}
	if _, err := mfa.NewKeyring("1", nil); err == nil {
		t.Error("a keyring without its key")
	}
}

// TestMovedSecret: a sealed secret that is copied into another person's row
// does not open.
func TestMovedSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enrolTOTP()
	ctx := t.Context()
	records, err := r.store.Records(ctx, alice)
	if err != nil {
		t.Fatal(err)
	}
	bob := mfa.Subject{Tenant: "acme", ID: "bob"}
	moved := records[0]
	moved.ID, moved.Subject = "moved", bob
	if err := r.store.AddRecord(ctx, moved); err != nil {
		t.Fatal(err)
	}
	in := r.input(mfa.KindTOTP)
	in.Subject = bob
	if _, err := r.flow.Begin(ctx, in); err == nil || mfa.CheckOf(err) != "" {
		t.Errorf("a moved secret: %v", err)
	}
}
