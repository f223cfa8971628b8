// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/audit"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

// maxClockSkew is how far the clock of a process may be off: behind what
// another has seen, or from the database's.
const maxClockSkew = 2 * time.Minute

// checkClock refuses a process whose clock is well behind, for which expired
// sessions and codes are alive, or well ahead, which would delete living ones.
func (p *Portal) checkClock(ctx context.Context) error {
	latest, database, err := p.c.Store.Clock(ctx)
	if err != nil {
		return err
	}
	now := p.now()
	if behind := latest.Sub(now); !latest.IsZero() && behind > maxClockSkew {
		return fmt.Errorf("portal: the clock of this process is %v behind what another has seen", behind.Round(time.Second))
	}
	if off := now.Sub(database); !database.IsZero() && off.Abs() > maxClockSkew {
		return fmt.Errorf("portal: the clock of this process is %v off the database's", off.Round(time.Second))
	}
	return nil
}

// Restored is to be called when the database has been restored from a backup,
// or an older copy of it has taken over: single-use values that were spent
// since the copy was made would be good again. It ends every session, token,
// code and ticket, SAML messages in flight and the registrations of clients;
// factors and passwords stay as the copy has them, and what it knows as used
// stays used.
func (p *Portal) Restored(ctx context.Context, actor string) error {
	return p.c.Store.InTx(ctx, func(ctx context.Context) error {
		epoch, err := p.c.Store.RaiseEpoch(ctx)
		if err != nil {
			return err
		}
		for _, kind := range []awssso.EpochKind{awssso.EpochGrants, awssso.EpochClients} {
			if err := p.c.SSO.RaiseEpoch(ctx, kind); err != nil {
				return err
			}
		}
		// Whatever expires is deleted as if it had.
		never := p.now().AddDate(100, 0, 0)
		for _, expire := range []func(context.Context, time.Time, int) (int, error){p.c.Store.DeleteExpiredSignIns, p.c.MFA.DeleteExpired} {
			for n := 1; n > 0; {
				if n, err = expire(ctx, never, deleteBatch); err != nil {
					return err
				}
			}
		}
		return p.audit.Record(ctx, audit.Event{Type: audit.Recovery, Actor: actor, Details: map[string]string{"what": "database restored", "epoch": fmt.Sprint(epoch)}})
	})
}
