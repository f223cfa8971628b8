// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := newRig(t)
	_ = good
	for name, change := range map[string]func(*mfa.Config){
		"store":     func(c *mfa.Config) { c.Store = nil },
		"sealer":    func(c *mfa.Config) { c.Sealer = nil },
		"factors":   func(c *mfa.Config) { c.Factors = nil },
		"duplicate": func(c *mfa.Config) { c.Factors = append(c.Factors, c.Factors[0]) },
		"nil":       func(c *mfa.Config) { c.Factors = []mfa.Factor{nil} },
		"fresh":     func(c *mfa.Config) { c.Fresh = -1 },
		"lockout":   func(c *mfa.Config) { c.Lockout.Tries = -1 },
		"sends":     func(c *mfa.Config) { c.SendLimit.Max = time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			newRig(t, func(c *mfa.Config) {
				broken := *c
				broken.Factors = slices.Clone(c.Factors)
				change(&broken)
				if _, err := mfa.New(broken); err == nil {
					t.Error("accepted")
				}
			})
		})
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.enrolTOTP()
	ch := r.begin(mfa.KindTOTP)
	var inside mfa.Result
	res, err := r.flow.Finish(t.Context(), ch.ID, mfa.Answer{Session: session, Data: []byte(d.Code(r.clock()))},
		func(_ context.Context, res mfa.Result) error { inside = res; return nil })
	if err != nil {
		t.Fatal(err)
	}
	e := res.Evidence
	if res.Subject != alice || e.Kind != mfa.KindTOTP || !e.Factor || e.Fallback || !e.At.Equal(r.clock()) || e.RecordID == "" ||
		inside.RecordID != res.RecordID || !slices.Equal(e.AMR, []string{"otp"}) {
		t.Errorf("result %+v", res)
	}
	records, err := r.flow.Records(t.Context(), alice)
	if err != nil || len(records) != 1 || !records[0].UsedAt.Equal(r.clock()) || records[0].Sealed != nil {
		t.Errorf("records %+v, %v", records, err)
	}
	if !r.had(mfa.EventPassed) || !r.had(mfa.EventEnrolled) || !r.had(mfa.EventTicket) {
		t.Errorf("events %+v", r.events)
	}
}

func TestFinishRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.enrolTOTP()
	ctx := t.Context()
	finish := func(id string, a mfa.Answer) error { _, err := r.flow.Finish(ctx, id, a, nil); return err }
	good := func() mfa.Answer { return mfa.Answer{Session: session, Data: []byte(d.Code(r.clock()))} }

	r.want("an unknown challenge", finish("unknown", good()), mfa.CheckChallenge)
	r.want("a huge id", finish(strings.Repeat("x", 1000), good()), mfa.CheckInput)
	ch := r.begin(mfa.KindTOTP)
	r.want("a huge answer", finish(ch.ID, mfa.Answer{Session: session, Data: make([]byte, mfa.MaxAnswer+1)}), mfa.CheckInput)
	stolen := good()
	stolen.Session = "another"
	r.want("another session", finish(ch.ID, stolen), mfa.CheckBinding)
	r.want("after another session took it", finish(ch.ID, good()), mfa.CheckChallenge)
	ch = r.begin(mfa.KindTOTP)
	r.want("a wrong code", finish(ch.ID, mfa.Answer{Session: session, Data: []byte("000000")}), mfa.CheckWrong)
	r.want("the right code after a wrong one", finish(ch.ID, good()), mfa.CheckChallenge)
	ch = r.begin(mfa.KindTOTP)
	r.pass(5 * time.Minute)
	r.want("an expired challenge", finish(ch.ID, good()), mfa.CheckChallenge)
	ch = r.begin(mfa.KindTOTP)
	r.want("a right answer", finish(ch.ID, good()), "")
	r.want("the same challenge again", finish(ch.ID, good()), mfa.CheckChallenge)
	ch = r.begin(mfa.KindTOTP)
	r.want("a code twice", finish(ch.ID, good()), mfa.CheckReused)
	ch = r.beginEnrol(mfa.KindTOTP, "")
	r.want("an enrolment's challenge", finish(ch.ID, good()), mfa.CheckChallenge)
	ch = r.begin(mfa.KindTOTP)
	_, err := r.finishEnrol(ch.ID, d.Code(r.clock()))
	r.want("a sign-in's challenge as an enrolment's", err, mfa.CheckChallenge)
}

