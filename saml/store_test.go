// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package saml_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	samltest.TestStore(t, func(*testing.T) samltest.Stores { return saml.NewMemoryStore(100) })
}

// TestMemoryStoreFull: it refuses work rather than forget.
func TestMemoryStoreFull(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := saml.NewMemoryStore(1)
	put := func(key string, at time.Time) error {
		return s.Put(t.Context(), saml.Record{Kind: saml.KindReplay, Key: key, Expires: now.Add(time.Minute)}, at)
	}
	if err := put("a", now); err != nil {
		t.Fatal(err)
	}
	if err := put("b", now); !errors.Is(err, saml.ErrFull) {
		t.Errorf("full: %v", err)
	}
	if err := put("b", now.Add(time.Minute)); err != nil {
		t.Errorf("after the first expired: %v", err)
	}
}

// Stores that break one clause each: the suite must name it.

// meet lets goroutines go on in pairs, so that both have looked before either
// acts.
type meet struct {
	mu   sync.Mutex
	wait chan struct{}
}

func (m *meet) arrive() {
	m.mu.Lock()
	if c := m.wait; c != nil {
		m.wait = nil
		m.mu.Unlock()
		close(c)
		return
	}
	c := make(chan struct{})
	m.wait = c
	m.mu.Unlock()
	<-c
}

type readsThenTakes struct {
	samltest.Stores
	m meet
}

func (s *readsThenTakes) Take(ctx context.Context, kind saml.Kind, key string, now time.Time) (*saml.Record, error) {
	r, err := s.Get(ctx, kind, key, now)
	s.m.arrive()
	if err != nil {
		return nil, err
	}
	_, _ = s.Stores.Take(ctx, kind, key, now) // the mistake
	return r, nil
}

type readsThenPuts struct {
	samltest.Stores
	m meet
}

func (s *readsThenPuts) Put(ctx context.Context, r saml.Record, now time.Time) error {
	_, err := s.Get(ctx, r.Kind, r.Key, now)
	s.m.arrive()
	if err == nil {
		return saml.ErrExists
	}
	_ = s.Stores.Put(ctx, r, now) // the mistake
	return nil
}

type joinsNothing struct{ samltest.Stores }

func (s joinsNothing) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return fn(ctx)
}

type forgetsKinds struct{ samltest.Stores }

func (s forgetsKinds) Put(ctx context.Context, r saml.Record, now time.Time) error {
	r.Kind = "x"
	return s.Stores.Put(ctx, r, now)
}

func (s forgetsKinds) Take(ctx context.Context, _ saml.Kind, key string, now time.Time) (*saml.Record, error) {
	return s.Stores.Take(ctx, "x", key, now)
}

type neverExpires struct{ samltest.Stores }

func (s neverExpires) Get(ctx context.Context, kind saml.Kind, key string, _ time.Time) (*saml.Record, error) {
	return s.Stores.Get(ctx, kind, key, time.Time{})
}

type cutsOff struct{ samltest.Stores }

func (s cutsOff) Put(ctx context.Context, r saml.Record, now time.Time) error {
	r.Data = r.Data[:min(len(r.Data), 1<<16-1)]
	return s.Stores.Put(ctx, r, now)
}

type overwrites struct{ samltest.Stores }

func (s overwrites) Put(ctx context.Context, r saml.Record, now time.Time) error {
	_, _ = s.Stores.Take(ctx, r.Kind, r.Key, now)
	return s.Stores.Put(ctx, r, now)
}

type crossesProviders struct{ samltest.Stores }

func (s crossesProviders) FindParticipants(ctx context.Context, _, _ string, now time.Time) ([]saml.Participant, error) {
	return s.Participants(ctx, "s", now)
}

func TestStoreSuiteNamesMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		clause string
		store  func(samltest.Stores) samltest.Stores
	}{
		{"parallel takes", func(s samltest.Stores) samltest.Stores { return &readsThenTakes{Stores: s} }},
		{"parallel puts", func(s samltest.Stores) samltest.Stores { return &readsThenPuts{Stores: s} }},
		{"rolls back", func(s samltest.Stores) samltest.Stores { return joinsNothing{s} }},
		{"joins nested transactions", func(s samltest.Stores) samltest.Stores { return joinsNothing{s} }},
		{"ends transactions", func(s samltest.Stores) samltest.Stores { return joinsNothing{s} }},
		{"keeps kinds apart", func(s samltest.Stores) samltest.Stores { return forgetsKinds{s} }},
		{"forgets expired records", func(s samltest.Stores) samltest.Stores { return neverExpires{s} }},
		{"refuses a key that is taken", func(s samltest.Stores) samltest.Stores { return overwrites{s} }},
		{"keeps large records", func(s samltest.Stores) samltest.Stores { return cutsOff{s} }},
		{"keeps participants", func(s samltest.Stores) samltest.Stores { return crossesProviders{s} }},
	} {
		t.Run(tt.clause, func(t *testing.T) {
			t.Parallel()
			for _, c := range samltest.StoreCases() {
				if c.Name == tt.clause && c.Run(t.Context(), tt.store(saml.NewMemoryStore(100))) == nil {
					t.Error("the suite found nothing")
				}
			}
		})
	}
}
