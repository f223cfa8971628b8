// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package push

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Relay carries a device's answer to the replica that the browser talks to,
// and what that answer is judged by to the one that the device talks to. It is
// written to for pushes that were sent and for answers that are signed, so
// strangers do not fill it.
type Relay interface {
	// Put keeps a value until expires. It is conditional: a value that has not
	// expired now stays, and a second is [mfa.ErrExists].
	Put(ctx context.Context, id string, value []byte, now, expires time.Time) error
	// Get returns the value if it expires after now, else [mfa.ErrNotFound].
	Get(ctx context.Context, id string, now time.Time) ([]byte, error)
}

// MemoryRelay is a [Relay] in the memory of one process, of up to a number of
// values: up to two a push, and one a person who has denied. When it is full it
// refuses new ones with [mfa.ErrFull].
type MemoryRelay struct {
	max    int
	mu     sync.Mutex
	values map[string]kept
}

type kept struct {
	value   []byte
	expires time.Time
}

// NewMemoryRelay returns an empty relay for up to max values.
func NewMemoryRelay(max int) *MemoryRelay {
	return &MemoryRelay{max: max, values: map[string]kept{}}
}

// Put implements [Relay]. Expired values make room.
func (m *MemoryRelay) Put(_ context.Context, id string, value []byte, now, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.values) >= m.max {
		maps.DeleteFunc(m.values, func(_ string, k kept) bool { return !k.expires.After(now) })
	}
	old, there := m.values[id]
	switch {
	case there && old.expires.After(now):
		return mfa.ErrExists
	case !there && len(m.values) >= m.max:
		return mfa.ErrFull
	}
	m.values[id] = kept{bytes.Clone(value), expires}
	return nil
}

// Get implements [Relay].
func (m *MemoryRelay) Get(_ context.Context, id string, now time.Time) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.values[id]
	if !ok || !k.expires.After(now) {
		return nil, mfa.ErrNotFound
	}
	return bytes.Clone(k.value), nil
}
