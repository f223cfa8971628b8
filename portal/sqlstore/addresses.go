// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"

	"github.com/gatehouse-id/gatehouse/portal/directory"
)

// addressesVersion follows 20261124230200_emails.sql, which knew one address of
// each person only: the others are in what the source wrote, as JSON.
const addressesVersion = 20261128164000

// addresses is the migration that lets people from before it be found by all of
// their addresses. A kill leaves it to be run again, which changes nothing that
// is right.
func (s *Store) addresses() *goose.Migration {
	return goose.NewGoMigration(addressesVersion, &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error {
		// In batches, so that others can write in between.
		for after := ""; ; {
			var last string
			err := s.InTx(ctx, func(ctx context.Context) (err error) {
				last, err = s.indexAddresses(ctx, after)
				return err
			})
			if err != nil || last == "" {
				return err
			}
			after = last
		}
	}}, nil)
}

const addressBatch = 200

// indexAddresses goes on after a person and returns the last that it has done,
// "" if nobody is left. It knows the columns that there were at the time of the
// migration.
func (s *Store) indexAddresses(ctx context.Context, after string) (last string, err error) {
	rows, err := s.q(ctx).QueryContext(ctx, "SELECT id, email, raw FROM portal_people WHERE id > $1 AND raw <> '' ORDER BY id LIMIT $2", after, addressBatch)
	people, err := collect(rows, err, func(scan func(...any) error) (p directory.Person, err error) {
		return p, scan(&p.ID, &p.Email, &p.Raw)
	})
	if err != nil {
		return "", err
	}
	for i := range people {
		if _, err := people[i].Emails(); err != nil {
			people[i].Raw = nil // nobody can read it, which must not keep the portal from starting
		}
		if err := s.setEmails(ctx, &people[i], true); err != nil {
			return "", err
		}
		last = people[i].ID
	}
	return last, nil
}
