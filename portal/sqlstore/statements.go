// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"sync"

	"modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
)

// statements runs what many calls need, prepared: SQLite takes longer to
// compile such a statement than to run it. PostgreSQL's driver prepares by
// itself. Each text is a constant of this package, so there are few. The rows
// of one run are closed before the same statement runs again in a transaction.
type statements struct {
	db     *sql.DB
	sqlite bool
	of     sync.Map // text to *sql.Stmt, closed with the database
}

var _ sqltx.Querier = (*statements)(nil)

func newStatements(db *sql.DB) *statements {
	_, is := db.Driver().(*sqlite.Driver)
	return &statements{db: db, sqlite: is}
}

// prepared is a [sql.Stmt]. Nobody closes it: the database does.
type prepared interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, args ...any) *sql.Row
}

// prepare prepares a statement, once.
func (s *statements) prepare(ctx context.Context, query string) (prepared, error) {
	stmt, err := s.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	first, loaded := s.of.LoadOrStore(query, stmt)
	if loaded {
		_ = stmt.Close() //nolint:sqlclosecheck // the other one is used
	}
	return first.(prepared), nil
}

// stmt returns the statement prepared for ctx, or nil to run it plainly. In a
// transaction it prepares nothing new: that would take a second connection
// while holding one.
func (s *statements) stmt(ctx context.Context, query string) (prepared, error) {
	if !s.sqlite {
		return nil, nil
	}
	known, ok := s.of.Load(query)
	switch q := sqltx.From(ctx, s.db).(type) {
	case *sql.DB:
		if !ok {
			return s.prepare(ctx, query)
		}
		return known.(prepared), nil
	case *sql.Tx:
		if ok {
			return q.StmtContext(ctx, known.(*sql.Stmt)), nil
		}
	}
	return nil, nil
}

// ExecContext implements [sqltx.Querier].
func (s *statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return sqltx.From(ctx, s.db).ExecContext(ctx, query, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext implements [sqltx.Querier].
func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return sqltx.From(ctx, s.db).QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext implements [sqltx.Querier].
func (s *statements) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := s.stmt(ctx, query)
	if err != nil || stmt == nil {
		return sqltx.From(ctx, s.db).QueryRowContext(ctx, query, args...) // which says what is wrong, too
	}
	return stmt.QueryRowContext(ctx, args...)
}

// prepareEvents prepares what only runs in transactions.
func (s *Store) prepareEvents(ctx context.Context) error {
	if !s.often.sqlite {
		return nil
	}
	_, err := s.often.prepare(ctx, insertEvent)
	return err
}
