// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
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
				return rateError(retry)
			}
			taken = append(taken, k)
		}
		return nil
	})
	return refund, err
}

// What people who have proved nothing may make the portal keep: rows that live
// 15 minutes at most. They are counted by address, by the block that the
// address is in, so that whoever holds one takes no more than a fifth of what
// all have together, and over all addresses for each [Surface], so that
// strangers never have more than 65,000 rows of one (the burst, and 50 a second
// for 15 minutes). What the narrower count refuses is not counted in the wider
// one: one address cannot use up its neighbours' share. A browser that
// somebody has signed in from counts for itself alone: strangers, even behind
// the same address, keep nobody out of it. Nobody needs such a row to sign in
// with a password.
var (
	strangersByAddress = bucket{"strangers-address", 200 * time.Millisecond, 600}
	strangersByBlock   = bucket{"strangers-block", 100 * time.Millisecond, 1200}
	strangersTogether  = bucket{"strangers", 20 * time.Millisecond, 20_000}
	strangersByDevice  = bucket{"strangers-device", 2 * time.Second, 60}
)

// Surface is where somebody who has proved nothing makes the portal keep a row.
type Surface string

// The surfaces.
const (
	ByPasskey     Surface = "passkey"     // the challenge of a passkey
	BySource      Surface = "source"      // a request to an external source
	ByApplication Surface = "application" // an application's request
)

// Admit counts one row that somebody wants kept who has proved nothing yet, or
// refuses with [CheckRate]. device is the browser's device cookie, if it has
// one.
func (m *Machine) Admit(ctx context.Context, where Surface, addr netip.Addr, device string) error {
	if id := m.returning(device); id != "" {
		return m.take(ctx, strangersByDevice, id)
	}
	if err := m.take(ctx, strangersByAddress, audit.Network(addr)); err != nil {
		return err
	}
	if err := m.take(ctx, strangersByBlock, block(addr)); err != nil {
		return err
	}
	return m.take(ctx, strangersTogether, string(where))
}

// block is the least network that an operator is routed: a /48 of IPv6, a /24
// of IPv4.
func block(a netip.Addr) string {
	a, bits := a.Unmap().WithZone(""), 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "" // no address
	}
	return p.String()
}

func (m *Machine) take(ctx context.Context, b bucket, parts ...string) error {
	ok, retry, err := m.c.Store.TakeLimit(ctx, m.limitKey(b, parts...), m.c.Now(), b.interval, b.burst)
	if err == nil && !ok {
		err = rateError(retry)
	}
	return err
}

func rateError(retry time.Duration) *Error {
	return &Error{Check: CheckRate, Public: "Too many tries. Wait a little and try again.", RetryAfter: retry}
}

// limitKey hides names and addresses in the stored key.
func (m *Machine) limitKey(b bucket, parts ...string) string {
	h := hmac.New(sha256.New, m.c.Key)
	h.Write([]byte("limit\x00" + b.kind + "\x00" + strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
