// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestStore runs every case of the store contract as a subtest. open returns
// an empty store, or one whose rows are not those of the cases: they use
// random subjects.
func TestStore(t *testing.T, open func(t *testing.T) mfa.Store) {
	for _, c := range StoreCases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(t.Context(), open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// StoreCase is one clause of the contract of [mfa.Store].
type StoreCase struct {
	// Name names the clause.
	Name string
	// Check returns what is broken, nil if nothing is.
	Check func(ctx context.Context, s mfa.Store) error
}

// StoreCases returns the contract, clause by clause.
func StoreCases() []StoreCase {
	return []StoreCase{
		{"record round trip", recordRoundTrip},
		{"record key unique over people", recordKeyUnique},
		{"record compare and swap", recordSwap},
		{"record of another person", recordOfAnother},
		{"records in pages", recordPages},
		{"parallel updates of one version", parallelUpdates},
		{"challenge taken once", challengeTakenOnce},
		{"challenge expiry and tries", challengeExpiry},
		{"challenge spent once", challengeSpentOnce},
		{"challenge dropped by newer", challengeDropped},
		{"counter locks", counterLocks},
		{"parallel charges each count", parallelCharges},
		{"counter of another person or kind", counterOfAnother},
		{"transaction rolls back", rollsBack},
		{"transaction joins", joins},
		{"transaction ends", ends},
		{"transaction is told", told},
		{"ticket spent once", ticketSpentOnce},
		{"device list and removal", deviceList},
		{"sightings newest kept", sightings},
		{"expired rows deleted", deleteExpired},
	}
}

// base is a time with the precision that stores keep.
var base = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// parallel is how many calls race.
const parallel = 16

func person() mfa.Subject { return mfa.Subject{Tenant: "t", ID: random()} }

func record(p mfa.Subject) mfa.Record {
	return mfa.Record{
		ID: random(), Subject: p, Kind: "test", Key: random(), Name: "name", Public: []byte(`{"a":1}`),
		Strength: mfa.Attested, CreatedAt: base, Sealed: []byte{0, 1, 255},
	}
}

func challenge(p mfa.Subject, tries int) mfa.ChallengeRow {
	return mfa.ChallengeRow{
		Hash: hash(), Subject: p, Kind: "test", Purpose: mfa.Second, Binding: hash(), Tries: tries,
		CreatedAt: base, ExpiresAt: base.Add(time.Minute), Sealed: []byte{1, 0, 2},
	}
}

func want(what string, got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %+v, want %+v", what, got, want)
	}
	return nil
}

func wantErr(what string, got, want error) error {
	if !errors.Is(got, want) {
		return fmt.Errorf("%s: got error %v, want %v", what, got, want)
	}
	return nil
}

// all runs steps until one fails.
func all(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// race runs n calls at once and counts those that return nil; others must
// match allowed, or be refused because the database was busy.
func race(n int, fn func(i int) error) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			if fn(i) == nil {
				mu.Lock()
				passed++
				mu.Unlock()
			}
		})
	}
	close(start)
	wg.Wait()
	return passed
}

func recordRoundTrip(ctx context.Context, s mfa.Store) error {
	p := person()
	a, b := record(p), record(p)
	b.CreatedAt, b.Key, b.Public, b.ExpiresAt = base.Add(time.Second), "", nil, base.Add(time.Hour)
	return all(
		func() error { return s.AddRecord(ctx, b) },
		func() error { return s.AddRecord(ctx, a) },
		func() error {
			got, err := s.Records(ctx, p)
			return errors.Join(err, want("records, oldest first", normal(got), normal([]mfa.Record{a, b})))
		},
		func() error {
			got, err := s.RecordByKey(ctx, a.Kind, a.Key)
			return errors.Join(err, want("record by key", normal([]mfa.Record{got}), normal([]mfa.Record{a})))
		},
		func() error {
			_, err := s.RecordByKey(ctx, a.Kind, "")
			return wantErr("record by empty key", err, mfa.ErrNotFound)
		},
		func() error {
			_, err := s.RecordByKey(ctx, "other", a.Key)
			return wantErr("record by key of another kind", err, mfa.ErrNotFound)
		},
		func() error { return s.TouchRecord(ctx, p, a.ID, base.Add(time.Hour)) },
		func() error { return s.TouchRecord(ctx, p, a.ID, base) },
		func() error {
			got, err := s.RecordByKey(ctx, a.Kind, a.Key)
			return errors.Join(err, want("last use never moves back", got.UsedAt.Equal(base.Add(time.Hour)), true))
		},
		func() error { return s.DeleteRecord(ctx, p, a.ID) },
		func() error { return wantErr("delete twice", s.DeleteRecord(ctx, p, a.ID), mfa.ErrNotFound) },
		func() error { return wantErr("touch deleted", s.TouchRecord(ctx, p, a.ID, base), mfa.ErrNotFound) },
		func() error { return s.AddRecord(ctx, a) },
	)
}

