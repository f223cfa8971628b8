// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

func deleteExpired(ctx context.Context, s mfa.Store) error {
	p := person()
	before := base.Add(-2 * time.Hour)
	r, c, tk, d := record(p), challenge(p, 1), ticket(p), device(p, before)
	r.ExpiresAt, c.ExpiresAt, tk.ExpiresAt = base.Add(-time.Hour), base.Add(-time.Hour), base.Add(-time.Hour)
	kept := record(p)
	kept.ExpiresAt = base.Add(time.Hour)
	return beside(ctx, s, p,
		func() error {
			return errors.Join(s.AddRecord(ctx, r), s.AddRecord(ctx, kept), s.AddChallenge(ctx, c), s.AddTicket(ctx, tk), s.AddDevice(ctx, d))
		},
		func() error {
			n, err := s.DeleteExpired(ctx, base, 1)
			return errors.Join(err, want("deleted with limit 1", n, 1))
		},
		func() error {
			for {
				if n, err := s.DeleteExpired(ctx, base, 100); n == 0 || err != nil {
					return err
				}
			}
		},
		func() error {
			rs, err := s.Records(ctx, p)
			return errors.Join(err, want("records", normal(rs), normal([]mfa.Record{kept})))
		},
		func() error { return wantErr("the challenge", s.SpendChallenge(ctx, c.Hash), mfa.ErrNotFound) },
		func() error {
			_, err := s.Ticket(ctx, tk.Hash, before)
			return wantErr("the ticket", err, mfa.ErrNotFound)
		},
		func() error {
			ds, err := s.Devices(ctx, p, before)
			return errors.Join(err, want("devices", len(ds), 0))
		},
	)
}
