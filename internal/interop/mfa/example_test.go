// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// A program with a table of sessions in the database that mfasql is in: it
// opens, migrates, makes the flow, and saves a session with the spent code.
func Example() {
	if err := signIn(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// a commit that fails: no room, 0 sessions
	// the same code, which was not spent: <nil>, 1 sessions
	// and again: reused, 1 sessions
}

func signIn(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "mfa")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return err
	}
	defer db.Close()
	// The table of versions is mfasql's own: the program's migrations have
	// timestamps of theirs.
	p, err := goose.NewProvider(goose.DialectSQLite3, db, mfasql.Migrations(),
		goose.WithTableName("mfa_versions"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE my_sessions (id TEXT PRIMARY KEY, person TEXT NOT NULL)"); err != nil {
		return err
	}
	store, err := mfasql.New(db)
	if err != nil {
		return err
	}
	keys, err := mfa.NewKeyring("2026-11", map[string][]byte{"2026-11": make([]byte, 32)}) // yours is random
	if err != nil {
		return err
	}
	apps, err := totp.New(totp.Config{Issuer: "Example"})
	if err != nil {
		return err
	}
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	flow, err := mfa.New(mfa.Config{Store: store, Sealer: keys, Factors: []mfa.Factor{apps}, Now: func() time.Time { return now }})
	if err != nil {
		return err
	}

	const browser = "the value of the session cookie"
	alice := mfa.Subject{ID: "alice"}
	ticket, err := flow.IssueTicket(ctx, mfa.TicketInput{Subject: alice})
	if err != nil {
		return err
	}
	ch, err := flow.BeginEnrol(ctx, mfa.EnrolInput{Subject: alice, Kind: mfa.KindTOTP, Account: "alice", Session: browser, Ticket: ticket})
	if err != nil {
		return err
	}
	app, err := mfatest.ScanTOTP(ch)
	if err != nil {
		return err
	}
	if _, err := flow.FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: browser, Data: []byte(app.Code(now))}, nil); err != nil {
		return err
	}
	now = now.Add(time.Hour)

	// answer saves a session in the transaction that spends the code.
	answer := func(then error) error {
		ch, err := flow.Begin(ctx, mfa.BeginInput{
			Subject: alice, Kind: mfa.KindTOTP, Purpose: mfa.Second, Session: browser,
			Authenticated: []mfa.Evidence{{Kind: mfa.KindPassword, At: now}},
		})
		if err != nil {
			return err
		}
		_, err = flow.Finish(ctx, ch.ID, mfa.Answer{Session: browser, Data: []byte(app.Code(now))}, func(ctx context.Context, res mfa.Result) error {
			tx, ok := store.TxFrom(ctx)
			if !ok {
				return sql.ErrTxDone
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO my_sessions (id, person) VALUES ($1, $2)", ch.ID, res.Subject.ID)
			return errors.Join(err, then)
		})
		return err
	}
	say := func(what string, said any) {
		var n int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM my_sessions").Scan(&n); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %v, %d sessions\n", what, said, n)
	}
	say("a commit that fails", answer(errors.New("no room")))
	say("the same code, which was not spent", answer(nil))
	say("and again", mfa.CheckOf(answer(nil)))
	return nil
}