// normal makes records comparable: times by instant, empty as nil.
func normal(rs []mfa.Record) []string {
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%s %v %s %s %s %s %v %d %d %d %d %x", r.ID, r.Subject, r.Kind, r.Key, r.Name, r.Public,
			r.Strength, unix(r.CreatedAt), unix(r.UsedAt), unix(r.ExpiresAt), r.Version, r.Sealed))
	}
	return out
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func recordKeyUnique(ctx context.Context, s mfa.Store) error {
	a, b, c, d := record(person()), record(person()), record(person()), record(person())
	b.Key, b.Subject.Tenant = a.Key, "another"
	c.ID = a.ID
	d.Key, d.Kind = a.Key, "another"
	return all(
		func() error { return s.AddRecord(ctx, a) },
		func() error { return wantErr("same key, other tenant", s.AddRecord(ctx, b), mfa.ErrExists) },
		func() error { return wantErr("same id", s.AddRecord(ctx, c), mfa.ErrExists) },
		func() error { return s.AddRecord(ctx, d) },
		func() error {
			x := record(person())
			n := race(parallel, func(int) error {
				y := x
				y.ID, y.Subject = random(), person()
				return s.AddRecord(ctx, y)
			})
			return want("parallel registrations of one key that pass", n, 1)
		},
	)
}

func recordSwap(ctx context.Context, s mfa.Store) error {
	r := record(person())
	return all(
		func() error { return s.AddRecord(ctx, r) },
		func() error {
			u := r
			u.Name, u.Public, u.Strength, u.Sealed, u.UsedAt = "new", []byte(`2`), mfa.Any, []byte{9}, base.Add(time.Second)
			u.Kind, u.Key, u.CreatedAt = "changed", "changed", base.Add(time.Hour) // not updated
			if err := s.UpdateRecord(ctx, u); err != nil {
				return err
			}
			u.Kind, u.Key, u.CreatedAt, u.Version = r.Kind, r.Key, r.CreatedAt, r.Version+1
			got, err := s.Records(ctx, r.Subject)
			return errors.Join(err, want("updated record", normal(got), normal([]mfa.Record{u})))
		},
		func() error { return wantErr("update of an old version", s.UpdateRecord(ctx, r), mfa.ErrConflict) },
		func() error {
			return wantErr("update of a missing record", s.UpdateRecord(ctx, record(r.Subject)), mfa.ErrConflict)
		},
	)
}

func recordOfAnother(ctx context.Context, s mfa.Store) error {
	r := record(person())
	thief := mfa.Subject{Tenant: "another", ID: r.Subject.ID}
	stolen := r
	stolen.Subject = thief
	return all(
		func() error { return s.AddRecord(ctx, r) },
		func() error {
			got, err := s.Records(ctx, thief)
			return errors.Join(err, want("records of another tenant", len(got), 0))
		},
		func() error { return wantErr("update", s.UpdateRecord(ctx, stolen), mfa.ErrConflict) },
		func() error { return wantErr("touch", s.TouchRecord(ctx, thief, r.ID, base), mfa.ErrNotFound) },
		func() error { return wantErr("delete", s.DeleteRecord(ctx, thief, r.ID), mfa.ErrNotFound) },
	)
}

