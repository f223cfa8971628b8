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

// How many rows go at a time: of each kind that expires, and of events, which
// an index alone finds.
const (
	deleteBatch = 20_000
	eventBatch  = 2_000
	eventRounds = 50 // batches of events in one go
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
	_, e1 := p.c.Store.DeleteExpiredSessions(ctx, now, deleteBatch)
	_, e2 := p.c.Store.DeleteExpiredSignIns(ctx, now, deleteBatch)
	_, e3 := p.c.MFA.DeleteExpired(ctx, now, deleteBatch)
	_, e4 := p.c.SSO.DeleteExpired(ctx, now, deleteBatch)
	_, e5 := p.c.SAML.DeleteExpired(ctx, now, deleteBatch)
	return errors.Join(e1, e2, e3, e4, e5, p.deleteEvents(ctx, now))
}

func (p *Portal) deleteEvents(ctx context.Context, now time.Time) error {
	if p.c.AuditRetention == KeepAudit {
		return nil
	}
	for range eventRounds {
		n, err := p.audit.DeleteBefore(ctx, now.Add(-p.c.AuditRetention), eventBatch)
		if err != nil || n < eventBatch {
			return err
		}
	}
	return nil
}
