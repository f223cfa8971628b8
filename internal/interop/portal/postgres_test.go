// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package portal_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/gatehouse-id/gatehouse/internal/interop/peer"
	"github.com/gatehouse-id/gatehouse/portal/awssso"
	ssotest "github.com/gatehouse-id/gatehouse/portal/awssso/storetest"
	"github.com/gatehouse-id/gatehouse/portal/sqlstore"
	"github.com/gatehouse-id/gatehouse/portal/storetest"
)

// freshDatabase makes an empty PostgreSQL database, which goes with the test.
func freshDatabase(t *testing.T) (dsn string, db *sql.DB) {
	t.Helper()
	return databaseLike(t, "template0")
}

// databaseLike copies a database that nobody is connected to.
func databaseLike(t *testing.T, template string) (dsn string, db *sql.DB) {
	t.Helper()
	server, err := url.Parse(peer.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	maintenance, err := sql.Open("pgx", server.String())
	if err != nil {
		t.Fatal(err)
	}
	name := "gatehouse_portal_" + strings.ToLower(rand.Text()[:12])
	if _, err := maintenance.ExecContext(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatal(err)
	}
	server.Path = "/" + name
	if db, err = sql.Open("pgx", server.String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = db.Close()
		if _, err := maintenance.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("database %s is left: %v", name, err)
		}
		_ = maintenance.Close()
	})
	return server.String(), db
}

func openPostgres(t *testing.T, dsn string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestPostgreSQLContract holds the stores on PostgreSQL to their contracts.
func TestPostgreSQLContract(t *testing.T) {
	t.Parallel()
	dsn, _ := freshDatabase(t)
	s := openPostgres(t, dsn)
	storetest.TestStore(t, func(*testing.T) storetest.Store { return s })
}

// TestPostgreSQLSSOContract gives every clause a database of its own, since
// they count rows.
func TestPostgreSQLSSOContract(t *testing.T) {
	t.Parallel()
	dsn, _ := freshDatabase(t)
	migrated, err := sqlstore.Open(t.Context(), sqlstore.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	if err := migrated.Close(); err != nil {
		t.Fatal(err)
	}
	template := dsn[strings.LastIndexByte(dsn, '/')+1:]
	template, _, _ = strings.Cut(template, "?")
	ssotest.Run(t, func(t *testing.T) awssso.Store {
		copied, _ := databaseLike(t, template)
		return sqlstore.NewSSOStore(openPostgres(t, copied).DB())
	})
}

// TestOpenAtOnce: replicas that start at the same time bring the schema up to
// date once.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	dsn, db := freshDatabase(t)
	errs := make(chan error)
	for range 4 {
		go func() {
			s, err := sqlstore.Open(context.Background(), sqlstore.Config{DSN: dsn})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	var twice int
	err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) - COUNT(DISTINCT version_id) FROM goose_db_version").Scan(&twice)
	if err != nil || twice != 0 {
		t.Errorf("%d migrations ran twice, %v", twice, err)
	}
}
