// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqltx_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
)

// recorder is a database that says of every statement whether it was prepared,
// run as prepared, or run plainly. It compiles no text that begins with "bad".
type recorder struct {
	mu   sync.Mutex
	said []string
}

func (r *recorder) say(what, query string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, what+" "+query)
	if query == "bad" {
		return errors.New("syntax error")
	}
	return nil
}

// heard returns what was said since it was last asked.
func (r *recorder) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	return said
}

func (r *recorder) Connect(context.Context) (driver.Conn, error) { return recorded{r}, nil }
func (r *recorder) Driver() driver.Driver                        { return nil }

type recorded struct{ *recorder }

func (c recorded) Prepare(query string) (driver.Stmt, error) {
	return recordedStmt{c.recorder, query}, c.say("prepare", query)
}
func (recorded) Close() error              { return nil }
func (recorded) Begin() (driver.Tx, error) { return nil, errors.New("never called") }

func (c recorded) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return recordedTx{}, nil
}

func (c recorded) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), c.say("plain", query)
}

type recordedTx struct{}

func (recordedTx) Commit() error   { return nil }
func (recordedTx) Rollback() error { return nil }

type recordedStmt struct {
	*recorder
	query string
}

func (s recordedStmt) Close() error { return s.say("close", s.query) }
func (recordedStmt) NumInput() int  { return -1 }
func (s recordedStmt) Exec([]driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), s.say("ready", s.query)
}

func (recordedStmt) Query([]driver.Value) (driver.Rows, error) {
	return nil, errors.New("never called")
}

// What statements do, on one connection: a transaction that asked for a second
// one would wait for ever.
func TestStatements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		db := sql.OpenDB(r)
		defer db.Close()
		db.SetMaxOpenConns(1)
		s := sqltx.NewStatements(db, 3)
		run := func(ctx context.Context, query string) error {
			_, err := s.From(ctx).ExecContext(ctx, query)
			return err
		}
		inTx := func(queries ...string) {
			t.Helper()
			err := s.InTx(t.Context(), func(ctx context.Context) error {
				for _, q := range queries {
					if err := run(ctx, q); err != nil {
						return err
					}
				}
				// A nested transaction prepares nothing either.
				return s.InTx(ctx, func(ctx context.Context) error { return run(ctx, queries[0]) })
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		hear := func(what string, want ...string) {
			t.Helper()
			if got := r.heard(); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}

		if err := errors.Join(run(t.Context(), "A"), run(t.Context(), "A")); err != nil {
			t.Fatal(err)
		}
		hear("outside of a transaction", "prepare A", "ready A", "ready A")
		inTx("B", "A")
		hear("first asked for in a transaction", "plain B", "ready A", "plain B")
		inTx("B")
		hear("in the next one", "prepare B", "ready B", "ready B")

		if err := run(t.Context(), "bad"); err == nil {
			t.Error("a bad statement ran")
		}
		hear("a bad one", "prepare bad", "plain bad")

		inTx("C", "D")
		hear("two with place for one", "plain C", "plain D", "plain C")
		if err := run(t.Context(), "E"); err != nil {
			t.Fatal(err)
		}
		hear("another in that place", "prepare E", "ready E")
		inTx("C", "E")
		hear("the bound", "prepare C", "close C", "plain C", "ready E", "plain C")
		if err := run(t.Context(), "C"); err != nil {
			t.Fatal(err)
		}
		hear("the bound outside", "plain C")

		var kept context.Context
		if err := s.InTx(t.Context(), func(ctx context.Context) error { kept = ctx; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := run(kept, "A"); !errors.Is(err, sqltx.ErrDone) {
			t.Errorf("after its transaction: %v", err)
		}
		hear("after its transaction")
	})
}

// A statement that many ask for at once is kept once, within the bound.
func TestStatementsTogether(t *testing.T) {
	r := &recorder{}
	db := sql.OpenDB(r)
	s := sqltx.NewStatements(db, 5)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			for j := range 10 {
				ctx, q := t.Context(), fmt.Sprint((i+j)%10)
				err := s.InTx(ctx, func(ctx context.Context) error { _, err := s.From(ctx).ExecContext(ctx, q); return err })
				if _, again := s.From(ctx).ExecContext(ctx, q); err != nil || again != nil {
					t.Error(err, again)
				}
			}
		})
	}
	wg.Wait()
	r.heard()
	for i := range 10 {
		if _, err := s.From(t.Context()).ExecContext(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	plain := 0
	for _, what := range r.heard() {
		if what[:len("plain")] == "plain" {
			plain++
		}
	}
	if plain != 5 {
		t.Errorf("%d of 10 ran plainly, want 5", plain)
	}
}
