// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package scim tests the SCIM stores and server on real databases.
package scim

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/internal/sqltx/sqltxtest"
	"github.com/gatehouse-id/gatehouse/scim/scimsql"
	"github.com/gatehouse-id/gatehouse/scim/scimtest"
)

// databases opens an empty database of each kind that is there.
var databases = map[string]func(t testing.TB) *sql.DB{"sqlite": sqlite, "postgres": postgres}

func sqlite(t testing.TB) *sql.DB {
	return openSQLite(t, filepath.Join(t.TempDir(), "scim.db"))
}

func openSQLite(t testing.TB, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	migrate(t, db, database.DialectSQLite3)
	return db
}

// postgres makes a schema of its own, which goes with the test.
func postgres(t testing.TB) *sql.DB {
	t.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_POSTGRES")
	if dsn == "" {
		dsn = "postgres://root@127.0.0.1:5432/postgres?sslmode=disable"
	}
	admin, err := sql.Open("pgx", dsn)
	if err == nil {
		err = admin.Ping()
	}
	if err != nil {
		if os.Getenv("GATEHOUSE_PEERS") == "require" {
			t.Fatalf("PostgreSQL (Debian: postgresql): %v", err)
		}
		t.Skipf("PostgreSQL (Debian: postgresql): %v", err)
	}
	schema := fmt.Sprintf("scim_test_%x", rand.Uint64())
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = admin.Exec("DROP SCHEMA " + schema + " CASCADE")
		admin.Close()
	})
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
	t.Cleanup(func() { db.Close() })
	migrate(t, db, database.DialectPostgres)
	return db
}

func migrate(t testing.TB, db *sql.DB, d database.Dialect) {
	t.Helper()
	p, err := goose.NewProvider(d, db, scimsql.Migrations(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Up(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func stores(t testing.TB, db *sql.DB) (*scimsql.Store, scimtest.Stores) {
	t.Helper()
	s := scimsql.New(db, nil)
	users, err := s.Users()
	if err != nil {
		t.Fatal(err)
	}
	groups, err := s.Groups()
	if err != nil {
		t.Fatal(err)
	}
	return s, scimtest.Stores{Users: users, Groups: groups, Tokens: s, Tenant: "acme", Other: "other"}
}

func TestStores(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			scimtest.TestStore(t, func(t *testing.T) scimtest.Stores {
				for _, table := range []string{"scim_resources", "scim_values", "scim_counts", "scim_members", "scim_tokens"} {
					if _, err := db.Exec("DELETE FROM " + table); err != nil {
						t.Fatal(err)
					}
				}
				_, s := stores(t, db)
				return s
			})
		})
	}
}

// TestRowsOfTheApplication: what is written with TxFrom is kept with the
// transaction, or not at all.
func TestRowsOfTheApplication(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			s, _ := stores(t, db)
			sqltxtest.RowsJoin(t, db, s)
		})
	}
}

func TestMigrationsGoDown(t *testing.T) {
	db := sqlite(t)
	p, err := goose.NewProvider(database.DialectSQLite3, db, scimsql.Migrations(), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}
