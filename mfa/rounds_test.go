// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// rounds asks until the answer is "done".
type rounds struct{}

func (rounds) Info() mfa.Info { return mfa.Info{Kind: "rounds", Implicit: true} }

func (rounds) Begin(context.Context, mfa.BeginRequest) (mfa.Begun, error) {
	return mfa.Begun{State: []byte("0"), Public: json.RawMessage(`"first"`)}, nil
}

func (rounds) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	switch string(r.Answer) {
	case "done":
		return mfa.Verified{}, nil
	case "more":
		return mfa.Verified{Next: &mfa.Begun{State: append(r.State, '1'), Public: json.RawMessage(`"next"`)}}, nil
	case "strong":
		return mfa.Verified{Strength: mfa.Attested}, nil
	case "foreign":
		return mfa.Verified{RecordID: "another's"}, nil
	case "fault":
		return mfa.Verified{}, errors.New("the database of the factor is down")
	}
	return mfa.Verified{}, &mfa.Error{Check: mfa.CheckWrong, Public: mfa.PublicWrong}
}

func roundsRig(t *testing.T, change ...func(*mfa.Config)) *rig {
	t.Helper()
	return newRig(t, append(change, func(c *mfa.Config) { c.Factors = append(c.Factors, rounds{}) })...)
}

func (r *rig) next(id, answer string) string {
	r.t.Helper()
	_, err := r.finish(id, answer)
	var another *mfa.Another
	if !errors.As(err, &another) || another.Challenge.Kind != "rounds" || string(another.Challenge.Public) != `"next"` {
		r.t.Fatalf("got %v", err)
	}
	return another.Challenge.ID
}

func (r *rig) failures(k mfa.Kind) int {
	r.t.Helper()
	c, err := r.store.Counters(r.t.Context(), alice)
	if err != nil {
		r.t.Fatal(err)
	}
	return c[string(k)].Failures
}

// TestRounds: every round counts until the last one passes; one that fails ends
// the exchange.
func TestRounds(t *testing.T) {
	t.Parallel()
	r := roundsRig(t)
	first := r.begin("rounds").ID
	second := r.next(first, "more")
	if n := r.failures("rounds"); n != 1 {
		t.Errorf("%d failures after a round that asks on", n)
	}
	_, err := r.finish(first, "more")
	r.want("the first question again", err, mfa.CheckChallenge)
	third := r.next(second, "more")
	_, err = r.flow.Finish(t.Context(), third, mfa.Answer{Session: "another", Data: []byte("done")}, nil)
	r.want("a round in another session", err, mfa.CheckBinding)

	id := r.next(r.begin("rounds").ID, "more")
	_, err = r.finish(id, "wrong")
	r.want("a wrong answer", err, mfa.CheckWrong)
	if n := r.failures("rounds"); n != 4 {
		t.Errorf("%d failures after a wrong answer", n)
	}
	_, err = r.finish(id, "done")
	r.want("after a wrong answer", err, mfa.CheckChallenge)

	if err := r.flow.Unlock(t.Context(), alice, "rounds", "admin"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		id = r.begin("rounds").ID
		for range 3 {
			id = r.next(id, "more")
		}
		res, err := r.finish(id, "done")
		if err != nil || res.RecordID != "" || res.Subject != alice {
			t.Fatalf("%+v, %v", res, err)
		}
		if n := r.failures("rounds"); n != 0 {
			t.Fatalf("%d failures after success", n)
		}
	}
}

// TestRoundsAreGuesses: a server that answers wrong codes with another question
// gives no more guesses than one that refuses them.
func TestRoundsAreGuesses(t *testing.T) {
	t.Parallel()
	for drop := 1; drop <= 5; drop++ {
		r := roundsRig(t)
		judged := 0
		for id := r.begin("rounds").ID; ; judged++ {
			_, err := r.finish(id, "more")
			var another *mfa.Another
			if !errors.As(err, &another) {
				r.want("the guess that is not judged", err, mfa.CheckLocked)
				break
			}
			id = another.Challenge.ID
			if judged%drop == 0 {
				ch, err := r.flow.Begin(t.Context(), r.input("rounds"))
				if err != nil {
					r.want("another exchange", err, mfa.CheckLocked)
					judged++
					break
				}
				id = ch.ID
			}
		}
		if judged != 5 {
			t.Errorf("%d guesses judged, a new exchange after every %d", judged, drop)
		}
	}
}

