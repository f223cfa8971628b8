// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
)

// source is a migrated database that several processes can open.
type source struct{ driver, name string }

func (s source) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(s.driver, s.name)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(10)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// sources runs fn on SQLite and on PostgreSQL.
func sources(t *testing.T, fn func(t *testing.T, s source)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); fn(t, newSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); fn(t, newPostgres(t)) })
}

// databases runs fn on each of sources, opened.
func databases(t *testing.T, fn func(t *testing.T, db *sql.DB)) {
	sources(t, func(t *testing.T, s source) { fn(t, s.open(t)) })
}

func newSQLite(t testing.TB) source {
	t.Helper()
	s := source{"sqlite", "file:" + filepath.Join(t.TempDir(), "mfa.db") + "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"}
	migrate(t, s.open(t), database.DialectSQLite3)
	return s
}

// newPostgres returns a schema of its own.
func newPostgres(t testing.TB) source {
	t.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://root@127.0.0.1:5432/postgres?sslmode=disable"
	}
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	schema := "mfa_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		_ = admin.Close()
		if os.Getenv("GATEHOUSE_PEERS") == "require" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL (Debian package postgresql, GATEHOUSE_TEST_POSTGRES): %v", err)
	}
	t.Cleanup(func() {
		_, _ = admin.Exec("DROP SCHEMA " + schema + " CASCADE")
		_ = admin.Close()
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	s := source{"pgx", u.String()}
	migrate(t, s.open(t), database.DialectPostgres)
	return s
}

func migrate(t testing.TB, db *sql.DB, d database.Dialect) {
	t.Helper()
	p, err := goose.NewProvider(d, db, mfasql.Migrations(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
}
