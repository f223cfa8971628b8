// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/seal"
	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfasql"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

func TestStoreContract(t *testing.T) {
	databases(t, func(t *testing.T, db *sql.DB) {
		mfatest.TestStore(t, func(t *testing.T) mfa.Store { return newStore(t, db) })
	})
}

func newStore(t testing.TB, db *sql.DB) *mfasql.Store {
	t.Helper()
	s, err := mfasql.New(db)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newFlow(t testing.TB, s mfa.Store, now func() time.Time, onEvent func(context.Context, mfa.Event) error) *mfa.Flow {
	t.Helper()
	f, err := totp.New(totp.Config{Issuer: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	return newFlowOf(t, s, f, now, onEvent)
}

func newFlowOf(t testing.TB, s mfa.Store, f mfa.Factor, now func() time.Time, onEvent func(context.Context, mfa.Event) error) *mfa.Flow {
	t.Helper()
	k, err := seal.NewKeyring("1", map[string][]byte{"1": make([]byte, seal.KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := mfa.New(mfa.Config{Store: s, Sealer: k, Factors: []mfa.Factor{f}, Now: now, OnEvent: onEvent})
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

var (
	alice    = mfa.Subject{Tenant: "t", ID: "alice"}
	password = []mfa.Evidence{{Kind: mfa.KindPassword, At: start}}
	start    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

const browser = "session-of-the-browser"

func enrolTOTP(t testing.TB, f *mfa.Flow, now time.Time) *mfatest.TOTPDevice {
	t.Helper()
	ctx := t.Context()
	ticket, err := f.IssueTicket(ctx, mfa.TicketInput{Subject: alice})
	if err != nil {
		t.Fatal(err)
	}
	ch, err := f.BeginEnrol(ctx, mfa.EnrolInput{Subject: alice, Kind: mfa.KindTOTP, Account: "alice", Session: browser, Ticket: ticket})
	if err != nil {
		t.Fatal(err)
	}
	d, err := mfatest.ScanTOTP(ch)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.FinishEnrol(ctx, ch.ID, mfa.EnrolAnswer{Session: browser, Data: []byte(d.Code(now))}, nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// together is how many answers there are before the lock.
const together = 5

// TestParallelAnswers: of 50 right answers at once one opens a session, though
// several are verified before any is committed.
func TestParallelAnswers(t *testing.T) {
	databases(t, func(t *testing.T, db *sql.DB) {
		ctx := t.Context()
		if _, err := db.ExecContext(ctx, "CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		var clock atomic.Int64
		clock.Store(start.UnixMicro())
		now := func() time.Time { return time.UnixMicro(clock.Load()) }
		s := newStore(t, db)
		d := enrolTOTP(t, newFlow(t, s, now, nil), now())
		clock.Add(time.Minute.Microseconds())
		code := d.Code(now())
		factor, err := totp.New(totp.Config{Issuer: "Example"})
		if err != nil {
			t.Fatal(err)
		}
		f := newFlowOf(t, s, mfatest.Meet(factor, together), now, nil)
		ctx, cancel := context.WithTimeout(ctx, time.Minute) // fails what does not meet
		defer cancel()

		const n = 50
		ids := make([]string, n)
		for i := range ids {
			ch, err := f.Begin(ctx, mfa.BeginInput{
				Subject: alice, Kind: mfa.KindTOTP, Purpose: mfa.Second, Session: browser, Authenticated: password,
			})
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = ch.ID
		}
		var wg sync.WaitGroup
		var passed atomic.Int64
		for i := range n {
			wg.Go(func() {
				_, err := f.Finish(ctx, ids[i], mfa.Answer{Session: browser, Data: []byte(code)}, func(ctx context.Context, r mfa.Result) error {
					_, err := sqltx.From(ctx, db).ExecContext(ctx, "INSERT INTO sessions (id) VALUES ($1)", ids[i])
					return err
				})
				switch {
				case err == nil:
					passed.Add(1)
				case mfa.CheckOf(err) == "" && !sqltx.IsBusy(err):
					t.Errorf("answer %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		var sessions int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sessions").Scan(&sessions); err != nil {
			t.Fatal(err)
		}
		if passed.Load() != 1 || sessions != 1 {
			t.Errorf("%d of %d parallel answers passed and %d sessions were opened", passed.Load(), n, sessions)
		}
	})
}

// TestFailedCommitCostsAnAttempt: what fails between charge and commit is no
// way to guess for free, and a roll-back of the caller's spends no code.
func TestFailedCommitCostsAnAttempt(t *testing.T) {
	databases(t, func(t *testing.T, db *sql.DB) {
		ctx := t.Context()
		var clock atomic.Int64
		clock.Store(start.UnixMicro())
		now := func() time.Time { return time.UnixMicro(clock.Load()) }
		s := newStore(t, db)
		f := newFlow(t, s, now, nil)
		d := enrolTOTP(t, f, now())
		clock.Add(time.Minute.Microseconds())
		crash := errors.New("crash")
		answer := func(commit func(context.Context, mfa.Result) error) error {
			ch, err := f.Begin(ctx, mfa.BeginInput{
				Subject: alice, Kind: mfa.KindTOTP, Purpose: mfa.Second, Session: browser, Authenticated: password,
			})
			if err != nil {
				return err
			}
			_, err = f.Finish(ctx, ch.ID, mfa.Answer{Session: browser, Data: []byte(d.Code(now()))}, commit)
			return err
		}
		if err := answer(func(context.Context, mfa.Result) error { return crash }); !errors.Is(err, crash) {
			t.Fatalf("got %v, want the caller's error", err)
		}
		cs, err := s.Counters(ctx, alice)
		if err != nil || cs["totp"].Failures != 1 {
			t.Errorf("after a crash: counters %+v, %v; want one attempt charged", cs, err)
		}
		if err := answer(nil); err != nil {
			t.Errorf("the code was spent by a transaction that rolled back: %v", err)
		}
		cs, err = s.Counters(ctx, alice)
		if err != nil || len(cs) != 0 {
			t.Errorf("after success: counters %+v, %v; want none", cs, err)
		}
	})
}
