// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package sqlstore keeps the portal's state in SQLite or PostgreSQL.
//
// [Open] connects, applies the migrations of the portal and of the leaf
// packages that it uses, and returns a [Store] that implements the store
// interfaces of portal/directory, portal/session, portal/access, portal/app
// and portal/audit over one database, so that they join one transaction
// ([Store.InTx]). An application's own rows join it through [Store.TxFrom].
//
// SQLite is the embedded default: one file in WAL mode, one writer, fully
// synchronous, so that nothing acknowledged is lost to a kill. PostgreSQL
// serves replicas; transactions there are SERIALIZABLE and are repeated when
// they cannot be ordered.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the PostgreSQL driver
	"modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
)

// Config says which database to open; exactly one of Path and DSN is set.
type Config struct {
	Path string // SQLite database file; created with mode 0600
	DSN  string // PostgreSQL connection string: postgres://...
}

// Store is the portal's database. It is safe for concurrent use.
type Store struct {
	db       *sql.DB
	postgres bool
	often    *sqltx.Statements // for what many calls run
}

// Open connects to the database and brings its schema up to date. Replicas may
// open one PostgreSQL database at the same time.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := connect(c)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func connect(c Config) (*Store, error) {
	switch {
	case (c.Path == "") == (c.DSN == ""):
		return nil, errors.New("sqlstore: exactly one of Path and DSN is required")
	case c.DSN != "":
		if !strings.HasPrefix(c.DSN, "postgres://") && !strings.HasPrefix(c.DSN, "postgresql://") {
			return nil, errors.New("sqlstore: DSN is not a postgres:// URL")
		}
		db, err := sql.Open("pgx", c.DSN)
		if err != nil {
			return nil, errors.New("sqlstore: the PostgreSQL DSN is malformed") // pgx's text may hold the password
		}
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		db.SetConnMaxIdleTime(5 * time.Minute)
		return &Store{db: db, postgres: true, often: often(db)}, nil
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, err
	}
	// Made here for the mode: SQLite gives its -wal and -shm the same one.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	// A transaction is tried for three seconds, so one that finds the file locked
	// all the while gives up after half a second more.
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(500)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "temp_store(MEMORY)",
	}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return &Store{db: db, often: often(db)}, nil
}

// often keeps prepared statements for SQLite. Each text is a constant of this
// package, so there are few. PostgreSQL's driver prepares by itself.
func often(db *sql.DB) *sqltx.Statements {
	if _, is := db.Driver().(*sqlite.Driver); is {
		return sqltx.NewStatements(db, 50)
	}
	return sqltx.NewStatements(db, 0)
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// DB is the database, for the leaf packages' stores; they join the same
// transactions.
func (s *Store) DB() *sql.DB { return s.db }

// InTx runs fn in a transaction that commits if and only if fn returns nil.
// Store calls with fn's context join it, nested calls join the outer one, and
// fn may run again after a serialization failure.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.often.InTx(ctx, fn)
}

// TxFrom returns the transaction that ctx carries, for an application's own
// rows.
func (s *Store) TxFrom(ctx context.Context) (*sql.Tx, bool) { return sqltx.TxFrom(ctx, s.db) }

// Ready checks that the database answers.
func (s *Store) Ready(ctx context.Context) error {
	var one int
	return s.q(ctx).QueryRowContext(ctx, "SELECT 1 FROM portal_settings WHERE name = 'epoch'").Scan(&one)
}

func (s *Store) q(ctx context.Context) sqltx.Querier { return sqltx.From(ctx, s.db) }

func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := s.q(ctx).ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Setting returns a value of portal_settings, "" if there is none.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	var v string
	err := s.q(ctx).QueryRowContext(ctx, "SELECT value FROM portal_settings WHERE name = $1", name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// PutSetting stores a value of portal_settings.
func (s *Store) PutSetting(ctx context.Context, name, value string) error {
	_, err := s.exec(ctx, "INSERT INTO portal_settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}

// Empty reports whether the database holds no source, person or account yet.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	var n int
	err := s.q(ctx).QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM portal_sources) + (SELECT COUNT(*) FROM portal_accounts)").Scan(&n)
	return n == 0, err
}

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

// collect scans all rows.
func collect[T any](rows *sql.Rows, err error, scan func(func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
