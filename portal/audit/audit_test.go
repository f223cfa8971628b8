// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/audit"
)

// memory is a store of events, as far as the tests need one.
type memory struct {
	audit.Store
	events  []audit.Event
	refused map[string]int
}

func (m *memory) InTx(ctx context.Context, fn func(ctx context.Context) error) error { return fn(ctx) }

func (m *memory) AppendEvent(_ context.Context, e audit.Event) error {
	m.events = append(m.events, e)
	return nil
}

func (m *memory) CountRefusal(ctx context.Context, key string, e audit.Event) error {
	if m.refused[key]++; m.refused[key] > 1 {
		return nil
	}
	return m.AppendEvent(ctx, e)
}

func (m *memory) Strangers(_ context.Context, from, to string, _ int) (n int, err error) {
	for key := range m.refused {
		if key >= from && key < to {
			n++
		}
	}
	return n, nil
}

func (m *memory) DeleteEvents(_ context.Context, before string, _ int) (int, error) {
	n := len(m.events)
	m.events = slices.DeleteFunc(m.events, func(e audit.Event) bool { return e.ID < before })
	return n - len(m.events), nil
}

func (m *memory) Events(context.Context, string, int) ([]audit.Event, error) { return m.events, nil }

// Strangers from many networks fill a minute with a bounded number of events,
// and the next minute begins anew.
func TestStrangersAreBounded(t *testing.T) {
	m, now := &memory{refused: map[string]int{}}, time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	log := audit.New(m, nil, func() time.Time { return now })
	addr := netip.MustParseAddr("10.0.0.0")
	flood := func(n int, check string) {
		for range n {
			log.Refuse(audit.WithRequest(t.Context(), audit.Request{Addr: addr}), audit.Event{Type: audit.InputRefused, Check: check})
			addr = addr.Next()
		}
	}
	flood(audit.MaxStrangers+500, "x")
	flood(10, "y")
	if want := audit.MaxStrangers + 2; len(m.events) != want {
		t.Errorf("%d events, want %d", len(m.events), want)
	}
	last := m.events[len(m.events)-1]
	if last.Network != "" || last.Check != "y" || last.Details["from"] != "many networks" {
		t.Errorf("%+v", last)
	}
	if n := m.refused[fmt.Sprintf("202603011200|%s|x||", audit.InputRefused)]; n != 500 {
		t.Errorf("%d were counted together, want 500", n)
	}
	// Who acts in their own name is always told apart.
	log.Refuse(t.Context(), audit.Event{Type: audit.InputRefused, Actor: "p-1", Check: "x"})
	if last = m.events[len(m.events)-1]; last.Actor != "p-1" {
		t.Errorf("%+v", last)
	}
	now = now.Add(time.Minute)
	flood(1, "x")
	if last = m.events[len(m.events)-1]; last.Network == "" {
		t.Errorf("the next minute: %+v", last)
	}
}

func TestDeleteBefore(t *testing.T) {
	m, now := &memory{refused: map[string]int{}}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	log := audit.New(m, nil, func() time.Time { return now })
	for i := range 3 {
		if err := log.Record(t.Context(), audit.Event{Type: audit.Other, Actor: strings.Repeat("x", i+1)}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Microsecond)
	}
	n, err := log.DeleteBefore(t.Context(), now.Add(-2*time.Microsecond), 10)
	if err != nil || n != 1 || len(m.events) != 2 || m.events[0].Actor != "xx" {
		t.Errorf("deleted %d, %v, left %+v", n, err, m.events)
	}
	if n, err = log.DeleteBefore(t.Context(), time.Time{}, 10); err != nil || n != 0 {
		t.Errorf("before all time: deleted %d, %v", n, err)
	}
}
