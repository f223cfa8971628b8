// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqltx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// The drivers' errors are recognised by what they say of themselves, so that
// no driver is imported: pgx has SQLState() string, modernc's SQLite has
// Code() int with SQLite's extended result codes.
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqlitePrimaryKey = 1555
	sqliteUnique     = 2067
)

// IsUnique reports whether err says that a UNIQUE or PRIMARY KEY constraint
// refused the statement.
func IsUnique(err error) bool {
	if state := sqlState(err); state != "" {
		return state == "23505"
	}
	code := sqliteCode(err)
	return code == sqliteUnique || code == sqlitePrimaryKey
}

// IsBusy reports whether err says that the database is locked, overloaded,
// unreachable for now or could not serialize: nothing was written and the
// caller may answer 503 with Retry-After.
func IsBusy(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, ErrBusy) || retryable(err) {
		return true
	}
	state := sqlState(err)
	return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "53") || strings.HasPrefix(state, "57P")
}

// IsText reports whether err says that PostgreSQL refused a string which is not
// UTF-8 or holds NUL: what was given is wrong, not the database.
func IsText(err error) bool {
	state := sqlState(err)
	return state == "22021" || state == "22P05"
}

func retryable(err error) bool {
	if err == nil {
		return false
	}
	if state := sqlState(err); state != "" {
		return state == "40001" || state == "40P01"
	}
	code := sqliteCode(err) & 0xff
	return code == sqliteBusy || code == sqliteLocked
}

func classify(err error) error {
	if err != nil && retryable(err) && !errors.Is(err, ErrBusy) {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}

func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}

func sqliteCode(err error) int {
	var e interface{ Code() int }
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// ended answers for a transaction that is over.
type ended struct{}

func (ended) ExecContext(context.Context, string, ...any) (sql.Result, error) { return nil, ErrDone }

func (ended) QueryContext(context.Context, string, ...any) (*sql.Rows, error) { return nil, ErrDone }

// QueryRowContext returns a row whose Scan fails: it is asked of a connector
// that never connects.
func (ended) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return endedDB.QueryRowContext(ctx, query, args...)
}
