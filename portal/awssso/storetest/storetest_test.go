// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package storetest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/storetest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) awssso.Store { return awssso.NewMemoryStore(1000) })
}

// TestContractNamesFaults shows that the contract is worth something: every
// store here has one fault and is named by a rule for it.
func TestContractNamesFaults(t *testing.T) {
	t.Parallel()
	for rule, broken := range map[string]func(awssso.Store) awssso.Store{
		"device is taken once":                           func(s awssso.Store) awssso.Store { return &takesTwice{Store: s} },
		"device is answered once":                        func(s awssso.Store) awssso.Store { return &answersTwice{Store: s} },
		"device is not answered after its end":           func(s awssso.Store) awssso.Store { return answersLate{s} },
		"code is taken once":                             func(s awssso.Store) awssso.Store { return &codeTwice{Store: s, rows: map[string]awssso.AuthCode{}} },
		"code is not bound after a reuse":                func(s awssso.Store) awssso.Store { return bindsAlways{s} },
		"family rotates once":                            func(s awssso.Store) awssso.Store { return lostUpdate{s} },
		"attempts are counted exactly":                   func(s awssso.Store) awssso.Store { return &countsLoosely{Store: s, n: map[string]int{}} },
		"a transaction commits or rolls back as a whole": func(s awssso.Store) awssso.Store { return joinsNothing{s} },
		"a transaction's context ends with it":           func(s awssso.Store) awssso.Store { return forgetsEnd{s} },
		"token kinds are apart":                          func(s awssso.Store) awssso.Store { return mixesKinds{s} },
		"families are the person's own":                  func(s awssso.Store) awssso.Store { return &crossPerson{Store: s} },
		"epoch of grants hides older rows":               func(s awssso.Store) awssso.Store { return ignoresEpoch{s} },
		"device cap counts pending codes of the network": func(s awssso.Store) awssso.Store { return capless{s} },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			all := storetest.Contract()
			i := slices.IndexFunc(all, func(r storetest.Rule) bool { return r.Name == rule })
			if i < 0 {
				t.Fatal("no such rule")
			}
			if err := all[i].Check(t.Context(), broken(awssso.NewMemoryStore(1000))); err == nil {
				t.Error("the broken store passes")
			}
		})
	}
}

// takesTwice reads, then writes.
type takesTwice struct {
	awssso.Store
	mu sync.Mutex
}

func (s *takesTwice) TakeDevice(ctx context.Context, hash, familyID string) error {
	d, err := s.Device(ctx, hash)
	if err != nil || d.State == awssso.DevicePending {
		return awssso.ErrTaken
	}
	meet()
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.Store.TakeDevice(ctx, hash, familyID)
	return nil
}

// meet lets others run between a read and a write.
func meet() {
	for range 100 {
		runtime.Gosched()
	}
}

type answersTwice struct{ awssso.Store }

func (s *answersTwice) AnswerDevice(ctx context.Context, hash string, to awssso.DeviceState, a awssso.Approval, now time.Time) error {
	if _, err := s.Device(ctx, hash); err != nil {
		return awssso.ErrTaken
	}
	meet()
	_ = s.Store.AnswerDevice(ctx, hash, to, a, now)
	return nil
}

type answersLate struct{ awssso.Store }

func (s answersLate) AnswerDevice(ctx context.Context, hash string, to awssso.DeviceState, a awssso.Approval, _ time.Time) error {
	return s.Store.AnswerDevice(ctx, hash, to, a, time.Time{})
}

// codeTwice gives a code away for as long as nobody has marked it.
type codeTwice struct {
	awssso.Store
	mu   sync.Mutex
	rows map[string]awssso.AuthCode
}

func (s *codeTwice) InsertCode(_ context.Context, c awssso.AuthCode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[c.Hash] = c
	return nil
}

func (s *codeTwice) TakeCode(_ context.Context, hash string) (awssso.AuthCode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[hash], nil
}

type bindsAlways struct{ awssso.Store }

func (bindsAlways) BindCode(context.Context, string, string) error { return nil }

// lostUpdate rotates from whatever generation it finds.
type lostUpdate struct{ awssso.Store }

func (s lostUpdate) Rotate(ctx context.Context, id string, from int64, key string, now time.Time, tokens ...awssso.Token) error {
	_ = s.Store.Rotate(ctx, id, from, key, now, tokens...)
	return nil
}

type countsLoosely struct {
	awssso.Store
	mu sync.Mutex
	n  map[string]int
}

func (s *countsLoosely) Charge(_ context.Context, key string, limit int, _ time.Duration, _ time.Time) error {
	s.mu.Lock()
	seen := s.n[key]
	s.mu.Unlock()
	if seen >= limit {
		return awssso.ErrTooMany
	}
	meet()
	s.mu.Lock()
	s.n[key] = seen + 1
	s.mu.Unlock()
	return nil
}

// joinsNothing runs fn without a transaction.
type joinsNothing struct{ awssso.Store }

func (joinsNothing) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

type forgetsEnd struct{ awssso.Store }

func (forgetsEnd) InTx(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

type mixesKinds struct{ awssso.Store }

func (s mixesKinds) Token(ctx context.Context, kind awssso.TokenKind, hash string) (awssso.Token, awssso.Family, error) {
	t, f, err := s.Store.Token(ctx, kind, hash)
	if errors.Is(err, awssso.ErrNotFound) {
		return s.Store.Token(ctx, awssso.AccessToken, hash)
	}
	return t, f, err
}

// crossPerson lists everybody's families.
type crossPerson struct {
	awssso.Store
	all []awssso.Family
}

func (s *crossPerson) InsertFamily(ctx context.Context, f awssso.Family, tokens ...awssso.Token) error {
	s.all = append(s.all, f)
	return s.Store.InsertFamily(ctx, f, tokens...)
}

func (s *crossPerson) Families(context.Context, string, time.Time, int) ([]awssso.Family, error) {
	return s.all, nil
}

type ignoresEpoch struct{ awssso.Store }

func (ignoresEpoch) RaiseEpoch(context.Context, awssso.EpochKind) error { return nil }

type capless struct{ awssso.Store }

func (s capless) InsertDevice(ctx context.Context, d awssso.DeviceCode, _ int) error {
	return s.Store.InsertDevice(ctx, d, 1000)
}
