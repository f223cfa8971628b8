// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package sqltxtest tests what stores over package sqltx have in common.
package sqltxtest

import (
	"context"
	"database/sql"
	"errors"
	"testing"
)

// Store is a store over a *sql.DB that lets an application's own rows join.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	TxFrom(ctx context.Context) (tx *sql.Tx, ok bool)
}

// RowsJoin tests that what is written with TxFrom is kept with the store's
// transaction, or not at all.
func RowsJoin(t *testing.T, db *sql.DB, s Store) {
	t.Helper()
	ctx := t.Context()
	if _, err := db.ExecContext(ctx, "CREATE TABLE app (id TEXT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]error{"refused": errors.New("refused"), "kept": nil} {
		err := s.InTx(ctx, func(ctx context.Context) error {
			tx, ok := s.TxFrom(ctx)
			if !ok {
				t.Fatal("no transaction")
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO app (id) VALUES ($1)", what); err != nil {
				return err
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var id string
	if err := db.QueryRowContext(ctx, "SELECT MAX(id) || COUNT(*) FROM app").Scan(&id); err != nil || id != "kept1" {
		t.Errorf("rows %q, %v; want what was kept", id, err)
	}
	if _, ok := s.TxFrom(ctx); ok {
		t.Error("a transaction where none was begun")
	}
}
