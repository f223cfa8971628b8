// Copyright 2026 The Gatehouse Authors
// SPDX-License-Identifier: Apache-2.0

package mfa_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-id/gatehouse/mfa"
)

// TestRefusedBeginIsTold: who is refused a challenge leaves one event that says
// why, and who asked.
func TestRefusedBeginIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.enrolTOTP()
	from := mfa.Client{Addr: netip.MustParseAddr("192.0.2.7"), Browser: "Firefox on\nLinux"}
	begin := func(change func(*mfa.BeginInput)) func() error {
		return func() error {
			in := r.input(mfa.KindTOTP)
			in.Client = from
			change(&in)
			_, err := r.flow.Begin(t.Context(), in)
			return err
		}
	}
	enrol := func(in mfa.EnrolInput) func() error {
		return func() error {
			in.Subject, in.Session, in.Client = alice, session, from
			_, err := r.flow.BeginEnrol(t.Context(), in)
			return err
		}
	}
	phone := json.RawMessage(`{"number":"+41441234567"}`)
	for range 5 {
		ch, err := r.flow.Begin(t.Context(), r.input(mfa.KindMail))
		r.want("a mail", err, "")
		r.want("a wrong code", second(r.finish(ch.ID, "000000")), mfa.CheckWrong)
		r.beginEnrol(mfa.KindSMS, string(phone))
	}
	until := r.clock().Add(15 * time.Minute)
	for _, c := range []struct {
		what  string
		do    func() error
		check mfa.Check // of the refusal
		until time.Time
		told  bool
	}{
		{"locked", begin(func(in *mfa.BeginInput) { in.Kind = mfa.KindMail }), mfa.CheckLocked, until, true},
		{"strength", begin(func(in *mfa.BeginInput) { in.Strength = mfa.Attested }), mfa.CheckStrength, time.Time{}, true},
		{"nothing proved", begin(func(in *mfa.BeginInput) { in.Authenticated = nil }), mfa.CheckFirstFactor, time.Time{}, true},
		{"no first factor", begin(func(in *mfa.BeginInput) { in.Purpose = mfa.First }), mfa.CheckFirstFactor, time.Time{}, true},
		{"not set up", begin(func(in *mfa.BeginInput) { in.Kind = mfa.KindRecovery }), mfa.CheckCredential, time.Time{}, true},
		{"unknown kind", begin(func(in *mfa.BeginInput) { in.Kind = mfa.Kind(strings.Repeat("x", 1000)) }), mfa.CheckKind, time.Time{}, false},
		{"malformed", begin(func(in *mfa.BeginInput) { in.Options = make([]byte, 5000) }), mfa.CheckInput, time.Time{}, false},
		{"not fresh", enrol(mfa.EnrolInput{Kind: mfa.KindTOTP, Authenticated: r.password()}), mfa.CheckFresh, time.Time{}, true},
		{"ticket", enrol(mfa.EnrolInput{Kind: mfa.KindTOTP, Ticket: "x"}), mfa.CheckTicket, time.Time{}, true},
		{"too many messages", enrol(mfa.EnrolInput{Kind: mfa.KindSMS, Authenticated: r.fresh(), Options: phone}), mfa.CheckLocked, until, true},
		{"enrols no such kind", enrol(mfa.EnrolInput{Kind: mfa.KindPass}), mfa.CheckKind, time.Time{}, false},
	} {
		n := len(r.events)
		r.want(c.what, c.do(), c.check)
		told := r.events[n:]
		if !c.told {
			if len(told) != 0 {
				t.Errorf("%s: told %+v", c.what, told)
			}
			continue
		}
		if len(told) != 1 {
			t.Errorf("%s: %d events: %+v", c.what, len(told), told)
			continue
		}
		if e := told[0]; e.Type != mfa.EventRefused || e.Check != c.check || e.Subject != alice || e.Kind == "" || e.Purpose == "" ||
			e.Addr != from.Addr || e.Browser != "Firefox on Linux" || !e.Until.Equal(c.until) {
			t.Errorf("%s: told %+v", c.what, e)
		}
	}
}

func second[A any](_ A, err error) error { return err }

// TestLocksAreOfKinds: messages held back are no kind, and lock none.
func TestLocksAreOfKinds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 5 {
		r.begin(mfa.KindMail)
	}
	_, err := r.flow.Begin(t.Context(), r.input(mfa.KindMail))
	r.want("too many messages", err, mfa.CheckLocked)
	if locks, err := r.flow.Locks(t.Context(), alice); err != nil || len(locks) != 0 {
		t.Errorf("locks %v, %v", locks, err)
	}
}
