// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Records returns the person's credentials for listing, oldest first, without
// their secrets.
func (f *Flow) Records(ctx context.Context, s Subject) ([]Record, error) {
	records, err := f.store.Records(ctx, s)
	for i := range records {
		records[i].Sealed = nil
	}
	return records, err
}

// ChangeInput asks to change one of the person's own credentials.
type ChangeInput struct {
	Subject  Subject
	RecordID string
	// Authenticated must have a proof by a factor that is fresh and that the
	// person still has.
	Authenticated []Evidence
	Client        Client
}

// Remove removes a credential and ends the person's trusted devices, together
// with what commit does. It needs a fresh proof by a factor; the removal of
// the last credential is an event of its own.
func (f *Flow) Remove(ctx context.Context, in ChangeInput, commit func(ctx context.Context, r Record) error) error {
	return f.change(ctx, in, commit, func(ctx context.Context, r Record, others int) (Event, error) {
		e := Event{Type: EventRemoved, Detail: r.Name}
		if others == 0 {
			e.Type = EventRemovedLast
		}
		if err := f.store.DeleteRecord(ctx, r.Subject, r.ID); err != nil {
			return e, err
		}
		return e, errors.Join(f.dropEnrolments(ctx, r.Subject), f.afterChange(ctx, r.Subject))
	})
}

// dropEnrolments ends what was begun with a proof by a factor that is gone.
func (f *Flow) dropEnrolments(ctx context.Context, s Subject) error {
	for _, k := range f.kinds {
		if err := f.store.DropChallenges(ctx, s, k, Enrol, 0); err != nil {
			return err
		}
	}
	return nil
}

// Rename gives a credential another name. It needs a fresh proof by a factor.
func (f *Flow) Rename(ctx context.Context, in ChangeInput, name string, commit func(ctx context.Context, r Record) error) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	if name == "" {
		return refuse(CheckInput, "Choose a name.", "the name is empty")
	}
	return f.change(ctx, in, commit, func(ctx context.Context, r Record, _ int) (Event, error) {
		r.Name = name
		return Event{Type: EventRenamed, Detail: name}, f.store.UpdateRecord(ctx, r)
	})
}

func (f *Flow) change(ctx context.Context, in ChangeInput, commit func(context.Context, Record) error, do func(context.Context, Record, int) (Event, error)) error {
	now := f.now()
	var stale error
	err := f.store.InTx(ctx, func(ctx context.Context) error {
		if stale = f.mayChange(ctx, in.Subject, "", in.Authenticated, now); stale != nil {
			return stale
		}
		r, others, err := f.own(ctx, in.Subject, in.RecordID)
		if err != nil {
			return err
		}
		e, err := do(ctx, r, others)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) {
			return refuse(CheckCredential, PublicAgain, "the credential changed meanwhile")
		}
		if err != nil {
			return err
		}
		e.At, e.Subject, e.Kind, e.RecordID = now, in.Subject, r.Kind, r.ID
		e.Addr, e.Browser = in.Client.Addr, in.Client.Browser
		if err := f.emit(ctx, e); err != nil {
			return err
		}
		if commit == nil {
			return nil
		}
		r.Sealed = nil
		return commit(ctx, r)
	})
	if stale != nil && err != nil {
		return f.refused(ctx, &taken{subject: in.Subject}, in.Client, now, err)
	}
	return err
}

// own returns the person's record and how many others they have.
func (f *Flow) own(ctx context.Context, s Subject, id string) (Record, int, error) {
	records, err := f.store.Records(ctx, s)
	if err != nil {
		return Record{}, 0, err
	}
	for _, r := range records {
		if r.ID == id {
			return r, len(records) - 1, nil
		}
	}
	return Record{}, 0, refuse(CheckCredential, "There is no such device.", "no such record of this person")
}

// ResetInput asks for an administrator's change of another person's factors.
type ResetInput struct {
	Subject Subject
	// RecordID is one credential; empty is all of them.
	RecordID string
	// Actor is the administrator, for the event. Required.
	Actor string
}

