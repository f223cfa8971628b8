// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// CreateToken implements [TokenStore].
func (m *MemoryStore) CreateToken(ctx context.Context, t Token, max int, now time.Time) error {
	return m.change(ctx, func(tx *memTx) error {
		live := 0
		for _, old := range m.tokens {
			if old.Tenant == t.Tenant && (old.Expires.IsZero() || now.Before(old.Expires)) {
				live++
			}
		}
		if live >= max {
			return ErrConflict
		}
		m.tokens[t.Hash] = &t
		tx.onUndo(func() { delete(m.tokens, t.Hash) })
		return nil
	})
}

// TokenByHash implements [TokenStore].
func (m *MemoryStore) TokenByHash(ctx context.Context, hash [32]byte) (Token, error) {
	var out *Token
	err := m.view(ctx, func() {
		if t := m.tokens[hash]; t != nil {
			copied := *t
			out = &copied
		}
	})
	if err != nil {
		return Token{}, err
	}
	if out == nil {
		return Token{}, ErrNotFound
	}
	return *out, nil
}

// UseToken implements [TokenStore].
func (m *MemoryStore) UseToken(ctx context.Context, id string, at time.Time) error {
	return m.change(ctx, func(tx *memTx) error {
		for _, t := range m.tokens {
			if t.ID == id {
				old := t.LastUsed
				t.LastUsed = at
				tx.onUndo(func() { t.LastUsed = old })
			}
		}
		return nil
	})
}

// TokensOf implements [TokenStore].
func (m *MemoryStore) TokensOf(ctx context.Context, tenant string) ([]Token, error) {
	var out []Token
	err := m.view(ctx, func() {
		for _, t := range m.tokens {
			if t.Tenant == tenant {
				out = append(out, *t)
			}
		}
	})
	slices.SortFunc(out, func(a, b Token) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return out, err
}

// DeleteToken implements [TokenStore].
func (m *MemoryStore) DeleteToken(ctx context.Context, tenant, id string) error {
	return m.change(ctx, func(tx *memTx) error {
		for hash, t := range m.tokens {
			if t.Tenant == tenant && t.ID == id {
				delete(m.tokens, hash)
				tx.onUndo(func() { m.tokens[hash] = t })
				return nil
			}
		}
		return ErrNotFound
	})
}
