// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"errors"
	"math"
	"time"
)

// KeepAudit as Config.AuditRetention keeps events for ever.
const KeepAudit time.Duration = math.MaxInt64

// How many rows go at a time, of each kind that expires and of events, and how
// often in one go.
const (
	deleteBatch = 20_000
	eventBatch  = 2_000
	maxRounds   = 50
)

// Run deletes what has expired, every minute until ctx ends. It is optional for
// correctness and safe on every replica.
func (p *Portal) Run(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := p.DeleteExpired(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("expired rows were not deleted", "error", err)
			}
		}
	}
}

// DeleteExpired deletes once what [Portal.Run] deletes every minute: what has
// expired of every store, and events older than Config.AuditRetention. Each
// statement deletes a bounded number of rows, so that others can write in
// between. A process whose clock is wrong deletes nothing.
func (p *Portal) DeleteExpired(ctx context.Context) error {
	if err := p.checkClock(ctx); err != nil {
		return err
	}
	now := p.now()
	if err := p.c.Store.AdvanceClock(ctx, now); err != nil {
		return err
	}
	var errs []error
	for _, expired := range []func(context.Context, time.Time, int) (int, error){
		p.c.Store.DeleteExpiredSessions, p.c.Store.DeleteExpiredSignIns, p.c.MFA.DeleteExpired, p.c.SSO.DeleteExpired, p.c.SAML.DeleteExpired,
	} {
		errs = append(errs, inBatches(ctx, expired, now, deleteBatch))
	}
	if p.c.AuditRetention != KeepAudit {
		errs = append(errs, inBatches(ctx, p.audit.DeleteBefore, now.Add(-p.c.AuditRetention), eventBatch))
	}
	return errors.Join(errs...)
}

func inBatches(ctx context.Context, some func(context.Context, time.Time, int) (int, error), before time.Time, batch int) error {
	for range maxRounds {
		n, err := some(ctx, before, batch)
		if err != nil || n < batch {
			return err
		}
	}
	return nil
}
