// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"

	"github.com/gatehouse-id/gatehouse/internal/httpx"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
)

var _ awssso.AccountPager = (*Store)(nil)

// AccountsPage implements [awssso.AccountPager]: it returns at most limit accounts in which the person has a role,
// in the order of their names without case and then of their ids, after the
// given place. It is what [access.Access.Resolve] lists, without the rest of
// it, in one statement whose cost is that of one page.
func (s *Store) AccountsPage(ctx context.Context, personID, afterName, afterID string, limit int) ([]awssso.Account, error) {
	if !httpx.Text(afterName, afterID) { // the place comes from the client
		return nil, &awssso.Error{Check: awssso.CheckRequest, Public: "next_token is not one of this list's."}
	}
	rows, err := s.q(ctx).QueryContext(ctx, `WITH mine AS (
			SELECT 'USER' AS kind, CAST($1 AS TEXT) AS id
			UNION ALL
			SELECT 'GROUP', m.group_id FROM portal_members m WHERE m.person_id = $1
		)
		SELECT a.id, a.name, a.email, a.environment FROM portal_accounts a
		WHERE (LOWER(a.name), a.id) > (LOWER(CAST($2 AS TEXT)), $3) AND a.id IN (
			SELECT x.account_id FROM mine JOIN portal_assignments x ON x.principal_kind = mine.kind AND x.principal_id = mine.id
		)
		ORDER BY LOWER(a.name), a.id LIMIT $4`, personID, afterName, afterID, limit)
	return collect(rows, err, func(scan func(...any) error) (a awssso.Account, err error) {
		err = scan(&a.ID, &a.Name, &a.Email, &a.Environment)
		return a, err
	})
}
