// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestRowsOfTheProgram: a row that is written with TxFrom in a commit is
// committed with the spent code or rolled back with it, and so is the trust in a
// browser; a roll-back costs the attempt. One connection is enough for it.
func TestRowsOfTheProgram(t *testing.T) {
	databases(t, func(t *testing.T, db *sql.DB) {
		db.SetMaxOpenConns(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // fails what waits for itself
		defer cancel()
		if _, err := db.ExecContext(ctx, "CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		now := start
		s := newStore(t, db)
		var inEvent bool
		f := newFlow(t, s, func() time.Time { return now }, func(ctx context.Context, e mfa.Event) error {
			if e.Type == mfa.EventPassed {
				_, inEvent = s.TxFrom(ctx)
			}
			return nil
		})
		d := enrolTOTP(t, f, now)
		now = now.Add(time.Minute)
		full := errors.New("no room for sessions")
		var kept context.Context
		answer := func(id string, then error) error {
			t.Helper()
			ch, err := f.Begin(ctx, mfa.BeginInput{
				Subject: alice, Kind: mfa.KindTOTP, Purpose: mfa.Second, Session: browser, Authenticated: password,
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Finish(ctx, ch.ID, mfa.Answer{Session: browser, Data: []byte(d.Code(now))}, func(ctx context.Context, res mfa.Result) error {
				kept = ctx
				if _, _, err := f.TrustDevice(ctx, res, "browser", time.Hour); err != nil {
					return err
				}
				tx, ok := s.TxFrom(ctx)
				if !ok {
					t.Fatal("the commit has no transaction")
				}
				_, err := tx.ExecContext(ctx, "INSERT INTO sessions (id) VALUES ($1)", id)
				return errors.Join(err, then)
			})
			return err
		}
		want := func(what string, sessions, failures int) {
			t.Helper()
			var n int
			if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sessions").Scan(&n); err != nil || n != sessions {
				t.Errorf("%s: %d sessions, %v; want %d", what, n, err, sessions)
			}
			if ds, err := f.Devices(ctx, alice); err != nil || len(ds) != sessions {
				t.Errorf("%s: %d trusted browsers, %v; want %d", what, len(ds), err, sessions)
			}
			if cs, err := s.Counters(ctx, alice); err != nil || cs["totp"].Failures != failures {
				t.Errorf("%s: counters %+v, %v; want %d attempts", what, cs, err, failures)
			}
		}
		if err := answer("1", full); !errors.Is(err, full) {
			t.Fatalf("got %v, want the commit's error", err)
		}
		want("after a commit that failed", 0, 1)
		if err := answer("1", nil); err != nil {
			t.Fatalf("the code was spent by a transaction that rolled back: %v", err)
		}
		want("after a commit", 1, 0)
		if !inEvent {
			t.Error("the event of the pass has no transaction")
		}
		if err := answer("1", nil); mfa.CheckOf(err) != mfa.CheckReused {
			t.Errorf("the spent code: %v, want %s", err, mfa.CheckReused)
		}
		if _, ok := s.TxFrom(kept); ok {
			t.Error("a transaction that has ended is handed out")
		}
		if _, ok := s.TxFrom(ctx); ok {
			t.Error("there is a transaction where none was begun")
		}
	})
}
