// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package push

import (
	"context"
	"sync"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// Relay carries a device's answer to the replica that the browser talks to. It
// holds nothing that is believed: answers are signed.
type Relay interface {
	// Put keeps an answer until expires. It is conditional: the first stays,
	// and a second is [mfa.ErrExists].
	Put(ctx context.Context, id string, answer []byte, expires time.Time) error
	// Get returns the answer if it expires after now, else [mfa.ErrNotFound].
	Get(ctx context.Context, id string, now time.Time) ([]byte, error)
}

// MemoryRelay is a [Relay] in the memory of one process, of up to a number of
// answers. When it is full it refuses new ones with [mfa.ErrFull].
type MemoryRelay struct {
	max     int
	mu      sync.Mutex
	answers map[string]kept
}

type kept struct {
	answer  []byte
	expires time.Time
}

// NewMemoryRelay returns an empty relay for up to max answers.
func NewMemoryRelay(max int) *MemoryRelay {
	return &MemoryRelay{max: max, answers: map[string]kept{}}
}

// Put implements [Relay]. Expired answers make room.
func (m *MemoryRelay) Put(_ context.Context, id string, answer []byte, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.answers[id]; there {
		return mfa.ErrExists
	}
	if len(m.answers) >= m.max {
		now := time.Now()
		for k, v := range m.answers {
			if !v.expires.After(now) {
				delete(m.answers, k)
			}
		}
		if len(m.answers) >= m.max {
			return mfa.ErrFull
		}
	}
	m.answers[id] = kept{append([]byte(nil), answer...), expires}
	return nil
}

// Get implements [Relay].
func (m *MemoryRelay) Get(_ context.Context, id string, now time.Time) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.answers[id]
	if !ok || !v.expires.After(now) {
		return nil, mfa.ErrNotFound
	}
	return append([]byte(nil), v.answer...), nil
}