func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	begin := func(change func(*mfa.BeginInput), k mfa.Kind) error {
		in := r.input(k)
		if change != nil {
			change(&in)
		}
		_, err := r.flow.Begin(t.Context(), in)
		return err
	}
	r.want("an unknown kind", begin(nil, "none"), mfa.CheckKind)
	r.want("without a credential", begin(nil, mfa.KindTOTP), mfa.CheckCredential)
	r.want("before any proof", begin(func(in *mfa.BeginInput) { in.Authenticated = nil }, mfa.KindTOTP), mfa.CheckFirstFactor)
	r.want("as the first", begin(func(in *mfa.BeginInput) { in.Purpose = mfa.First }, mfa.KindMail), mfa.CheckFirstFactor)
	r.want("never strong enough", begin(func(in *mfa.BeginInput) { in.Strength = mfa.PhishingResistant }, mfa.KindTOTP), mfa.CheckStrength)
	for name, f := range map[string]func(*mfa.BeginInput){
		"session":  func(in *mfa.BeginInput) { in.Session = "" },
		"purpose":  func(in *mfa.BeginInput) { in.Purpose = mfa.Enrol },
		"strength": func(in *mfa.BeginInput) { in.Strength = 9 },
		"subject":  func(in *mfa.BeginInput) { in.Subject = mfa.Subject{} },
	} {
		if err := begin(f, mfa.KindTOTP); err == nil || mfa.CheckOf(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLockout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.enrolTOTP()
	codes := r.enrolRecovery()
	wrong := func(n int) {
		t.Helper()
		for range n {
			r.want("a wrong code", r.answer(mfa.KindTOTP, "00000"), mfa.CheckWrong)
		}
	}
	wrong(5)
	if !r.had(mfa.EventLocked) {
		t.Error("no event of the lock")
	}
	err := r.answer(mfa.KindTOTP, d.Code(r.clock()))
	r.want("the right code while locked", err, mfa.CheckLocked)
	var e *mfa.Error
	if !errors.As(err, &e) || !e.Until.Equal(r.clock().Add(15*time.Minute)) {
		t.Errorf("locked until %v", e)
	}
	r.want("another factor meanwhile", r.answer(mfa.KindRecovery, codes[0]), "")
	locks, err := r.flow.Locks(t.Context(), alice)
	if err != nil || len(locks) != 1 || locks[mfa.KindTOTP].IsZero() {
		t.Errorf("locks %v, %v", locks, err)
	}
	for _, lock := range []time.Duration{15, 30, 60, 120, 240, 480, 960, 1440, 1440} {
		r.pass(lock*time.Minute - time.Microsecond)
		r.want("just before the end", r.answer(mfa.KindTOTP, "000000"), mfa.CheckLocked)
		r.pass(time.Microsecond)
		wrong(5)
	}
	if err := r.flow.Unlock(t.Context(), alice, mfa.KindTOTP, "admin"); err != nil {
		t.Fatal(err)
	}
	wrong(4)
	r.want("the right code", r.answer(mfa.KindTOTP, d.Code(r.clock())), "")
	wrong(4)
	r.pass(time.Minute)
	r.want("failures were cleared", r.answer(mfa.KindTOTP, d.Code(r.clock())), "")
}

// TestFailuresBeforeAPass: guesses between the person's sign-ins lock nothing,
// but they are told.
func TestFailuresBeforeAPass(t *testing.T) {
	t.Parallel()
	for wrong := range 5 {
		r := newRig(t)
		d := r.enrolTOTP()
		for range wrong {
			r.want("a guess", r.answer(mfa.KindTOTP, "99999x"), mfa.CheckWrong)
		}
		r.want("the person", r.answer(mfa.KindTOTP, d.Code(r.clock())), "")
		if told := r.had(mfa.EventNotice); told != (wrong >= 3) {
			t.Errorf("after %d failures: notice %v", wrong, told)
		}
	}
}

// TestLockedMeanwhile: challenges begun before a lock are no way around it.
func TestLockedMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.enrolTOTP()
	var ids []string
	for range 6 {
		ids = append(ids, r.begin(mfa.KindTOTP).ID)
	}
	for _, id := range ids[:5] {
		_, err := r.finish(id, "000000")
		r.want("a wrong code", err, mfa.CheckWrong)
	}
	_, err := r.finish(ids[5], d.Code(r.clock()))
	r.want("a challenge from before the lock", err, mfa.CheckLocked)
}