// Reset removes one or all credentials of a person, the locks on them, and
// the person's trusted devices and tickets, together with what commit does. It
// asks for no proof: the caller has checked that Actor may.
func (f *Flow) Reset(ctx context.Context, in ResetInput, commit func(ctx context.Context) error) error {
	if in.Actor == "" || in.Subject.ID == "" {
		return errors.New("mfa: ResetInput wants a Subject and an Actor")
	}
	now := f.now()
	return f.store.InTx(ctx, func(ctx context.Context) error {
		records, err := f.store.Records(ctx, in.Subject)
		if err != nil {
			return err
		}
		found := in.RecordID == ""
		for _, r := range records {
			if in.RecordID != "" && r.ID != in.RecordID {
				continue
			}
			found = true
			if err := f.resetOne(ctx, r, in.Actor, now); err != nil {
				return err
			}
		}
		if !found {
			return refuse(CheckCredential, "There is no such device.", "no such record of this person")
		}
		if in.RecordID == "" {
			if err := f.clearCounters(ctx, in.Subject, anyCounter); err != nil {
				return err
			}
			if err := f.emit(ctx, Event{Type: EventReset, At: now, Subject: in.Subject, Actor: in.Actor, Detail: "all"}); err != nil {
				return err
			}
		}
		if err := errors.Join(f.dropEnrolments(ctx, in.Subject), f.afterChange(ctx, in.Subject)); err != nil {
			return err
		}
		if commit == nil {
			return nil
		}
		return commit(ctx)
	})
}

func (f *Flow) resetOne(ctx context.Context, r Record, actor string, now time.Time) error {
	if err := f.store.DeleteRecord(ctx, r.Subject, r.ID); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := f.store.ClearCounter(ctx, r.Subject, string(r.Kind)); err != nil {
		return err
	}
	return f.emit(ctx, Event{Type: EventReset, At: now, Subject: r.Subject, Actor: actor, Kind: r.Kind, RecordID: r.ID, Detail: r.Name})
}

// Unlock clears the failures of a person, of one kind or, if it is empty, of
// all, by an administrator.
func (f *Flow) Unlock(ctx context.Context, s Subject, k Kind, actor string) error {
	if actor == "" {
		return errors.New("mfa: Unlock wants an actor")
	}
	return f.store.InTx(ctx, func(ctx context.Context) error {
		var err error
		if k == "" {
			err = f.clearCounters(ctx, s, anyCounter)
		} else {
			err = f.clearCounters(ctx, s, func(name string) bool {
				return name == string(k) || name == sendCounter(k) || strings.HasPrefix(name, sendCounter(k)+":")
			})
		}
		if err != nil {
			return err
		}
		return f.emit(ctx, Event{Type: EventReset, Subject: s, Actor: actor, Kind: k, Detail: "unlocked"})
	})
}

// Locks returns the kinds that are locked by the person's failures, and until
// when. Messages held back are no lock: the factor takes answers.
func (f *Flow) Locks(ctx context.Context, s Subject) (map[Kind]time.Time, error) {
	counters, err := f.store.Counters(ctx, s)
	if err != nil {
		return nil, err
	}
	now := f.now()
	locks := map[Kind]time.Time{}
	for name, c := range counters {
		if c.LockedUntil.After(now) && !strings.HasPrefix(name, sendCounter("")) {
			locks[Kind(name)] = c.LockedUntil
		}
	}
	return locks, nil
}

func anyCounter(string) bool { return true }

func (f *Flow) clearCounters(ctx context.Context, s Subject, which func(name string) bool) error {
	counters, err := f.store.Counters(ctx, s)
	if err != nil {
		return err
	}
	for name := range counters {
		if !which(name) {
			continue
		}
		if err := f.store.ClearCounter(ctx, s, name); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes everything about a person who is gone.
func (f *Flow) Forget(ctx context.Context, s Subject) error {
	return f.store.InTx(ctx, func(ctx context.Context) error {
		records, err := f.store.Records(ctx, s)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := f.store.DeleteRecord(ctx, s, r.ID); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		for _, k := range f.kinds {
			for _, p := range []Purpose{First, Second, StepUp, Enrol} {
				if err := f.store.DropChallenges(ctx, s, k, p, 0); err != nil {
					return err
				}
			}
		}
		return errors.Join(f.clearCounters(ctx, s, anyCounter), f.afterChange(ctx, s))
	})
}

// Run deletes expired rows every interval until ctx ends. Nothing depends on
// it but the size of the store; it may run on every replica.
func (f *Flow) Run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		for {
			n, err := f.store.DeleteExpired(ctx, f.now(), 500)
			if err != nil || n < 500 {
				break // a busy store is tried again at the next tick
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
