// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

var errRollBack = errors.New("mfatest: roll back")

func rollsBack(ctx context.Context, s mfa.Store) error {
	p := person()
	b, err := own(ctx, s, p)
	if err != nil {
		return err
	}
	changes := func(ctx context.Context) error {
		u := b.record
		u.Name = "changed"
		_, takeErr := s.TakeChallenge(ctx, b.challenge.Hash, base)
		_, _, firstErr := s.Charge(ctx, p, "new", base, lockAtThree)
		_, _, nextErr := s.Charge(ctx, p, "k", base, lockAtThree)
		return errors.Join(takeErr, firstErr, nextErr, s.AddRecord(ctx, record(p)), s.UpdateRecord(ctx, u),
			s.TouchRecord(ctx, p, u.ID, base.Add(time.Second)), s.TouchDevice(ctx, p, b.device.ID, base.Add(time.Second)),
			s.AddSighting(ctx, sighting(p, 1), 5), s.AddDevice(ctx, device(p, base)))
	}
	one := func(ctx context.Context) error {
		return errors.Join(s.DeleteRecord(ctx, p, b.record.ID), s.SpendChallenge(ctx, b.challenge.Hash), s.ClearCounter(ctx, p, "k"),
			s.SpendTicket(ctx, p, b.ticket.Hash, base), s.DeleteDevice(ctx, p, b.device.ID), s.AddSighting(ctx, sighting(p, 1), 1))
	}
	every := func(ctx context.Context) error {
		return errors.Join(s.DropChallenges(ctx, p, b.challenge.Kind, b.challenge.Purpose, 0), s.DropTickets(ctx, p),
			s.DropDevices(ctx, p), s.DropSightings(ctx, p))
	}
	c, tk := challenge(p, 1), ticket(p)
	add := func(ctx context.Context) error { return errors.Join(s.AddChallenge(ctx, c), s.AddTicket(ctx, tk)) }
	for _, fn := range []func(context.Context) error{changes, one, every, add} {
		err := s.InTx(ctx, func(ctx context.Context) error {
			if err := fn(ctx); err != nil {
				return err
			}
			return errRollBack
		})
		if err := wantErr("InTx", err, errRollBack); err != nil {
			return err
		}
	}
	_, err = s.Ticket(ctx, tk.Hash, base)
	return errors.Join(wantErr("ticket added", err, mfa.ErrNotFound),
		wantErr("challenge added", s.SpendChallenge(ctx, c.Hash), mfa.ErrNotFound),
		b.still(ctx, s))
}

func joins(ctx context.Context, s mfa.Store) error {
	r := record(person())
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.InTx(ctx, func(ctx context.Context) error { return s.AddRecord(ctx, r) }); err != nil {
			return err
		}
		got, err := s.Records(ctx, r.Subject)
		return errors.Join(err, want("records seen inside the transaction", len(got), 1))
	})
	if err != nil {
		return err
	}
	got, err := s.Records(ctx, r.Subject)
	if err := errors.Join(err, want("records after commit", len(got), 1)); err != nil {
		return err
	}
	n := record(person())
	err = s.InTx(ctx, func(ctx context.Context) error {
		if err := s.InTx(ctx, func(ctx context.Context) error { return s.AddRecord(ctx, n) }); err != nil {
			return err
		}
		return errRollBack
	})
	if err := wantErr("InTx", err, errRollBack); err != nil {
		return err
	}
	got, err = s.Records(ctx, n.Subject)
	return errors.Join(err, want("records of an inner transaction after the outer rolled back", len(got), 0))
}

func told(ctx context.Context, s mfa.Store) error {
	var kept context.Context
	if err := want("outside", s.Joins(ctx), false); err != nil {
		return err
	}
	err := s.InTx(ctx, func(ctx context.Context) error {
		kept = ctx
		inner := s.InTx(ctx, func(ctx context.Context) error { return want("in a nested one", s.Joins(ctx), true) })
		return errors.Join(want("inside", s.Joins(ctx), true), inner)
	})
	return errors.Join(err, want("after its end", s.Joins(kept), false))
}

func ends(ctx context.Context, s mfa.Store) error {
	var kept context.Context
	if err := s.InTx(ctx, func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
		return err
	}
	r := record(person())
	if err := s.AddRecord(kept, r); err == nil {
		return errors.New("a statement passed with the context of an ended transaction")
	}
	if err := s.InTx(kept, func(context.Context) error { return nil }); err == nil {
		return errors.New("a transaction began with the context of an ended one")
	}
	return nil
}