// TestCommitFails: a roll-back refunds nothing and spends nothing.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.enrolTOTP()
	boom := errors.New("boom")
	for range 5 {
		ch := r.begin(mfa.KindTOTP)
		_, err := r.flow.Finish(t.Context(), ch.ID, mfa.Answer{Session: session, Data: []byte(d.Code(r.clock()))},
			func(context.Context, mfa.Result) error { return boom })
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
	}
	_, err := r.flow.Begin(t.Context(), r.input(mfa.KindTOTP))
	r.want("after five roll-backs", err, mfa.CheckLocked)
	r.pass(15 * time.Minute)
	r.want("a code of a step that was rolled back", r.answer(mfa.KindTOTP, d.Code(r.clock())), "")
}

// TestOnePersonFillsNoStore: neither with challenges, of which the newest are
// kept, nor with options that nobody reads.
func TestOnePersonFillsNoStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *mfa.Config) { c.Store = mfa.NewMemoryStore(100) })
	d := r.enrolTOTP()
	first := r.begin(mfa.KindTOTP)
	var last *mfa.Challenge
	for range 200 {
		last = r.begin(mfa.KindTOTP)
		r.pass(time.Microsecond)
	}
	_, err := r.finish(first.ID, d.Code(r.clock()))
	r.want("the oldest", err, mfa.CheckChallenge)
	_, err = r.finish(last.ID, d.Code(r.clock()))
	r.want("the newest", err, "")
	in := r.input(mfa.KindTOTP)
	in.Options = json.RawMessage(`"` + strings.Repeat("x", 4<<10) + `"`)
	_, err = r.flow.Begin(t.Context(), in)
	r.want("large options", err, mfa.CheckInput)
	_, err = r.flow.BeginEnrol(t.Context(), mfa.EnrolInput{
		Subject: alice, Kind: mfa.KindTOTP, Session: session, Authenticated: r.fresh(), Options: in.Options,
	})
	r.want("large options of an enrolment", err, mfa.CheckInput)
}

// TestMemoryStoreForgetsTheExpired: without Run, when it is full; and a
// roll-back brings back what was removed in its transaction.
func TestMemoryStoreForgetsTheExpired(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := mfa.NewMemoryStore(2)
	row := func(n byte, at time.Duration) mfa.ChallengeRow {
		now := time.Unix(0, 0).Add(at)
		return mfa.ChallengeRow{Hash: [32]byte{n}, Tries: 2, CreatedAt: now, ExpiresAt: now.Add(time.Minute)}
	}
	one, two := row(1, 0), row(2, time.Second)
	if err := errors.Join(m.AddChallenge(ctx, one), m.AddChallenge(ctx, two)); err != nil {
		t.Fatal(err)
	}
	if err := m.AddChallenge(ctx, row(3, time.Minute-1)); !errors.Is(err, mfa.ErrFull) {
		t.Errorf("while none has expired: %v", err)
	}
	boom := errors.New("boom")
	err := m.InTx(ctx, func(ctx context.Context) error {
		if _, err := m.TakeChallenge(ctx, one.Hash, one.CreatedAt); err != nil {
			return err
		}
		return errors.Join(boom, m.AddChallenge(ctx, row(4, time.Minute)))
	})
	if !errors.Is(err, boom) || errors.Is(err, mfa.ErrFull) {
		t.Error(err)
	}
	if c, err := m.TakeChallenge(ctx, one.Hash, one.CreatedAt); err != nil || c.Tries != 1 {
		t.Errorf("after a roll-back: %+v, %v", c, err)
	}
	if err := m.AddChallenge(ctx, row(5, time.Minute)); err != nil {
		t.Errorf("after one has expired: %v", err)
	}
	if err := m.AddChallenge(ctx, row(6, time.Minute)); !errors.Is(err, mfa.ErrFull) {
		t.Errorf("full again: %v", err)
	}
}

