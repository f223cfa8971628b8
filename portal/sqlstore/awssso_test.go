// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-id/gatehouse/portal/awssso"
	"github.com/gatehouse-id/gatehouse/portal/awssso/storetest"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
)

func TestSSOStoreSQLite(t *testing.T) {
	t.Parallel()
	ssoContract(t, ssoSQLite(t))
}

func TestSSOStorePostgreSQL(t *testing.T) {
	t.Parallel()
	ssoContract(t, ssoPostgres(t))
}

// ssoContract empties one database for every rule, which is quicker than to
// migrate one for each.
func ssoContract(t *testing.T, s *sqlstore.Store) {
	storetest.Run(t, func(t *testing.T) awssso.Store {
		for _, statement := range []string{
			"DELETE FROM portal_sso_devices", "DELETE FROM portal_sso_codes", "DELETE FROM portal_sso_families", "DELETE FROM portal_sso_tokens",
			"DELETE FROM portal_sso_denied", "DELETE FROM portal_sso_attempts", "UPDATE portal_sso_epochs SET value = 1",
		} {
			if _, err := s.DB().ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		return s.SSO()
	})
}

func ssoSQLite(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(context.Background(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "gatehouse.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var ssoSchemas atomic.Int64

// ssoPostgres opens a schema of its own.
func ssoPostgres(t testing.TB) *sqlstore.Store {
	t.Helper()
	dsn := cmp.Or(os.Getenv("GATEHOUSE_TEST_POSTGRES"), "postgres://root@127.0.0.1:5432/postgres?sslmode=disable")
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.PingContext(t.Context()); err != nil {
		if os.Getenv("GATEHOUSE_PEERS") == "require" {
			t.Fatalf("PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL (Debian package postgresql): %v", err)
	}
	schema := fmt.Sprintf("gatehouse_sso_%d_%d", os.Getpid(), ssoSchemas.Add(1))
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = db.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE") })
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{DSN: dsn + sep + "search_path=" + url.QueryEscape(schema)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
