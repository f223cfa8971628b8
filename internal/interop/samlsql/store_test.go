// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package samlsql_test proves package samlsql on the databases that it is for.
package samlsql_test

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/internal/sqltx/sqltxtest"
	"github.com/gatehouse-id/gatehouse/saml/samlsql"
	"github.com/gatehouse-id/gatehouse/saml/samltest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		samltest.TestStore(t, func(t *testing.T) samltest.Stores { return samlsql.New(openSQLite(t)) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		samltest.TestStore(t, func(t *testing.T) samltest.Stores { return samlsql.New(openPostgres(t)) })
	})
}

// TestRowsOfTheApplication: what is written with TxFrom is kept with the
// transaction, or not at all.
func TestRowsOfTheApplication(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *sql.DB{"sqlite": openSQLite, "postgres": openPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			sqltxtest.RowsJoin(t, db, samlsql.New(db))
		})
	}
}

func openSQLite(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "saml.db")+
		"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	migrate(t, db, database.DialectSQLite3)
	return db
}

func openPostgres(t *testing.T) *sql.DB {
	t.Helper()
	dsn := peer.Postgres(t)
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	schema := "saml_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		_ = admin.Close()
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	db, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(8)
	t.Cleanup(func() {
		_ = db.Close()
		_, _ = admin.Exec("DROP SCHEMA " + schema + " CASCADE")
		_ = admin.Close()
	})
	migrate(t, db, database.DialectPostgres)
	return db
}

func migrate(t *testing.T, db *sql.DB, d database.Dialect) {
	t.Helper()
	p, err := goose.NewProvider(d, db, samlsql.Migrations(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
}
