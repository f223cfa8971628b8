// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/saml"
)

// messages keeps what waits for an answer under the portal's epoch: messages
// that were in flight when a backup was made have been answered since, and are
// not found once it is restored. What was used stays used.
type messages struct {
	SAMLStore
	epoch func(ctx context.Context) (int64, error)
}

// key is where a record is kept. In the first epoch, that of a database which
// was never restored, keys stay as they are.
func (m messages) key(ctx context.Context, kind saml.Kind, key string) (string, error) {
	if kind == saml.KindReplay || kind == saml.KindFailure {
		return key, nil
	}
	epoch, err := m.epoch(ctx)
	if err != nil || epoch == 1 {
		return key, err
	}
	return strconv.FormatInt(epoch, 10) + "." + key, nil
}

// Put implements [saml.Store].
func (m messages) Put(ctx context.Context, r saml.Record, now time.Time) (err error) {
	if r.Key, err = m.key(ctx, r.Kind, r.Key); err != nil {
		return err
	}
	return m.SAMLStore.Put(ctx, r, now)
}

// Get implements [saml.Store].
func (m messages) Get(ctx context.Context, kind saml.Kind, key string, now time.Time) (*saml.Record, error) {
	return m.find(ctx, m.SAMLStore.Get, kind, key, now)
}

// Take implements [saml.Store].
func (m messages) Take(ctx context.Context, kind saml.Kind, key string, now time.Time) (*saml.Record, error) {
	return m.find(ctx, m.SAMLStore.Take, kind, key, now)
}

func (m messages) find(ctx context.Context, in func(context.Context, saml.Kind, string, time.Time) (*saml.Record, error), kind saml.Kind, key string, now time.Time) (*saml.Record, error) {
	kept, err := m.key(ctx, kind, key)
	if err != nil {
		return nil, err
	}
	r, err := in(ctx, kind, kept, now)
	if err == nil {
		r.Key = key
	}
	return r, err
}