// TestOutsideOfTransactions: what a roll-back of the caller's would undo is
// refused, and charges and sends nothing.
func TestOutsideOfTransactions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.enrolTOTP()
	ch, enrol := r.begin(mfa.KindTOTP), r.beginEnrol(mfa.KindTOTP, "")
	err := r.store.InTx(t.Context(), func(ctx context.Context) error {
		a := mfa.Answer{Session: session, Data: []byte(d.Code(r.clock()))}
		_, finish := r.flow.Finish(ctx, ch.ID, a, nil)
		_, finishEnrol := r.flow.FinishEnrol(ctx, enrol.ID, mfa.EnrolAnswer{Session: session, Data: a.Data}, nil)
		_, begin := r.flow.Begin(ctx, r.input(mfa.KindMail))
		_, beginEnrol := r.flow.BeginEnrol(ctx, mfa.EnrolInput{
			Subject: alice, Kind: mfa.KindSMS, Session: session, Authenticated: r.fresh(),
			Options: json.RawMessage(`{"number":"+41441234567"}`),
		})
		for name, err := range map[string]error{"Finish": finish, "FinishEnrol": finishEnrol, "Begin": begin, "BeginEnrol": beginEnrol} {
			if !errors.Is(err, mfa.ErrInTx) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, silent := r.flow.Begin(ctx, r.input(mfa.KindTOTP))
		return silent
	})
	if err != nil || len(r.sent) != 0 || r.failures(mfa.KindTOTP) != 0 {
		t.Errorf("%v, %d messages", err, len(r.sent))
	}
	_, err = r.finish(ch.ID, d.Code(r.clock()))
	r.want("outside", err, "")
}

// together is how many answers there are before the lock, and of one code by
// mail.
const together = 5

// TestParallelAnswers: one of many right answers passes, over one challenge
// each and over one challenge with several tries, though several are verified
// before any is committed.
func TestParallelAnswers(t *testing.T) {
	t.Parallel()
	var c mfa.Config
	r := newRig(t, func(rig *mfa.Config) { c = *rig })
	d := r.enrolTOTP()
	_, pass := r.provision(`{"once":true}`)
	code := d.Code(r.clock())
	for i, f := range c.Factors {
		c.Factors[i] = mfatest.Meet(f, together)
	}
	racing, err := mfa.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []mfa.Kind{mfa.KindTOTP, mfa.KindPass, mfa.KindMail} {
		var ids []string
		for range 50 {
			if k == mfa.KindMail && len(ids) > 0 {
				ids = append(ids, ids[0])
				continue
			}
			ids = append(ids, r.begin(k).ID)
		}
		answer := map[mfa.Kind]string{mfa.KindTOTP: code, mfa.KindPass: pass}[k]
		if k == mfa.KindMail {
			answer = r.last().Code
		}
		r.race(racing, k, ids, answer)
	}
}

func (r *rig) race(f *mfa.Flow, k mfa.Kind, ids []string, answer string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute) // fails what does not meet
	defer cancel()
	var passed atomic.Int64
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			_, err := f.Finish(ctx, id, mfa.Answer{Session: session, Data: []byte(answer)}, nil)
			if err == nil {
				passed.Add(1)
			} else if mfa.CheckOf(err) == "" {
				r.t.Error(err)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1 {
		r.t.Errorf("%d of %d parallel answers by %s passed", passed.Load(), len(ids), k)
	}
}

func TestAuditFailureRollsBack(t *testing.T) {
	t.Parallel()
	full := errors.New("the audit log is full")
	var fail atomic.Bool
	r := newRig(t, func(c *mfa.Config) {
		c.OnEvent = func(_ context.Context, e mfa.Event) error {
			if fail.Load() && e.Type == mfa.EventPassed {
				return full
			}
			return nil
		}
	})
	d := r.enrolTOTP()
	fail.Store(true)
	if err := r.answer(mfa.KindTOTP, d.Code(r.clock())); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	fail.Store(false)
	r.want("after the log has room", r.answer(mfa.KindTOTP, d.Code(r.clock())), "")
}
