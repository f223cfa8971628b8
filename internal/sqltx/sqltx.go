// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

// Package sqltx carries one database transaction in a context, so that stores
// which know nothing of each other commit together.
//
// [InTx] begins a transaction and runs a function with a context that holds
// it; every store of the same *sql.DB asks [From] for what to run its
// statements on and so joins it. Nested InTx calls join the outer one. The
// statements themselves are one text for SQLite and PostgreSQL, with $1
// placeholders; the package imports no driver.
package sqltx

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// ErrDone is returned by every statement that runs with the context of a
// transaction which has already committed or rolled back.
var ErrDone = errors.New("sqltx: the context's transaction has ended")

// ErrBusy is wrapped by errors of a database that is locked, overloaded or
// keeps failing to serialize. Nothing was written; the call may be repeated.
var ErrBusy = errors.New("sqltx: database is busy")

// Querier is what a store runs its statements on: a *sql.DB, or the
// transaction in its context.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

type key struct{ db *sql.DB }

type state struct {
	tx   *sql.Tx
	done atomic.Bool
}

// maxAttempts and maxElapsed bound how often, and for how long, InTx runs its
// function after serialization failures before it gives up with ErrBusy. What
// one attempt waits for a lock is the connection string's to bound.
const (
	maxAttempts = 12
	maxElapsed  = 3 * time.Second
)

// InTx runs fn in a transaction of db that commits if and only if fn returns
// nil. Store calls with fn's context join it, and so do nested InTx calls,
// whose errors roll back only by being returned. fn may run again after a
// serialization failure or deadlock, for some seconds before [ErrBusy], so it
// must have no effects outside the database. A context kept after its transaction fails with [ErrDone].
//
// On PostgreSQL transactions are SERIALIZABLE; on SQLite the connection
// string's _txlock=immediate makes them exclusive writers.
func InTx(ctx context.Context, db *sql.DB, fn func(ctx context.Context) error) error {
	if s, ok := ctx.Value(key{db}).(*state); ok {
		if s.done.Load() {
			return ErrDone
		}
		return fn(ctx)
	}
	var err error
	start := time.Now()
	for attempt := range maxAttempts {
		if attempt > 0 {
			if time.Since(start) >= maxElapsed {
				break
			}
			if werr := backOff(ctx, attempt); werr != nil {
				return errors.Join(werr, err)
			}
		}
		if err = once(ctx, db, fn); err == nil || !retryable(err) {
			return classify(err)
		}
	}
	return classify(err)
}

func once(ctx context.Context, db *sql.DB, fn func(ctx context.Context) error) (err error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	s := &state{tx: tx}
	defer func() {
		s.done.Store(true)
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			s.done.Store(true)
			_ = tx.Rollback()
			panic(p)
		}
	}()
	if err = fn(context.WithValue(ctx, key{db}, s)); err != nil {
		return err
	}
	s.done.Store(true)
	return tx.Commit()
}

// From returns the transaction that ctx carries for db, or db itself.
func From(ctx context.Context, db *sql.DB) Querier {
	if s, ok := ctx.Value(key{db}).(*state); ok {
		if s.done.Load() {
			return ended{}
		}
		return s.tx
	}
	return db
}

// TxFrom returns the transaction that ctx carries for db, for rows of an
// application's own; ok is false outside of one or after it has ended.
func TxFrom(ctx context.Context, db *sql.DB) (tx *sql.Tx, ok bool) {
	s, ok := ctx.Value(key{db}).(*state)
	if !ok || s.done.Load() {
		return nil, false
	}
	return s.tx, true
}

func backOff(ctx context.Context, attempt int) error {
	d := time.Duration(1<<min(attempt, 6)) * time.Millisecond
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
