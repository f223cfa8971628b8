// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"strconv"
	"time"

	"github.com/gatehouse-id/gatehouse/portal/session"
)

var _ session.ClockStore = (*Store)(nil)

// Clock implements [session.ClockStore]. SQLite has the process's clock.
func (s *Store) Clock(ctx context.Context) (latest, database time.Time, err error) {
	text, err := s.Setting(ctx, "clock")
	if err != nil {
		return latest, database, err
	}
	if text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return latest, database, err
		}
		latest = fromMicros(n)
	}
	if s.postgres {
		var n int64
		err = s.q(ctx).QueryRowContext(ctx, "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)").Scan(&n)
		database = fromMicros(n)
	}
	return latest, database, err
}

// AdvanceClock implements [session.ClockStore].
func (s *Store) AdvanceClock(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, `INSERT INTO portal_settings (name, value) VALUES ('clock', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value
		WHERE CAST(portal_settings.value AS BIGINT) < CAST(excluded.value AS BIGINT)`, strconv.FormatInt(micros(now), 10))
	return err
}
