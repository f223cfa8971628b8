// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package samltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

// Stores is what TestStore proves.
type Stores interface {
	saml.Store
	saml.ParticipantStore
}

// StoreCase is one clause of the stores' contract.
type StoreCase struct {
	Name string
	// Run returns what is wrong with the empty store s.
	Run func(ctx context.Context, s Stores) error
}

// TestStore proves an implementation of saml.Store and saml.ParticipantStore.
// open returns an empty store each time.
func TestStore(t *testing.T, open func(t *testing.T) Stores) {
	t.Helper()
	for _, c := range StoreCases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Run(t.Context(), open(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

func record(kind saml.Kind, key string) saml.Record {
	return saml.Record{Kind: kind, Key: key, Connection: "c", Data: []byte("{\"a\":\x00}"), Expires: epoch.Add(time.Minute)}
}

// StoreCases returns the clauses, for runs outside of a *testing.T.
func StoreCases() []StoreCase {
	return []StoreCase{
		{"keeps records", keepsRecords},
		{"keeps large records", keepsLarge},
		{"keeps kinds apart", keepsKindsApart},
		{"refuses a key that is taken", refusesTaken},
		{"forgets expired records", forgetsExpired},
		{"gives a record once", givesOnce},
		{"parallel takes", parallelTakes},
		{"parallel puts", parallelPuts},
		{"commits", commits},
		{"rolls back", rollsBack},
		{"joins nested transactions", joinsNested},
		{"ends transactions", endsTransactions},
		{"deletes expired rows", deletesExpired},
		{"keeps participants", keepsParticipants},
		{"rolls participants back", rollsParticipantsBack},
	}
}

func keepsRecords(ctx context.Context, s Stores) error {
	want := record(saml.KindRequest, "k")
	if err := s.Put(ctx, want, epoch); err != nil {
		return fmt.Errorf("a Put: %w", err)
	}
	empty := record(saml.KindRequest, "empty")
	empty.Data = []byte{}
	if err := s.Put(ctx, empty, epoch); err != nil {
		return fmt.Errorf("a Put of empty data: %w", err)
	}
	for _, get := range []func(context.Context, saml.Kind, string, time.Time) (*saml.Record, error){s.Get, s.Take} {
		got, err := get(ctx, want.Kind, want.Key, epoch)
		if err != nil {
			return err
		}
		if got.Kind != want.Kind || got.Key != want.Key || got.Connection != want.Connection || !bytes.Equal(got.Data, want.Data) || !got.Expires.Equal(want.Expires) {
			return fmt.Errorf("got %+v, want %+v", got, want)
		}
	}
	_, err := s.Get(ctx, want.Kind, "other", epoch)
	return notFound("Get of an unknown key", err)
}

// keepsLarge: messages that wait for their artifact are as long as messages
// may be.
func keepsLarge(ctx context.Context, s Stores) error {
	want := record(saml.KindMessage, "k")
	want.Data = bytes.Repeat([]byte("0123456789abcde\x00"), 1<<16)
	if err := s.Put(ctx, want, epoch); err != nil {
		return fmt.Errorf("a Put of 1 MiB: %w", err)
	}
	got, err := s.Take(ctx, want.Kind, want.Key, epoch)
	if err != nil {
		return err
	}
	if !bytes.Equal(got.Data, want.Data) {
		return fmt.Errorf("got %d bytes of %d, or others", len(got.Data), len(want.Data))
	}
	return nil
}

func notFound(what string, err error) error {
	if !errors.Is(err, saml.ErrNotFound) {
		return fmt.Errorf("%s returned %v, want ErrNotFound", what, err)
	}
	return nil
}

func keepsKindsApart(ctx context.Context, s Stores) error {
	if err := s.Put(ctx, record(saml.KindRequest, "k"), epoch); err != nil {
		return err
	}
	_, err := s.Take(ctx, saml.KindTicket, "k", epoch)
	if err := notFound("Take as another kind", err); err != nil {
		return err
	}
	return s.Put(ctx, record(saml.KindTicket, "k"), epoch)
}

func refusesTaken(ctx context.Context, s Stores) error {
	if err := s.Put(ctx, record(saml.KindReplay, "k"), epoch); err != nil {
		return err
	}
	second := record(saml.KindReplay, "k")
	second.Connection, second.Expires = "other", epoch.Add(time.Hour)
	if err := s.Put(ctx, second, epoch); !errors.Is(err, saml.ErrExists) {
		return fmt.Errorf("a second Put returned %v, want ErrExists", err)
	}
	got, err := s.Get(ctx, saml.KindReplay, "k", epoch)
	if err != nil {
		return err
	}
	if got.Connection != "c" {
		return errors.New("the refused Put changed the record")
	}
	if err := s.Put(ctx, second, got.Expires); err != nil {
		return fmt.Errorf("a Put over an expired record: %w", err)
	}
	if got, err = s.Get(ctx, saml.KindReplay, "k", got.Expires); err != nil || got.Connection != "other" {
		return fmt.Errorf("after Put over an expired record: %+v, %v", got, err)
	}
	return nil
}

func forgetsExpired(ctx context.Context, s Stores) error {
	r := record(saml.KindTicket, "k")
	if err := s.Put(ctx, r, epoch); err != nil {
		return err
	}
	if _, err := s.Get(ctx, r.Kind, r.Key, r.Expires.Add(-time.Microsecond)); err != nil {
		return fmt.Errorf("just before the end: %w", err)
	}
	_, err := s.Get(ctx, r.Kind, r.Key, r.Expires)
	if err := notFound("Get at the end", err); err != nil {
		return err
	}
	_, err = s.Take(ctx, r.Kind, r.Key, r.Expires)
	return notFound("Take at the end", err)
}

func givesOnce(ctx context.Context, s Stores) error {
	if err := s.Put(ctx, record(saml.KindTicket, "k"), epoch); err != nil {
		return err
	}
	if _, err := s.Take(ctx, saml.KindTicket, "k", epoch); err != nil {
		return err
	}
	_, err := s.Take(ctx, saml.KindTicket, "k", epoch)
	return notFound("a second Take", err)
}

const racers = 16

// race runs fn at once in many goroutines and returns how often it succeeded.
func race(fn func() error) int {
	var won atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range racers {
		wg.Go(func() {
			<-start
			if fn() == nil {
				won.Add(1)
			}
		})
	}
	close(start)
	wg.Wait()
	return int(won.Load())
}

func parallelTakes(ctx context.Context, s Stores) error {
	if err := s.Put(ctx, record(saml.KindRequest, "k"), epoch); err != nil {
		return err
	}
	if n := race(func() error { _, err := s.Take(ctx, saml.KindRequest, "k", epoch); return err }); n != 1 {
		return fmt.Errorf("%d of %d parallel Takes got the record", n, racers)
	}
	return nil
}

func parallelPuts(ctx context.Context, s Stores) error {
	if n := race(func() error { return s.Put(ctx, record(saml.KindReplay, "k"), epoch) }); n != 1 {
		return fmt.Errorf("%d of %d parallel Puts succeeded", n, racers)
	}
	return nil
}

func commits(ctx context.Context, s Stores) error {
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.Put(ctx, record(saml.KindRequest, "k"), epoch); err != nil {
			return err
		}
		_, err := s.Get(ctx, saml.KindRequest, "k", epoch)
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.Get(ctx, saml.KindRequest, "k", epoch)
	return err
}

var errRefused = errors.New("samltest: refused")

func rollsBack(ctx context.Context, s Stores) error {
	if err := s.Put(ctx, record(saml.KindRequest, "old"), epoch); err != nil {
		return err
	}
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.Put(ctx, record(saml.KindRequest, "new"), epoch); err != nil {
			return err
		}
		if _, err := s.Take(ctx, saml.KindRequest, "old", epoch); err != nil {
			return err
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		return fmt.Errorf("InTx returned %v, want what fn did", err)
	}
	_, err = s.Get(ctx, saml.KindRequest, "new", epoch)
	if err := notFound("Get of what was rolled back", err); err != nil {
		return err
	}
	if _, err := s.Get(ctx, saml.KindRequest, "old", epoch); err != nil {
		return fmt.Errorf("what was taken in a transaction that was rolled back: %w", err)
	}
	return nil
}

func joinsNested(ctx context.Context, s Stores) error {
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.InTx(ctx, func(ctx context.Context) error { return s.Put(ctx, record(saml.KindRequest, "k"), epoch) }); err != nil {
			return err
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		return fmt.Errorf("InTx returned %v, want what fn did", err)
	}
	_, err = s.Get(ctx, saml.KindRequest, "k", epoch)
	return notFound("Get of what an inner transaction wrote", err)
}

func endsTransactions(ctx context.Context, s Stores) error {
	var kept context.Context
	if err := s.InTx(ctx, func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
		return err
	}
	if err := s.Put(kept, record(saml.KindRequest, "k"), epoch); err == nil {
		return errors.New("a context was of use after its transaction")
	}
	return nil
}

func deletesExpired(ctx context.Context, s Stores) error {
	for _, k := range []string{"a", "b", "c"} {
		if err := s.Put(ctx, record(saml.KindRequest, k), epoch); err != nil {
			return err
		}
	}
	late := record(saml.KindRequest, "late")
	late.Expires = epoch.Add(time.Hour)
	if err := s.Put(ctx, late, epoch); err != nil {
		return err
	}
	total := 0
	for _, limit := range []int{2, 10} {
		n, err := s.DeleteExpired(ctx, epoch.Add(time.Minute), limit)
		if err != nil {
			return err
		}
		if n > limit {
			return fmt.Errorf("DeleteExpired removed %d rows of at most %d", n, limit)
		}
		total += n
	}
	if total != 3 {
		return fmt.Errorf("DeleteExpired removed %d rows, want 3", total)
	}
	_, err := s.Get(ctx, saml.KindRequest, "late", epoch)
	return err
}

func participant(sp, index, session string) saml.Participant {
	return saml.Participant{
		Session: session, SP: sp, NameID: saml.NameID{Value: "v", Format: "f", NameQualifier: "q", SPNameQualifier: "s", SPProvidedID: "p"},
		NameKey: "name", SessionIndex: index, Expires: epoch.Add(time.Minute),
	}
}

func keepsParticipants(ctx context.Context, s Stores) error {
	for i, p := range []saml.Participant{participant("b", "1", "s"), participant("a", "2", "s"), participant("a", "3", "other")} {
		if err := s.AddParticipant(ctx, p, epoch.Add(time.Duration(i)*time.Millisecond)); err != nil {
			return err
		}
	}
	if err := s.AddParticipant(ctx, participant("a", "2", "x"), epoch); !errors.Is(err, saml.ErrExists) {
		return fmt.Errorf("a second AddParticipant returned %v, want ErrExists", err)
	}
	ps, err := s.Participants(ctx, "s", epoch)
	if err != nil {
		return err
	}
	if len(ps) != 2 || ps[0].SP != "b" || ps[1].SP != "a" || ps[0].NameID != participant("", "", "").NameID || ps[0].NameKey != "name" || !ps[0].Expires.Equal(epoch.Add(time.Minute)) {
		return fmt.Errorf("participants %+v", ps)
	}
	if ps, err = s.FindParticipants(ctx, "a", "name", epoch); err != nil || len(ps) != 2 || ps[0].Session != "s" || ps[1].Session != "other" {
		return fmt.Errorf("by name: %+v, %w", ps, err)
	}
	if ps, err = s.FindParticipants(ctx, "b", "another", epoch); err != nil || len(ps) != 0 {
		return fmt.Errorf("by another name: %+v, %w", ps, err)
	}
	if ps, err = s.Participants(ctx, "s", epoch.Add(time.Minute)); err != nil || len(ps) != 0 {
		return fmt.Errorf("expired: %+v, %w", ps, err)
	}
	if err := s.RemoveParticipant(ctx, "a", "2"); err != nil {
		return err
	}
	return notFound("a second RemoveParticipant", s.RemoveParticipant(ctx, "a", "2"))
}

func rollsParticipantsBack(ctx context.Context, s Stores) error {
	if err := s.AddParticipant(ctx, participant("a", "1", "s"), epoch); err != nil {
		return err
	}
	err := s.InTx(ctx, func(ctx context.Context) error {
		if err := s.RemoveParticipant(ctx, "a", "1"); err != nil {
			return err
		}
		if err := s.AddParticipant(ctx, participant("a", "2", "s"), epoch); err != nil {
			return err
		}
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		return fmt.Errorf("InTx returned %v, want what fn did", err)
	}
	ps, err := s.Participants(ctx, "s", epoch)
	if err != nil || len(ps) != 1 || ps[0].SessionIndex != "1" {
		return fmt.Errorf("participants %+v, %w", ps, err)
	}
	return nil
}
