// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
	"github.com/gatehouse-id/gatehouse/mfa/code"
	"github.com/gatehouse-id/gatehouse/mfa/mfatest"
	"github.com/gatehouse-id/gatehouse/mfa/recovery"
	"github.com/gatehouse-id/gatehouse/mfa/totp"
)

const session = "the browser's session"

var alice = mfa.Subject{Tenant: "acme", ID: "alice"}

// rig is a flow with a clock that stands still and everything recorded.
type rig struct {
	t     *testing.T
	flow  *mfa.Flow
	store mfa.Store

	mu     sync.Mutex
	now    time.Time
	events []mfa.Event
	sent   []code.Message
	sendOK bool
}

func newRig(t *testing.T, change ...func(*mfa.Config)) *rig {
	t.Helper()
	r := &rig{t: t, store: mfa.NewMemoryStore(1000), now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), sendOK: true}
	k, err := mfa.NewKeyring("1", map[string][]byte{"1": make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	sender := code.SenderFunc(func(_ context.Context, m code.Message) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.sendOK {
			return errors.New("the mail server is down")
		}
		r.sent = append(r.sent, m)
		return nil
	})
	address := func(_ context.Context, s mfa.Subject) (string, error) {
		if s.ID == "" {
			return "", nil
		}
		return s.ID + "@example.com", nil
	}
	must := func(f mfa.Factor, err error) mfa.Factor {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	totpF, err := totp.New(totp.Config{Issuer: "Example"})
	recF, err2 := recovery.New(recovery.Config{})
	mailF, err3 := code.NewMail(code.Config{Sender: sender, Address: address})
	linkF, err4 := code.NewLink(code.LinkConfig{Sender: sender, Address: address, URL: "https://example.com/link"})
	passF, err5 := code.NewPass(code.PassConfig{})
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	c := mfa.Config{
		Store: r.store, Sealer: k, Now: r.clock,
		Factors: []mfa.Factor{totpF, recF, mailF, linkF, passF, must(code.NewSMS(code.Config{Sender: sender}))},
		OnEvent: func(_ context.Context, e mfa.Event) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
			return nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	r.store = c.Store
	if r.flow, err = mfa.New(c); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *rig) last() code.Message {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sent) == 0 {
		r.t.Fatal("no message was sent")
	}
	return r.sent[len(r.sent)-1]
}

func (r *rig) had(e mfa.EventType) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.events, func(x mfa.Event) bool { return x.Type == e })
}

func (r *rig) password() []mfa.Evidence {
	return []mfa.Evidence{{Kind: mfa.KindPassword, At: r.clock()}}
}

func (r *rig) input(k mfa.Kind) mfa.BeginInput {
	in := mfa.BeginInput{Subject: alice, Kind: k, Purpose: mfa.Second, Session: session, Authenticated: r.password()}
	if k == mfa.KindMagicLink || k == mfa.KindPass {
		in.Purpose, in.Authenticated = mfa.First, nil
	}
	return in
}

func (r *rig) begin(k mfa.Kind) *mfa.Challenge {
	r.t.Helper()
	ch, err := r.flow.Begin(r.t.Context(), r.input(k))
	if err != nil {
		r.t.Fatal(err)
	}
	return ch
}

func (r *rig) finish(id, answer string) (mfa.Result, error) {
	return r.flow.Finish(r.t.Context(), id, mfa.Answer{Session: session, Data: []byte(answer)}, nil)
}

func (r *rig) answer(k mfa.Kind, answer string) error {
	ch, err := r.flow.Begin(r.t.Context(), r.input(k))
	if err != nil {
		return err
	}
	_, err = r.finish(ch.ID, answer)
	return err
}

func (r *rig) want(what string, err error, c mfa.Check) {
	r.t.Helper()
	if mfa.CheckOf(err) != c || c == "" && err != nil {
		r.t.Errorf("%s: %v, want check %q", what, err, c)
	}
}

func (r *rig) ticket() string {
	r.t.Helper()
	tk, err := r.flow.IssueTicket(r.t.Context(), mfa.TicketInput{Subject: alice, WithFactors: true, Actor: "admin"})
	if err != nil {
		r.t.Fatal(err)
	}
	return tk
}

func (r *rig) beginEnrol(k mfa.Kind, options string) *mfa.Challenge {
	r.t.Helper()
	ch, err := r.flow.BeginEnrol(r.t.Context(), mfa.EnrolInput{
		Subject: alice, Kind: k, Account: "alice", Session: session, Ticket: r.ticket(), Options: json.RawMessage(options),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return ch
}

func (r *rig) finishEnrol(id, answer string) (mfa.Record, error) {
	return r.flow.FinishEnrol(r.t.Context(), id, mfa.EnrolAnswer{Session: session, Data: []byte(answer)}, nil)
}

func (r *rig) enrolTOTP() *mfatest.TOTPDevice {
	r.t.Helper()
	ch := r.beginEnrol(mfa.KindTOTP, "")
	d, err := mfatest.ScanTOTP(ch)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.finishEnrol(ch.ID, d.Code(r.clock())); err != nil {
		r.t.Fatal(err)
	}
	r.pass(time.Minute)
	return d
}

func (r *rig) enrolRecovery() []string {
	r.t.Helper()
	ch := r.beginEnrol(mfa.KindRecovery, "")
	var shown recovery.Shown
	if err := json.Unmarshal(ch.Public, &shown); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.finishEnrol(ch.ID, "kept"); err != nil {
		r.t.Fatal(err)
	}
	return shown.Codes
}

// fresh proves a factor just now.
func (r *rig) fresh() []mfa.Evidence {
	return append(r.password(), mfa.Evidence{Kind: mfa.KindTOTP, At: r.clock(), Factor: true})
}
