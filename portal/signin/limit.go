// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/directory"
)

// bucket is one count of failures: burst at once, one forgotten every
// interval.
type bucket struct {
	kind     string
	interval time.Duration
	burst    int
}

// Failures are counted apart by address, by name on browsers that the person
// has not signed in from, and by name on each known browser: a stranger who
// fills the first two locks nobody out of their own browser.
var (
	byAddress = bucket{"address", 10 * time.Second, 60}
	byName    = bucket{"name", 3 * time.Minute, 10}
	byDevice  = bucket{"device", time.Minute, 10}
)

// charge counts one attempt in every bucket before the password is looked at,
// and returns the keys for the refund after a right one.
func (m *Machine) charge(ctx context.Context, c Client, login string) (refund func(ctx context.Context) error, err error) {
	now := m.c.Now()
	type charged struct {
		key string
		b   bucket
	}
	var taken []charged
	refund = func(ctx context.Context) error {
		for _, t := range taken {
			if err := m.c.Store.RefundLimit(ctx, t.key, t.b.interval); err != nil {
				return err
			}
		}
		return nil
	}
	keys := []charged{{m.limitKey(byAddress, audit.Network(c.Addr)), byAddress}}
	folded := directory.FoldLogin(login)
	if c.KnownDevice != "" {
		keys = append(keys, charged{m.limitKey(byDevice, c.KnownDevice, folded), byDevice})
	} else {
		keys = append(keys, charged{m.limitKey(byName, folded), byName})
	}
	err = m.c.Store.InTx(ctx, func(ctx context.Context) error {
		taken = taken[:0]
		for _, k := range keys {
			ok, retry, err := m.c.Store.TakeLimit(ctx, k.key, now, k.b.interval, k.b.burst)
			if err != nil {
				return err
			}
			if !ok {
				return &Error{Check: CheckRate, Public: "Too many tries. Wait a little and try again.", RetryAfter: retry}
			}
			taken = append(taken, k)
		}
		return nil
	})
	return refund, err
}

// limitKey hides names and addresses in the stored key.
func (m *Machine) limitKey(b bucket, parts ...string) string {
	h := hmac.New(sha256.New, m.c.Key)
	h.Write([]byte("limit\x00" + b.kind + "\x00" + strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
