// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package sqltx_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
)

// busy is a database whose every transaction waits and then finds it locked.
type busy struct {
	wait  time.Duration
	tries *int
}

func (b busy) Connect(context.Context) (driver.Conn, error) { return b, nil }
func (b busy) Driver() driver.Driver                        { return nil }
func (b busy) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("no statements") }
func (b busy) Close() error                                 { return nil }
func (b busy) Begin() (driver.Tx, error)                    { return nil, errors.New("never called") }

func (b busy) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	*b.tries++
	time.Sleep(b.wait)
	return nil, lockedError{}
}

// lockedError says of itself what modernc's SQLite does.
type lockedError struct{}

func (lockedError) Error() string { return "database is locked" }
func (lockedError) Code() int     { return 5 }

// A transaction gives up after some seconds, however long one try waits, and
// after some tries, however short.
func TestInTxGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		wait, longest time.Duration
		tries         int
	}{
		"slow tries":  {500 * time.Millisecond, 3600 * time.Millisecond, 6},
		"quick tries": {0, time.Second, 12},
		"one long":    {10 * time.Second, 10 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				db := sql.OpenDB(busy{c.wait, &tries})
				defer db.Close()
				start := time.Now()
				err := sqltx.InTx(t.Context(), db, func(context.Context) error { return errors.New("never run") })
				if !errors.Is(err, sqltx.ErrBusy) || !sqltx.IsBusy(err) {
					t.Errorf("error %v", err)
				}
				if elapsed := time.Since(start); elapsed > c.longest || tries != c.tries {
					t.Errorf("gave up after %v and %d tries, want %v and %d", elapsed, tries, c.longest, c.tries)
				}
			})
		})
	}
}

func TestIsText(t *testing.T) {
	for state, want := range map[string]bool{"22021": true, "22P05": true, "40001": false, "23505": false} {
		if got := sqltx.IsText(stateError(state)); got != want {
			t.Errorf("%s: %v", state, got)
		}
	}
	if sqltx.IsText(nil) || sqltx.IsText(lockedError{}) {
		t.Error("an error without a state is of text")
	}
}

// stateError says of itself what pgx does.
type stateError string

func (e stateError) Error() string    { return string(e) }
func (e stateError) SQLState() string { return string(e) }
