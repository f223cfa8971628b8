// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"

	"github.com/gatehouse-id/gatehouse/portal/session"
)

var _ session.NoticeStore = (*Store)(nil)

// AddNotice implements [session.NoticeStore].
func (s *Store) AddNotice(ctx context.Context, n session.Notice) error {
	added, err := s.exec(ctx, `INSERT INTO portal_notices (id, person_id, kind, client, created)
		SELECT CAST($1 AS TEXT), p.id, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM portal_people p WHERE p.id = $5
		ON CONFLICT (id) DO NOTHING`, n.ID, string(n.Kind), n.Client, micros(n.Time), n.PersonID)
	if err != nil || added == 0 {
		return err
	}
	_, err = s.exec(ctx, `DELETE FROM portal_notices WHERE person_id = $1 AND id NOT IN (
		SELECT id FROM portal_notices WHERE person_id = $1 ORDER BY created DESC, id DESC LIMIT $2)`, n.PersonID, session.MaxNotices)
	return err
}

// NoticesOf implements [session.NoticeStore].
func (s *Store) NoticesOf(ctx context.Context, personID string) ([]session.Notice, error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT id, person_id, kind, client, created FROM portal_notices WHERE person_id = $1 ORDER BY created DESC, id DESC", personID)
	return collect(rows, err, func(scan func(...any) error) (session.Notice, error) {
		var n session.Notice
		var created int64
		err := scan(&n.ID, &n.PersonID, &n.Kind, &n.Client, &created)
		n.Time = fromMicros(created)
		return n, err
	})
}

// DismissNotice implements [session.NoticeStore].
func (s *Store) DismissNotice(ctx context.Context, personID, id string) error {
	return s.one(ctx, session.ErrNotFound, "DELETE FROM portal_notices WHERE id = $1 AND person_id = $2", id, personID)
}
