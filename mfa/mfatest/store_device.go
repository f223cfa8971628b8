// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

func deviceList(ctx context.Context, s mfa.Store) error {
	p := person()
	a, b := device(p, base), device(p, base.Add(time.Minute))
	a.ID, b.ID = min(a.ID, b.ID), max(a.ID, b.ID) // not newest first
	touched := a
	touched.UsedAt = base.Add(time.Second)
	sameHash := device(person(), base)
	sameHash.Hash = a.Hash
	list := func(at time.Time, ds ...mfa.Device) func() error {
		return func() error {
			got, err := s.Devices(ctx, p, at)
			return errors.Join(err, want("devices", utcs(got), ds))
		}
	}
	strangers := func() error {
		for _, o := range []mfa.Subject{person(), {Tenant: "another", ID: p.ID}} {
			err := errors.Join(wantErr("touch", s.TouchDevice(ctx, o, a.ID, base.Add(time.Minute)), mfa.ErrNotFound),
				wantErr("delete", s.DeleteDevice(ctx, o, a.ID), mfa.ErrNotFound))
			if err != nil {
				return fmt.Errorf("calls for %v on a device of %v: %w", o, p, err)
			}
		}
		return nil
	}
	return beside(ctx, s, p,
		func() error { return errors.Join(s.AddDevice(ctx, a), s.AddDevice(ctx, b)) },
		func() error { return wantErr("add twice", s.AddDevice(ctx, a), mfa.ErrExists) },
		func() error { return wantErr("add the hash of another", s.AddDevice(ctx, sameHash), mfa.ErrExists) },
		list(base, b, a),
		list(a.ExpiresAt, b),
		strangers,
		func() error { return s.TouchDevice(ctx, p, a.ID, touched.UsedAt) },
		func() error { return s.TouchDevice(ctx, p, a.ID, base) }, // never moves back
		list(base, b, touched),
		func() error { return s.DeleteDevice(ctx, p, a.ID) },
		func() error { return wantErr("delete twice", s.DeleteDevice(ctx, p, a.ID), mfa.ErrNotFound) },
		func() error { return wantErr("touch deleted", s.TouchDevice(ctx, p, a.ID, base), mfa.ErrNotFound) },
		list(base, b),
		func() error { return s.DropDevices(ctx, p) },
		list(base),
	)
}

func sightings(ctx context.Context, s mfa.Store) error {
	p := person()
	list := func(ns ...int) func() error {
		return func() error {
			var vs []mfa.Sighting
			for _, n := range ns {
				vs = append(vs, sighting(p, n))
			}
			got, err := s.Sightings(ctx, p)
			return errors.Join(err, want("sightings, newest first", utcs(got), vs))
		}
	}
	add := func(n int) func() error {
		return func() error { return s.AddSighting(ctx, sighting(p, n), 3) }
	}
	return beside(ctx, s, p, // those of others are newer
		add(-4), add(-3), add(-1), list(-1, -3, -4),
		add(-2), list(-1, -2, -3),
		add(-9), list(-1, -2, -3),
		func() error { return s.DropSightings(ctx, p) },
		list(),
	)
}
