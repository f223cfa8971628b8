// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfasql_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log"
	"os"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
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

// Open, migrate, make the flow. The program imports a driver, here
// modernc.org/sqlite, and github.com/pressly/goose/v3.
func ExampleNew() {
	db, err := sql.Open("sqlite", "file:app.db?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	// The table of versions is mfasql's own:
	//
	//	p, err := goose.NewProvider(goose.DialectSQLite3, db, mfasql.Migrations(), goose.WithTableName("mfa_versions"))
	//	…
	//	_, err = p.Up(ctx)
	store, err := mfasql.New(db)
	if err != nil {
		log.Fatal(err)
	}
	key, err := os.ReadFile("/run/secrets/mfa-2026-11") // 32 random bytes, kept outside of the database
	if err != nil {
		log.Fatal(err)
	}
	keys, err := mfa.NewKeyring("2026-11", map[string][]byte{"2026-11": key})
	if err != nil {
		log.Fatal(err)
	}
	apps, err := totp.New(totp.Config{Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{Store: store, Sealer: keys, Factors: []mfa.Factor{apps}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(flow.Kinds())
}

// The session's row commits with the spent code, or neither does.
func ExampleStore_TxFrom() {
	var (
		ctx    = context.Background()
		store  *mfasql.Store // as in the example of New
		flow   *mfa.Flow
		id     = "the challenge's"
		answer mfa.Answer
	)
	_, err := flow.Finish(ctx, id, answer, func(ctx context.Context, passed mfa.Result) error {
		tx, ok := store.TxFrom(ctx)
		if !ok {
			return sql.ErrTxDone
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (id, person) VALUES ($1, $2)", "new and random", passed.Subject.ID)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
}
