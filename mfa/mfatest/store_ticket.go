// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

func ticketSpentOnce(ctx context.Context, s mfa.Store) error {
	p := person()
	tk, other := ticket(p), ticket(p)
	get := func(at time.Time) error { _, err := s.Ticket(ctx, tk.Hash, at); return err }
	return beside(ctx, s, p,
		func() error { return s.AddTicket(ctx, tk) },
		func() error { return wantErr("add twice", s.AddTicket(ctx, tk), mfa.ErrExists) },
		func() error { return get(base) },
		func() error { return wantErr("at its expiry", get(tk.ExpiresAt), mfa.ErrNotFound) },
		func() error {
			return wantErr("spend at its expiry", s.SpendTicket(ctx, p, tk.Hash, tk.ExpiresAt), mfa.ErrNotFound)
		},
		func() error {
			return wantErr("spend by another", s.SpendTicket(ctx, person(), tk.Hash, base), mfa.ErrNotFound)
		},
		func() error {
			return wantErr("spend in another tenant", s.SpendTicket(ctx, mfa.Subject{Tenant: "another", ID: p.ID}, tk.Hash, base), mfa.ErrNotFound)
		},
		func() error { return s.AddTicket(ctx, other) },
		func() error {
			n := race(parallel, func(int) error {
				return s.InTx(ctx, func(ctx context.Context) error { return s.SpendTicket(ctx, p, tk.Hash, base) })
			})
			return want("parallel spends that pass", n, 1)
		},
		func() error { return wantErr("get after spend", get(base), mfa.ErrNotFound) },
		func() error { return s.AddTicket(ctx, tk) },
		func() error {
			got, err := s.Ticket(ctx, other.Hash, base)
			return errors.Join(err, want("the other ticket", utc(got), other))
		},
		func() error { return s.DropTickets(ctx, p) },
		func() error { return wantErr("get after drop", get(base), mfa.ErrNotFound) },
	)
}
