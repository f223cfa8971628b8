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

func ticket(p mfa.Subject) mfa.Ticket {
	return mfa.Ticket{Hash: hash(), Subject: p, ExpiresAt: base.Add(time.Hour)}
}

func device(p mfa.Subject, at time.Time) mfa.Device {
	return mfa.Device{
		ID: random(), Subject: p, Hash: hash(), Name: "n", Kind: mfa.KindTOTP,
		CreatedAt: at, UsedAt: at, ExpiresAt: at.Add(time.Hour),
	}
}

// sighting is the n-th of p, a second after the one before.
func sighting(p mfa.Subject, n int) mfa.Sighting {
	return mfa.Sighting{
		Subject: p, Device: fmt.Sprint(n), Browser: "b", Network: "n", At: base.Add(time.Duration(n) * time.Second),
		Place: mfa.Place{Country: "CH", Lat: 47.25, Lon: -8.5, Located: true},
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

// utc moves the times of a row to UTC, to compare it.
func utc[V any](row V) V {
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		if at, ok := v.Field(i).Interface().(time.Time); ok {
			v.Field(i).Set(reflect.ValueOf(at.UTC()))
		}
	}
	return row
}

func utcs[V any](rows []V) []V {
	for i, r := range rows {
		rows[i] = utc(r)
	}
	return rows
}

// belongings are a row of everything.
type belongings struct {
	record    mfa.Record
	challenge mfa.ChallengeRow
	ticket    mfa.Ticket
	device    mfa.Device
	sighting  mfa.Sighting
}

// own gives p a row of everything, a counter "k" too.
func own(ctx context.Context, s mfa.Store, p mfa.Subject) (belongings, error) {
	b := belongings{record(p), challenge(p, 2), ticket(p), device(p, base), sighting(p, 0)}
	_, _, err := s.Charge(ctx, p, "k", base, lockAtThree)
	return b, errors.Join(err, s.AddRecord(ctx, b.record), s.AddChallenge(ctx, b.challenge), s.AddTicket(ctx, b.ticket),
		s.AddDevice(ctx, b.device), s.AddSighting(ctx, b.sighting, 5))
}

// still wants the rows as they were, and no others. It takes a try of the
// challenge, so it may ask once.
func (b belongings) still(ctx context.Context, s mfa.Store) error {
	p := b.record.Subject
	records, err1 := s.Records(ctx, p)
	counters, err2 := s.Counters(ctx, p)
	devices, err3 := s.Devices(ctx, p, base)
	seen, err4 := s.Sightings(ctx, p)
	tk, err5 := s.Ticket(ctx, b.ticket.Hash, base)
	c, err6 := s.TakeChallenge(ctx, b.challenge.Hash, base)
	b.challenge.Tries--
	return errors.Join(err1, err2, err3, err4, err5, err6,
		want("records", normal(records), normal([]mfa.Record{b.record})),
		want("counters", len(counters), 1),
		want("counter", utc(counters["k"]), mfa.Counter{Failures: 1}),
		want("devices", utcs(devices), []mfa.Device{b.device}),
		want("sightings", utcs(seen), []mfa.Sighting{b.sighting}),
		want("ticket", utc(tk), b.ticket),
		want("challenge", utc(c), b.challenge))
}

// beside runs steps on rows of p's and wants those of p's neighbours as they
// were: another person's, and those of the same id in another tenant.
func beside(ctx context.Context, s mfa.Store, p mfa.Subject, steps ...func() error) error {
	for _, n := range []mfa.Subject{person(), {Tenant: "another", ID: p.ID}} {
		b, err := own(ctx, s, n)
		if err != nil {
			return err
		}
		steps = append(steps, func() error {
			if err := b.still(ctx, s); err != nil {
				return fmt.Errorf("what %v has, after calls for %v: %w", n, p, err)
			}
			return nil
		})
	}
	return all(steps...)
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
	a.ID, b.ID = max(a.ID, b.ID), min(a.ID, b.ID) // not in the order of time
	b.CreatedAt, b.Key, b.Public, b.ExpiresAt = base.Add(time.Second), "", nil, base.Add(time.Hour)
	return beside(ctx, s, p,
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
		func() error {
			got, err := s.Records(ctx, p)
			return errors.Join(err, want("the other record", normal(got), normal([]mfa.Record{b})))
		},
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
	other := record(r.Subject)
	other.CreatedAt = base.Add(time.Second)
	return beside(ctx, s, r.Subject,
		func() error { return errors.Join(s.AddRecord(ctx, r), s.AddRecord(ctx, other)) },
		func() error {
			u := r
			u.Name, u.Public, u.Strength, u.Sealed, u.UsedAt = "new", []byte(`2`), mfa.Any, []byte{9}, base.Add(time.Second)
			u.Kind, u.Key, u.CreatedAt = "changed", "changed", base.Add(time.Hour) // not updated
			if err := s.UpdateRecord(ctx, u); err != nil {
				return err
			}
			u.Kind, u.Key, u.CreatedAt, u.Version = r.Kind, r.Key, r.CreatedAt, r.Version+1
			got, err := s.Records(ctx, r.Subject)
			return errors.Join(err, want("updated record and another", normal(got), normal([]mfa.Record{u, other})))
		},
		func() error { return wantErr("update of an old version", s.UpdateRecord(ctx, r), mfa.ErrConflict) },
		func() error {
			return wantErr("update of a missing record", s.UpdateRecord(ctx, record(r.Subject)), mfa.ErrConflict)
		},
	)
}

func recordOfAnother(ctx context.Context, s mfa.Store) error {
	p := person()
	b, err := own(ctx, s, p)
	if err != nil {
		return err
	}
	for _, thief := range []mfa.Subject{person(), {Tenant: "another", ID: p.ID}} {
		stolen := b.record
		stolen.Subject = thief
		got, err := s.Records(ctx, thief)
		err = errors.Join(err, want("records", len(got), 0),
			wantErr("update", s.UpdateRecord(ctx, stolen), mfa.ErrConflict),
			wantErr("touch", s.TouchRecord(ctx, thief, stolen.ID, base), mfa.ErrNotFound),
			wantErr("delete", s.DeleteRecord(ctx, thief, stolen.ID), mfa.ErrNotFound))
		if err != nil {
			return fmt.Errorf("calls for %v on what %v has: %w", thief, p, err)
		}
	}
	return b.still(ctx, s)
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
	return want("taken challenge", utc(got), c)
}

func challengeExpiry(ctx context.Context, s mfa.Store) error {
	p := person()
	c := challenge(p, 2)
	take := func(at time.Time) error { _, err := s.TakeChallenge(ctx, c.Hash, at); return err }
	return beside(ctx, s, p,
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
	old, newer, purpose, kind := challenge(p, 3), challenge(p, 3), challenge(p, 3), challenge(p, 3)
	purpose.Purpose, kind.Kind = mfa.StepUp, "another"
	old.CreatedAt, newer.CreatedAt = base.Add(-2*time.Second), base.Add(-time.Second) // those of others are newer still
	drop := func(keep int, gone, kept []mfa.ChallengeRow) func() error {
		return func() error {
			if err := s.DropChallenges(ctx, p, "test", mfa.Second, keep); err != nil {
				return err
			}
			for _, c := range gone {
				if err := wantErr("dropped", s.SpendChallenge(ctx, c.Hash), mfa.ErrNotFound); err != nil {
					return fmt.Errorf("keep %d: %w", keep, err)
				}
			}
			for _, c := range kept {
				if _, err := s.TakeChallenge(ctx, c.Hash, base); err != nil {
					return fmt.Errorf("keep %d: challenge of %s and %s from %v: %w", keep, c.Kind, c.Purpose, c.CreatedAt, err)
				}
			}
			return nil
		}
	}
	rows := []mfa.ChallengeRow{old, newer, purpose, kind}
	return beside(ctx, s, p,
		func() error {
			for _, c := range rows {
				if err := s.AddChallenge(ctx, c); err != nil {
					return err
				}
			}
			return nil
		},
		drop(2, nil, rows),
		drop(1, rows[:1], rows[1:]),
		drop(0, rows[:2], rows[2:]),
	)
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
			return errors.Join(err, want("charge passes", got, ok), want("counter", utc(c), mfa.Counter{Failures: failures, LockedUntil: until}))
		}
	}
	none, until := time.Time{}, base.Add(time.Hour)
	return beside(ctx, s, p,
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
	other := func(what string, failures int) func() error {
		return func() error {
			c, _, err := s.Charge(ctx, p, "other", base, lockAtThree)
			return errors.Join(err, want("another kind's failures "+what, c.Failures, failures))
		}
	}
	charge := func() error { _, _, err := s.Charge(ctx, p, "k", base, lockAtThree); return err }
	return beside(ctx, s, p,
		charge,
		other("after a charge", 1),
		func() error { return s.ClearCounter(ctx, p, "k") },
		other("after a clear", 2),
		charge, charge, charge, // locks it
		func() error {
			cs, err := s.Counters(ctx, p)
			return errors.Join(err, want("another kind is locked", cs["other"].LockedUntil.IsZero(), true))
		},
	)
}

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
