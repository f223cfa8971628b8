// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package mfasql keeps a [mfa.Flow]'s rows in SQLite or PostgreSQL.
//
// [New] makes a store over a *sql.DB that the program opened with the driver
// of its choice; [Migrations] makes its tables. Statements join the
// transaction in their context. The program's own do by [Store.TxFrom]: a
// session saved so in the commit of [mfa.Flow.Finish] commits with the spent
// code, or not at all.
package mfasql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/mfa"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the SQL files that make and change the tables, for
// goose; their names begin with timestamps. Give them a table of versions of
// their own, by goose.WithTableName: beside other migrations in one table,
// whichever come later with an earlier timestamp are refused as out of order.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // unreachable: the folder is embedded
	}
	return sub
}

// Store implements [mfa.Store], and push.Relay for approvals by push.
type Store struct {
	db *sql.DB
}

var _ mfa.Store = (*Store)(nil)

// New returns a store over db, whose tables [Migrations] has made; it does not
// ask the database. On SQLite open it with _txlock=immediate and a busy timeout.
//
// In a commit, use [Store.TxFrom] and not db. A statement on db is no part of
// the transaction, and on SQLite waits for it: until the busy timeout has
// passed, and for good if db has one connection only.
func New(db *sql.DB) (*Store, error) {
	if db == nil {
		return nil, errors.New("mfasql: New wants a *sql.DB")
	}
	return &Store{db: db}, nil
}

// InTx runs fn in a transaction that calls with its context join.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return sqltx.InTx(ctx, s.db, fn)
}

// TxFrom returns the transaction that ctx carries, for the program's own rows:
// in a commit, OnEvent or [Store.InTx]. ok is false outside of one, and after
// it has ended.
func (s *Store) TxFrom(ctx context.Context) (tx *sql.Tx, ok bool) { return sqltx.TxFrom(ctx, s.db) }

// Joins implements [mfa.Store].
func (s *Store) Joins(ctx context.Context) bool {
	_, ok := s.TxFrom(ctx)
	return ok
}

func (s *Store) q(ctx context.Context) sqltx.Querier { return sqltx.From(ctx, s.db) }

// exec runs a statement and says how many rows it affected.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int, error) {
	res, err := s.q(ctx).ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// must runs a statement that affects a row, or returns otherwise.
func (s *Store) must(ctx context.Context, otherwise error, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return otherwise
	}
	return err
}

// list scans every row of a query.
func list[V any](ctx context.Context, s *Store, scan func(row) (V, error), query string, args ...any) ([]V, error) {
	rows, err := s.q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []V
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

type row interface{ Scan(dest ...any) error }

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return mfa.ErrNotFound
	}
	return err
}

// Times are microseconds since 1970, the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// DeleteExpired removes up to limit expired rows.
func (s *Store) DeleteExpired(ctx context.Context, now time.Time, limit int) (int, error) {
	total := 0
	for _, t := range []struct{ table, key string }{
		{"mfa_challenges", "hash"}, {"mfa_tickets", "hash"}, {"mfa_devices", "id"}, {"mfa_records", "id"}, {"mfa_push_answers", "id"},
	} {
		if total >= limit {
			break
		}
		n, err := s.exec(ctx, "DELETE FROM "+t.table+" WHERE "+t.key+" IN (SELECT "+t.key+" FROM "+t.table+
			" WHERE expires_at > 0 AND expires_at <= $1 LIMIT $2)", micros(now), limit-total)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