func TestRoundsAreCapped(t *testing.T) {
	t.Parallel()
	r := roundsRig(t, func(c *mfa.Config) { c.Lockout.Tries = 20 })
	id := r.begin("rounds").ID
	for range 9 {
		id = r.next(id, "more")
	}
	_, err := r.finish(id, "more")
	r.want("a tenth round", err, mfa.CheckRounds)
}

// TestFactorsAreNotTrusted: the flow refuses what a factor may not say.
func TestFactorsAreNotTrusted(t *testing.T) {
	t.Parallel()
	r := roundsRig(t)
	for _, answer := range []string{"strong", "foreign", "fault"} {
		_, err := r.finish(r.begin("rounds").ID, answer)
		if err == nil || mfa.CheckOf(err) != "" {
			t.Errorf("%s: %v", answer, err)
		}
	}
	if n := r.failures("rounds"); n != 3 {
		t.Errorf("%d failures after three faults", n)
	}
	if !r.had(mfa.EventRefused) {
		t.Error("a fault is no event")
	}
}

// TestHandlerRounds: the next question comes as JSON.
func TestHandlerRounds(t *testing.T) {
	t.Parallel()
	p := newPage(t, func(c *mfa.Config) { c.Factors = append(c.Factors, rounds{}) })
	code, out := p.post("/challenge", obj{"kind": "rounds", "purpose": "second"})
	if code != 200 {
		t.Fatal(code, out)
	}
	code, out = p.post("/challenge/finish", obj{"id": out["id"], "answer": "more"})
	next, _ := out["next"].(map[string]any)
	if code != 200 || next["public"] != "next" || len(p.done) != 0 {
		t.Fatal(code, out)
	}
	code, out = p.post("/challenge/finish", obj{"id": next["id"], "answer": "done"})
	if code != 200 || out["passed"] != true || len(p.done) != 1 {
		t.Fatal(code, out)
	}
}

// named is asked before the person is known, and reads the answer in Discover.
type named struct{ free }

func (named) Discover(answer []byte) (string, any, error) {
	return "key", "read: " + string(answer), nil
}

func (named) Verify(_ context.Context, r mfa.VerifyRequest) (mfa.Verified, error) {
	if r.Read != "read: x" {
		return mfa.Verified{}, fmt.Errorf("what Discover read came as %v", r.Read)
	}
	return mfa.Verified{RecordID: r.Credentials[0].ID}, nil
}

// TestReadOnce: Verify gets what Discover read of the same answer.
func TestReadOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *mfa.Config) { c.Factors = append(c.Factors, named{}) })
	if _, _, err := r.flow.Provision(t.Context(), mfa.ProvisionInput{Subject: alice, Kind: "free", Actor: "x"}, nil); err != nil {
		t.Fatal(err)
	}
	ch, err := r.flow.Begin(t.Context(), mfa.BeginInput{Subject: mfa.Subject{Tenant: alice.Tenant}, Kind: "free", Purpose: mfa.First, Session: session})
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.flow.Finish(t.Context(), ch.ID, mfa.Answer{Session: session, Data: []byte("x")}, nil)
	if err != nil || res.Subject != alice {
		t.Fatalf("%+v, %v", res, err)
	}
}

// enrols is a factor of a kind that is enrolled with any answer.
type enrols struct {
	free
	kind mfa.Kind
}

func (e enrols) Info() mfa.Info { return mfa.Info{Kind: e.kind, TTL: time.Minute} }

func (enrols) BeginEnrol(context.Context, mfa.EnrolRequest) (mfa.Begun, error) {
	return mfa.Begun{}, nil
}

func (enrols) FinishEnrol(context.Context, mfa.FinishEnrolRequest) (mfa.Enrolled, error) {
	return mfa.Enrolled{}, nil
}

// TestEnrolmentEnds: with the browser's ceremony, or after the time that it
// takes to set up an app.
func TestEnrolmentEnds(t *testing.T) {
	t.Parallel()
	for kind, ttl := range map[mfa.Kind]time.Duration{mfa.KindWebAuthn: time.Minute, "app": 15 * time.Minute} {
		r := newRig(t, func(c *mfa.Config) { c.Factors = append(c.Factors, enrols{kind: kind}) })
		for after, want := range map[time.Duration]mfa.Check{ttl - time.Second: "", ttl: mfa.CheckChallenge} {
			in := mfa.EnrolInput{Subject: alice, Kind: kind, Session: session, Authenticated: r.fresh()}
			ch, err := r.flow.BeginEnrol(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			r.pass(after)
			_, err = r.finishEnrol(ch.ID, "")
			r.want(fmt.Sprint(kind, " after ", after), err, want)
		}
	}
}
