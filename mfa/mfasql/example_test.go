// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfasql_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"log"

	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
)

// The migrations are files for goose; the program brings the driver.
func ExampleMigrations() {
	names, err := fs.Glob(mfasql.Migrations(), "*.sql")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
	// Output:
	// [20261124192000_mfa.sql 20261124203000_mfa_push.sql 20261128170000_mfa_device_kind.sql]
}

// A store needs a *sql.DB whose tables exist.
func ExampleNew() {
	var db *sql.DB // sql.Open("pgx", dsn), then the migrations
	_, err := mfasql.New(db)
	fmt.Println(err)
	// Output:
	// mfasql: New wants a *sql.DB
}
