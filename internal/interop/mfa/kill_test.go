// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/internal/sqltx"
	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

// killEnv makes TestKilled the process that is killed.
const killEnv = "GATEHOUSE_TEST_MFA_KILL"

// hang is what the process is to do.
type hang struct {
	Driver, Database, Challenge, Answer string
	// InCommit hangs in the caller's commit; otherwise in the verification.
	InCommit bool
	Now      time.Time
}

const hanging = "hanging"

// hangingTOTP never comes back from a verification.
type hangingTOTP struct{ *totp.Factor }

func (hangingTOTP) Verify(context.Context, mfa.VerifyRequest) (mfa.Verified, error) {
	wait()
	return mfa.Verified{}, nil
}

// wait tells the parent and stays until it is killed, or the parent is gone.
func wait() {
	fmt.Println(hanging)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(3)
}

// answerAndHang is the process that is killed.
func answerAndHang(t *testing.T, raw string) {
	t.Helper()
	var h hang
	if err := json.Unmarshal([]byte(raw), &h); err != nil {
		t.Fatal(err)
	}
	db := source{h.Driver, h.Database}.open(t)
	factor, err := totp.New(totp.Config{Issuer: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	var f mfa.Factor = hangingTOTP{factor}
	if h.InCommit {
		f = factor
	}
	flow := newFlowOf(t, newStore(t, db), f, func() time.Time { return h.Now }, nil)
	_, err = flow.Finish(t.Context(), h.Challenge, mfa.Answer{Session: browser, Data: []byte(h.Answer)}, func(ctx context.Context, _ mfa.Result) error {
		if _, err := sqltx.From(ctx, db).ExecContext(ctx, "INSERT INTO sessions (id) VALUES ('1')"); err != nil {
			return err
		}
		wait()
		return nil
	})
	t.Fatalf("the answer came to an end: %v", err)
}

// killWhileHanging runs h in a process of its own, and kills it where it
// hangs.
func killWhileHanging(t *testing.T, h hang) {
	t.Helper()
	raw, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), killEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == hanging {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
				t.Fatalf("the process was not killed: %v", cmd.ProcessState)
			}
			return
		}
		said.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("the process did not come to where it hangs: %v\n%s", cmd.Wait(), said.String())
}

// TestKilled: a process that is killed between the charge and the commit of an
// answer has cost an attempt and the challenge, and opened no session. Five of
// them lock the factor as five wrong codes do.
func TestKilled(t *testing.T) {
	if raw := os.Getenv(killEnv); raw != "" {
		answerAndHang(t, raw)
	}
	t.Parallel()
	for what, inCommit := range map[string]bool{"while verifying": false, "in the commit": true} {
		t.Run(what, func(t *testing.T) {
			sources(t, func(t *testing.T, src source) {
				ctx := t.Context()
				db := src.open(t)
				if _, err := db.ExecContext(ctx, "CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY)"); err != nil {
					t.Fatal(err)
				}
				now := start
				s := newStore(t, db)
				f := newFlow(t, s, func() time.Time { return now }, nil)
				d := enrolTOTP(t, f, now)
				now = now.Add(time.Minute)
				code := d.Code(now)
				begin := func() (string, error) {
					ch, err := f.Begin(ctx, mfa.BeginInput{
						Subject: alice, Kind: mfa.KindTOTP, Purpose: mfa.Second, Session: browser, Authenticated: password,
					})
					if err != nil {
						return "", err
					}
					return ch.ID, nil
				}
				for n := 1; n <= 5; n++ {
					id, err := begin()
					if err != nil {
						t.Fatal(err)
					}
					killWhileHanging(t, hang{Driver: src.driver, Database: src.name, Challenge: id, Answer: code, InCommit: inCommit, Now: now})
					if cs, err := s.Counters(ctx, alice); err != nil || cs["totp"].Failures != n {
						t.Fatalf("after %d killed processes: counters %+v, %v", n, cs, err)
					}
					if n < 5 {
						_, err = f.Finish(ctx, id, mfa.Answer{Session: browser, Data: []byte(code)}, nil)
						if mfa.CheckOf(err) != mfa.CheckChallenge {
							t.Fatalf("the challenge of a killed process: got %v, want %s", err, mfa.CheckChallenge)
						}
					}
				}
				if _, err := begin(); mfa.CheckOf(err) != mfa.CheckLocked {
					t.Fatalf("after 5 killed processes: got %v, want %s", err, mfa.CheckLocked)
				}
				var sessions int
				if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM sessions").Scan(&sessions); err != nil || sessions != 0 {
					t.Fatalf("%d sessions, %v; want none", sessions, err)
				}
				now = now.Add(16 * time.Minute) // the lock is over, and nothing else was lost
				id, err := begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.Finish(ctx, id, mfa.Answer{Session: browser, Data: []byte(d.Code(now))}, nil); err != nil {
					t.Fatalf("the next right code: %v", err)
				}
			})
		})
	}
}
