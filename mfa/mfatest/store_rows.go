// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfatest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

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
