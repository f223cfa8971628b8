// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestRun: expired rows go, others stay, and it ends with its context.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *mfa.Config) { c.Now = time.Now })
		if _, err := r.flow.IssueTicket(t.Context(), mfa.TicketInput{Subject: alice, TTL: time.Minute}); err != nil {
			t.Fatal(err)
		}
		long, err := r.flow.IssueTicket(t.Context(), mfa.TicketInput{Subject: alice, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.flow.Run(ctx, 10*time.Minute) }()
		<-time.After(11 * time.Minute)
		synctest.Wait()
		if n, err := r.store.DeleteExpired(ctx, time.Now(), 10); n != 0 || err != nil {
			t.Errorf("%d expired rows are left, %v", n, err)
		}
		r.want("a ticket that lives", r.flow.CheckTicket(ctx, alice, long), "")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestKindsAndInfo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if k := r.flow.Kinds(); len(k) != 6 || k[0] != mfa.KindTOTP {
		t.Errorf("kinds %v", k)
	}
	in, ok := r.flow.Info(mfa.KindTOTP)
	if !ok || in.Tries != 1 || in.TTL != 5*time.Minute || in.MaxRecords != 2 {
		t.Errorf("info %+v", in)
	}
	if _, ok := r.flow.Info("none"); ok {
		t.Error("info of nothing")
	}
}