func recordPages(ctx context.Context, s mfa.Store) error {
	added := map[string]bool{}
	for range 5 {
		r := record(person())
		added[r.ID] = true
		if err := s.AddRecord(ctx, r); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for after := ""; ; {
		page, err := s.RecordsAfter(ctx, after, 2)
		if err != nil || len(page) > 2 {
			return errors.Join(err, want("records in a page of two", min(len(page), 2), len(page)))
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if seen[r.ID] {
				return fmt.Errorf("record %s is in two pages", r.ID)
			}
			seen[r.ID], after = true, r.ID
			delete(added, r.ID)
		}
	}
	return want("records in no page", len(added), 0)
}

func parallelUpdates(ctx context.Context, s mfa.Store) error {
	r := record(person())
	if err := s.AddRecord(ctx, r); err != nil {
		return err
	}
	n := race(parallel, func(int) error {
		return s.InTx(ctx, func(ctx context.Context) error { return s.UpdateRecord(ctx, r) })
	})
	return want("parallel updates of one version that pass", n, 1)
}

func challengeTakenOnce(ctx context.Context, s mfa.Store) error {
	c := challenge(person(), 1)
	if err := s.AddChallenge(ctx, c); err != nil {
		return err
	}
	if err := wantErr("add twice", s.AddChallenge(ctx, c), mfa.ErrExists); err != nil {
		return err
	}
	var mu sync.Mutex
	var got mfa.ChallengeRow
	n := race(parallel, func(int) error {
		return s.InTx(ctx, func(ctx context.Context) error {
			row, err := s.TakeChallenge(ctx, c.Hash, base)
			if err == nil {
				mu.Lock()
				got = row
				mu.Unlock()
			}
			return err
		})
	})
	if n != 1 {
		return fmt.Errorf("challenge with one try was taken %d times by parallel calls", n)
	}
	c.Tries = 0
	got.CreatedAt, got.ExpiresAt = got.CreatedAt.UTC(), got.ExpiresAt.UTC()
	return want("taken challenge", got, c)
}

func challengeExpiry(ctx context.Context, s mfa.Store) error {
	c := challenge(person(), 2)
	take := func(at time.Time) error { _, err := s.TakeChallenge(ctx, c.Hash, at); return err }
	return all(
		func() error { return s.AddChallenge(ctx, c) },
		func() error { return wantErr("at its expiry", take(c.ExpiresAt), mfa.ErrNotFound) },
		func() error { return take(c.ExpiresAt.Add(-time.Microsecond)) },
		func() error { return take(base) },
		func() error { return wantErr("without tries", take(base), mfa.ErrNotFound) },
		func() error { return s.SpendChallenge(ctx, c.Hash) },
		func() error {
			c.Hash = hash()
			return wantErr("unknown", take(base), mfa.ErrNotFound)
		},
	)
}

func challengeSpentOnce(ctx context.Context, s mfa.Store) error {
	c := challenge(person(), 5)
	if err := s.AddChallenge(ctx, c); err != nil {
		return err
	}
	n := race(parallel, func(int) error {
		return s.InTx(ctx, func(ctx context.Context) error { return s.SpendChallenge(ctx, c.Hash) })
	})
	if n != 1 {
		return fmt.Errorf("challenge was spent %d times by parallel calls", n)
	}
	_, err := s.TakeChallenge(ctx, c.Hash, base)
	return wantErr("take after spend", err, mfa.ErrNotFound)
}

func challengeDropped(ctx context.Context, s mfa.Store) error {
	p := person()
	gone, other, purpose, kind := challenge(p, 1), challenge(person(), 1), challenge(p, 1), challenge(p, 1)
	purpose.Purpose, kind.Kind = mfa.StepUp, "another"
	for _, c := range []mfa.ChallengeRow{gone, other, purpose, kind} {
		if err := s.AddChallenge(ctx, c); err != nil {
			return err
		}
	}
	newer := challenge(p, 1)
	newer.CreatedAt = base.Add(time.Second)
	if err := errors.Join(s.AddChallenge(ctx, newer), s.DropChallenges(ctx, p, "test", mfa.Second, 2)); err != nil {
		return err
	}
	if err := s.DropChallenges(ctx, p, "test", mfa.Second, 1); err != nil {
		return err
	}
	_, err := s.TakeChallenge(ctx, gone.Hash, base)
	if err := wantErr("dropped", err, mfa.ErrNotFound); err != nil {
		return err
	}
	if _, err := s.TakeChallenge(ctx, newer.Hash, base); err != nil {
		return fmt.Errorf("the newest, which was to be kept: %w", err)
	}
	if err := s.DropChallenges(ctx, p, "test", mfa.Second, 0); err != nil {
		return err
	}
	if err := wantErr("the newest at last", s.SpendChallenge(ctx, newer.Hash), mfa.ErrNotFound); err != nil {
		return err
	}
	for _, c := range []mfa.ChallengeRow{other, purpose, kind} {
		if _, err := s.TakeChallenge(ctx, c.Hash, base); err != nil {
			return fmt.Errorf("challenge of another person, purpose or kind: %w", err)
		}
	}
	return nil
}

// lockAtThree locks for an hour at every third failure.
func lockAtThree(n int) time.Duration {
	if n%3 == 0 {
		return time.Hour
	}
	return 0
}

func counterLocks(ctx context.Context, s mfa.Store) error {
	p := person()
	charge := func(at time.Time, failures int, until time.Time, ok bool) func() error {
		return func() error {
			c, got, err := s.Charge(ctx, p, "k", at, lockAtThree)
			c.LockedUntil = c.LockedUntil.UTC()
			return errors.Join(err, want("charge passes", got, ok), want("counter", c, mfa.Counter{Failures: failures, LockedUntil: until}))
		}
	}
	none, until := time.Time{}.UTC(), base.Add(time.Hour)
	return all(
		charge(base, 1, none, true),
		charge(base, 2, none, true),
		charge(base, 3, until, true),
		charge(base, 3, until, false),
		charge(until.Add(-time.Microsecond), 3, until, false),
		func() error {
			cs, err := s.Counters(ctx, p)
			return errors.Join(err, want("locked until", cs["k"].LockedUntil.Equal(until), true), want("counters", len(cs), 1))
		},
		charge(until, 4, none, true),
		func() error { return s.ClearCounter(ctx, p, "k") },
		charge(until, 1, none, true),
		func() error { return s.ClearCounter(ctx, p, "none") },
		charge(base, 2, none, true),
		charge(base, 3, until, true),
		func() error { return s.ClearCounter(ctx, p, "k") }, // unlocks, too
		charge(base, 1, none, true),
	)
}

func parallelCharges(ctx context.Context, s mfa.Store) error {
	p := person()
	passed := race(parallel, func(int) error {
		_, ok, err := s.Charge(ctx, p, "k", base, func(int) time.Duration { return 0 })
		if err == nil && !ok {
			err = errors.New("locked")
		}
		return err
	})
	cs, err := s.Counters(ctx, p)
	if err := errors.Join(err, want("failures after parallel charges", cs["k"].Failures, passed)); err != nil {
		return err
	}
	if passed == 0 {
		return errors.New("no parallel charge passed")
	}
	q := person()
	through := race(parallel, func(int) error {
		_, ok, err := s.Charge(ctx, q, "k", base, lockAtThree)
		if err == nil && !ok {
			err = errors.New("locked")
		}
		return err
	})
	if through > 3 {
		return fmt.Errorf("%d parallel charges passed a lock at 3", through)
	}
	return nil
}

func counterOfAnother(ctx context.Context, s mfa.Store) error {
	p := person()
	if _, _, err := s.Charge(ctx, p, "k", base, lockAtThree); err != nil {
		return err
	}
	for _, other := range []mfa.Subject{person(), {Tenant: "another", ID: p.ID}} {
		c, _, err := s.Charge(ctx, other, "k", base, lockAtThree)
		if err := errors.Join(err, want("another person's failures", c.Failures, 1)); err != nil {
			return err
		}
	}
	c, _, err := s.Charge(ctx, p, "other", base, lockAtThree)
	return errors.Join(err, want("another kind's failures", c.Failures, 1))
}

var errRollBack = errors.New("mfatest: roll back")

func rollsBack(ctx context.Context, s mfa.Store) error {
	p := person()
	kept, added := record(p), record(p)
	c := challenge(p, 1)
	tk := mfa.Ticket{Hash: hash(), Subject: p, ExpiresAt: base.Add(time.Hour)}
	if err := errors.Join(s.AddRecord(ctx, kept), s.AddChallenge(ctx, c), s.AddTicket(ctx, tk)); err != nil {
		return err
	}
	if _, _, err := s.Charge(ctx, p, "k", base, lockAtThree); err != nil {
		return err
	}
	err := s.InTx(ctx, func(ctx context.Context) error {
		u := kept
		u.Name = "changed"
		_, takeErr := s.TakeChallenge(ctx, c.Hash, base)
		_, _, chargeErr := s.Charge(ctx, p, "new", base, lockAtThree)
		return errors.Join(takeErr, chargeErr, s.AddRecord(ctx, added), s.UpdateRecord(ctx, u), s.SpendChallenge(ctx, c.Hash),
			s.ClearCounter(ctx, p, "k"), s.SpendTicket(ctx, p, tk.Hash, base),
			s.AddSighting(ctx, mfa.Sighting{Subject: p, Device: "d", At: base}, 5),
			s.AddDevice(ctx, mfa.Device{ID: random(), Subject: p, Hash: hash(), CreatedAt: base, ExpiresAt: base.Add(time.Hour)}),
			errRollBack)
	})
	if err := wantErr("InTx", err, errRollBack); err != nil {
		return err
	}
	got, err := s.Records(ctx, p)
	if err := errors.Join(err, want("records after roll-back", normal(got), normal([]mfa.Record{kept}))); err != nil {
		return err
	}
	cs, err := s.Counters(ctx, p)
	if err := errors.Join(err, want("counter after roll-back", cs["k"].Failures, 1), want("counters after roll-back", len(cs), 1)); err != nil {
		return err
	}
	seen, err := s.Sightings(ctx, p)
	if err := errors.Join(err, want("sightings after roll-back", len(seen), 0)); err != nil {
		return err
	}
	ds, err := s.Devices(ctx, p, base)
	if err := errors.Join(err, want("devices after roll-back", len(ds), 0)); err != nil {
		return err
	}
	if _, err := s.Ticket(ctx, tk.Hash, base); err != nil {
		return fmt.Errorf("ticket after roll-back: %w", err)
	}
	_, err = s.TakeChallenge(ctx, c.Hash, base)
	if err != nil {
		return fmt.Errorf("challenge after roll-back: %w", err)
	}
	return nil
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

func ticketSpentOnce(ctx context.Context, s mfa.Store) error {
	p := person()
	tk := mfa.Ticket{Hash: hash(), Subject: p, ExpiresAt: base.Add(time.Hour)}
	get := func(at time.Time) error { _, err := s.Ticket(ctx, tk.Hash, at); return err }
	return all(
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
			n := race(parallel, func(int) error {
				return s.InTx(ctx, func(ctx context.Context) error { return s.SpendTicket(ctx, p, tk.Hash, base) })
			})
			return want("parallel spends that pass", n, 1)
		},
		func() error { return wantErr("get after spend", get(base), mfa.ErrNotFound) },
		func() error { return s.AddTicket(ctx, tk) },
		func() error { return s.DropTickets(ctx, p) },
		func() error { return wantErr("get after drop", get(base), mfa.ErrNotFound) },
	)
}

func deviceList(ctx context.Context, s mfa.Store) error {
	p := person()
	dev := func(at time.Time) mfa.Device {
		return mfa.Device{
			ID: random(), Subject: p, Hash: hash(), Name: "n", Kind: mfa.KindTOTP,
			CreatedAt: at, UsedAt: at, ExpiresAt: at.Add(time.Hour),
		}
	}
	a, b := dev(base), dev(base.Add(time.Minute))
	names := func(at time.Time, ids ...string) func() error {
		return func() error {
			ds, err := s.Devices(ctx, p, at)
			var got []string
			for _, d := range ds {
				got = append(got, d.ID)
			}
			return errors.Join(err, want("devices", got, ids))
		}
	}
	return all(
		func() error { return errors.Join(s.AddDevice(ctx, a), s.AddDevice(ctx, b)) },
		func() error { return wantErr("add twice", s.AddDevice(ctx, a), mfa.ErrExists) },
		names(base, b.ID, a.ID),
		names(a.ExpiresAt, b.ID),
		func() error { return s.TouchDevice(ctx, p, a.ID, base.Add(time.Second)) },
		func() error { return wantErr("touch", s.TouchDevice(ctx, person(), a.ID, base), mfa.ErrNotFound) },
		func() error {
			ds, err := s.Devices(ctx, p, base)
			if err != nil || len(ds) != 2 {
				return fmt.Errorf("devices: %v, %w", ds, err)
			}
			return errors.Join(want("last use", ds[1].UsedAt.Equal(base.Add(time.Second)), true), want("hash", ds[1].Hash, a.Hash), want("kind", ds[1].Kind, a.Kind))
		},
		func() error { return wantErr("delete another's", s.DeleteDevice(ctx, person(), a.ID), mfa.ErrNotFound) },
		func() error { return s.DeleteDevice(ctx, p, a.ID) },
		func() error { return wantErr("delete twice", s.DeleteDevice(ctx, p, a.ID), mfa.ErrNotFound) },
		names(base, b.ID),
		func() error { return s.DropDevices(ctx, p) },
		names(base),
	)
}

func sightings(ctx context.Context, s mfa.Store) error {
	p := person()
	for i := range 4 {
		v := mfa.Sighting{
			Subject: p, Device: fmt.Sprint(i), Browser: "b", Network: "n", At: base.Add(time.Duration(i) * time.Second),
			Place: mfa.Place{Country: "CH", Lat: 47.25, Lon: -8.5, Located: true},
		}
		if err := s.AddSighting(ctx, v, 3); err != nil {
			return err
		}
	}
	got, err := s.Sightings(ctx, p)
	if err != nil {
		return err
	}
	var order []string
	for _, v := range got {
		order = append(order, v.Device)
	}
	if err := want("sightings, newest first", order, []string{"3", "2", "1"}); err != nil {
		return err
	}
	if err := want("place", got[0].Place, mfa.Place{Country: "CH", Lat: 47.25, Lon: -8.5, Located: true}); err != nil {
		return err
	}
	if err := s.DropSightings(ctx, p); err != nil {
		return err
	}
	got, err = s.Sightings(ctx, p)
	return errors.Join(err, want("after drop", len(got), 0))
}

func deleteExpired(ctx context.Context, s mfa.Store) error {
	p := person()
	old, live := challenge(p, 1), challenge(p, 1)
	old.ExpiresAt, live.ExpiresAt = base.Add(-time.Hour), base.Add(time.Hour)
	tk := mfa.Ticket{Hash: hash(), Subject: p, ExpiresAt: base.Add(-time.Hour)}
	if err := errors.Join(s.AddChallenge(ctx, old), s.AddChallenge(ctx, live), s.AddTicket(ctx, tk)); err != nil {
		return err
	}
	gone, kept := record(p), record(p)
	gone.ExpiresAt = base.Add(-time.Hour)
	if err := errors.Join(s.AddRecord(ctx, gone), s.AddRecord(ctx, kept)); err != nil {
		return err
	}
	n, err := s.DeleteExpired(ctx, base, 1)
	if err := errors.Join(err, want("deleted with limit 1", n, 1)); err != nil {
		return err
	}
	for {
		n, err := s.DeleteExpired(ctx, base, 100)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	rs, err := s.Records(ctx, p)
	if err := errors.Join(err, want("records after their expiry", normal(rs), normal([]mfa.Record{kept}))); err != nil {
		return err
	}
	if _, err := s.TakeChallenge(ctx, live.Hash, base); err != nil {
		return fmt.Errorf("a live challenge was deleted: %w", err)
	}
	return wantErr("an expired challenge", s.SpendChallenge(ctx, old.Hash), mfa.ErrNotFound)
}
